"""Vectors for the query and for documents that came without one, asked of another service in as few calls as possible.

The asking is passed in. Where it fails the vectors stay missing, and the answer says that it had to do with less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.errors import InvalidArgumentError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.domain.embedding import Embedder
    from app.a2a.mcp.domain.text.embedding_source import Ask, Run

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """The vectors there are now; `truncated` are places of documents of which only the beginning was embedded."""

    query: Vector | None
    documents: list[Vector | None]
    embedded: int = 0
    truncated: tuple[int, ...] = ()
    degraded: bool = False


async def embed_missing_vectors(query: str, texts: Sequence[str | None], given: Asked, ask: "Ask", run: "Run") -> Asked:
    """`given` with every missing vector made, where there is a text to make it of.

    Raises InvalidArgumentError when those made are of another length than those given.
    """
    # Loaded at need: the embedding room costs memory that a ranking of given vectors never uses.
    from app.a2a.mcp.domain.text.embedding_source import EmbeddingSource

    places = [place for place, vector in enumerate(given.documents) if vector is None and texts[place]]
    wanted = [texts[place] or "" for place in places]
    head = [query] if given.query is None else []
    if not head and not wanted:
        return given
    made = await EmbeddingSource(_no_model_here).embed([*head, *wanted], ask, run, whole=len(head))
    if made is None:
        return Asked(given.query, given.documents, degraded=True)
    vectors = made.vectors
    _require_one_length([given.query, *given.documents], vectors)
    documents = list(given.documents)
    for place, vector in zip(places, vectors[len(head) :], strict=True):
        documents[place] = vector
    truncated = tuple(places[index - len(head)] for index in made.truncated)
    found = sum(vector is not None for vector in vectors)
    return Asked(vectors[0] if head else given.query, documents, found, truncated)


def _no_model_here() -> "Embedder":
    raise UnavailableError("this service holds no embedding model")


def _require_one_length(given: Sequence[Vector | None], made: Sequence[Vector | None]) -> None:
    old = next((len(vector) for vector in given if vector is not None), None)
    new = next((len(vector) for vector in made if vector is not None), None)
    if old is not None and new is not None and old != new:
        reason = f"makes vectors of {new} numbers and those given have {old}: they do not compare"
        raise InvalidArgumentError.at("/embed_missing", reason)

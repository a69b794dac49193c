"""The documents that the tools of vector_ranking take, under the two names that each of their fields may have."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from app.a2a.mcp.core import ToolInput
from app.a2a.mcp.domain.ranking.hybrid import Document
from app.a2a.mcp.domain.ranking.pagerank import UNKNOWN_TYPE, Graph, Link, build_graph
from app.a2a.mcp.domain.ranking.recency import parse_time
from app.a2a.mcp.domain.vectors.batch import MAX_NUMBERS
from app.a2a.mcp.errors import Detail, InvalidArgumentError, LimitExceededError

MAX_DOCUMENTS = 1000
MAX_LINKS = 200_000
"""In all documents of one call together."""

MAX_TEXT = 100_000
MAX_WEIGHT = 1e6

ItemT = TypeVar("ItemT")


def _time(text: str) -> str:
    parse_time(text)
    return text


Identifier = Annotated[str, Field(min_length=1, max_length=128)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Vector = Annotated[list[Number], Field(min_length=1, max_length=4096)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Time = Annotated[
    str,
    Field(max_length=64, description="ISO 8601; without an offset it is UTC"),
    AfterValidator(_time),
]
Weight = Annotated[float, Field(ge=0, le=MAX_WEIGHT)]


class LinkedDocument(ToolInput):
    """A link with its kind and its weight."""

    id: Identifier
    relationship_type: Name = UNKNOWN_TYPE
    weight: Weight = 1.0


Links = Annotated[
    list[Identifier | LinkedDocument] | None,
    Field(max_length=MAX_DOCUMENTS, description="ids of documents it links to, or {id, relationship_type, weight}"),
]


class NamedItem(ToolInput):
    """Anything with an id, which may be called docId."""

    id: Identifier | None = None
    docId: Annotated[Identifier | None, Field(description="another name of id")] = None  # noqa: N815 - the wire's name

    @property
    def name(self) -> str:
        """The id, under whichever name it came."""
        return self.id or self.docId or ""

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if (self.id is None) == (self.docId is None):
            raise ValueError("needs exactly one of id and docId")
        return self


class DocumentVector(NamedItem):
    """A vector to rank."""

    vector: Vector | None = None
    embedding: Annotated[Vector | None, Field(description="another name of vector")] = None

    @property
    def numbers(self) -> list[float]:
        """The vector, under whichever name it came."""
        return self.vector or self.embedding or []

    @model_validator(mode="after")
    def _one_vector(self) -> Self:
        if (self.vector is None) == (self.embedding is None):
            raise ValueError("needs exactly one of vector and embedding")
        return self


class RankingDocument(NamedItem):
    """A document; each tool reads the fields it needs."""

    text: Text | None = None
    content: Annotated[Text | None, Field(description="another name of text")] = None
    vector: Vector | None = None
    embedding: Annotated[Vector | None, Field(description="another name of vector")] = None
    links: Links = None
    references: Links = None
    related_documents: Links = None
    timestamp: Time | None = None
    categories: Annotated[list[Name] | None, Field(max_length=100)] = None

    @property
    def words(self) -> str | None:
        """The text, under whichever name it came."""
        return self.content if self.text is None else self.text

    @property
    def numbers(self) -> list[float] | None:
        """The vector, under whichever name it came."""
        return self.embedding if self.vector is None else self.vector

    @property
    def outgoing(self) -> list[Link]:
        """All of its links."""
        given = [*(self.links or ()), *(self.references or ()), *(self.related_documents or ())]
        return [
            Link(link) if isinstance(link, str) else Link(link.id, link.relationship_type, link.weight)
            for link in given
        ]

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        if self.text is not None and self.content is not None:
            raise ValueError("takes only one of text and content")
        if self.vector is not None and self.embedding is not None:
            raise ValueError("takes only one of vector and embedding")
        return self


Documents = Annotated[list[RankingDocument], Field(min_length=1, max_length=MAX_DOCUMENTS)]


def domain_documents(documents: Sequence[RankingDocument], vectors: Sequence[Any | None]) -> list[Document]:
    """The documents as the domain knows them, with `vectors` in the place of their own.

    Raises LimitExceededError above 200,000 links together.
    """
    _bound_links(documents)
    return [
        Document(
            id=document.name,
            text=document.words,
            vector=vector,
            links=document.outgoing,
            time=parse_time(document.timestamp) if document.timestamp else None,
            categories=frozenset(name.casefold() for name in document.categories or ()),
        )
        for document, vector in zip(documents, vectors, strict=True)
    ]


def linked(documents: Sequence[RankingDocument], kinds: Collection[str] | None) -> Graph:
    """The graph of their links, of the given kinds only. Raises LimitExceededError above 200,000 links together."""
    _bound_links(documents)
    return build_graph([document.name for document in documents], [document.outgoing for document in documents], kinds)


def arrays_of(documents: Sequence[RankingDocument], query: Sequence[float] | None) -> list[Any | None]:
    """The vectors that documents came with, as float64, None for a document without one.

    Raises InvalidArgumentError naming those of another length than the query (or the first of them), and
    LimitExceededError above 500,000 numbers together.
    """
    given = [document.numbers for document in documents]
    total = sum(len(numbers) for numbers in given if numbers)
    if total > MAX_NUMBERS:
        raise LimitExceededError(f"{total} numbers in all vectors together, at most {MAX_NUMBERS} are taken")
    expected = len(query or next((numbers for numbers in given if numbers), ()))
    details = [
        Detail(f"/candidate_documents/{place}/vector", f"dimensions {expected} expected, {len(numbers)} given")
        for place, numbers in enumerate(given)
        if numbers and len(numbers) != expected
    ]
    if details:
        raise InvalidArgumentError(f"{len(details)} vectors have another length", details[:10])
    return [None if numbers is None else np.asarray(numbers, dtype=np.float64) for numbers in given]


def _bound_links(documents: Sequence[RankingDocument]) -> None:
    total = sum(len(given) for d in documents for given in (d.links, d.references, d.related_documents) if given)
    if total > MAX_LINKS:
        raise LimitExceededError(f"{total} links in all documents together, at most {MAX_LINKS} are taken")

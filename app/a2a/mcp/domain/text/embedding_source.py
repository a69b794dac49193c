"""Embeddings for a call: asked of the sister server, made here by the same model when it cannot answer, or none.

The asking and the thread pool are passed in. One call embeds a bounded number of characters, because the largest
list a caller may send would take half a minute: the longest texts are read in part, and the answer says which.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.embedding import Embedder, ModelName
from app.a2a.mcp.domain.text.likeness import Vector
from app.a2a.mcp.errors import A2AError, DeadlineExceededError

# About two seconds of one core (English; other scripts up to twice that). A pair of the longest texts always fits.
CALL_CHARACTERS = 200_000
# Below the sister's limits (256 texts of 8,000 characters), so that one request is answered in well under a second.
BATCH_PIECES = 256
BATCH_CHARACTERS = 65_536
PIECE_CHARACTERS = 8_000
_PIECE = re.compile(rf"\S.{{0,{PIECE_CHARACTERS - 1}}}(?!\S)|\S{{1,{PIECE_CHARACTERS}}}", re.DOTALL)

Reply = Mapping[str, Any]
# Asks the sister's embed_texts; raises A2AError when it cannot be had.
Ask = Callable[[list[str]], Awaitable[Reply]]
# Runs a function in the process's thread pool.
Run = Callable[..., Awaitable[Any]]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A unit vector for each text, None for one without content; which model (None when no text has content)
    made them, and which texts were read in part."""

    vectors: list[Vector | None]
    model: ModelName | None
    truncated: list[int]
    degraded: bool


class _Plan(NamedTuple):
    """The pieces of every distinct text that has content, and the texts of which the end was left out."""

    pieces: dict[str, list[str]]
    cut: set[str]


class _Made(NamedTuple):
    rows: Matrix
    model: ModelName


class EmbeddingSource:
    """Where a process gets embeddings. The local model is loaded at the first need of it, and once."""

    def __init__(self, load: Callable[[], Embedder]) -> None:
        self._load = load
        self._loading = asyncio.Lock()
        self._local: Embedder | None = None
        self.model: ModelName | None = None

    @property
    def loaded(self) -> bool:
        """Whether the local model is in memory, that is, whether the sister ever failed us."""
        return self._local is not None

    async def embed(self, texts: Sequence[str], ask: Ask, run: Run, *, whole: int = 0) -> Embeddings | None:
        """Embed `texts`, each distinct one once and the first `whole` of them in full.

        None when neither the sister nor the model here can: words are left to compare.
        """
        plan = _plan(texts, set(texts[:whole]))
        if not plan.pieces:
            return Embeddings([None] * len(texts), None, [], degraded=False)
        flat = [piece for parts in plan.pieces.values() for piece in parts]
        made = await _ask_all(flat, ask)
        degraded = made is None
        made = made or await self._make(flat, run)
        if made is None:
            return None
        self.model = made.model
        vectors = _means(plan.pieces, made.rows)
        truncated = [index for index, text in enumerate(texts) if text in plan.cut]
        return Embeddings([vectors.get(text) for text in texts], made.model, truncated, degraded)

    async def _make(self, pieces: list[str], run: Run) -> _Made | None:
        """Embed here, or None where the model cannot be loaded: that is no failure of the call."""
        try:
            async with self._loading:
                if self._local is None:
                    self._local = await run(self._load)
        except DeadlineExceededError:
            raise
        except (A2AError, ImportError, OSError, ValueError):
            return None
        embedder = self._local
        rows = await run(_embed_in_batches, embedder, pieces)
        return _Made(rows, embedder.model)


def fair_share(sizes: Sequence[int], budget: int) -> int:
    """The most that each of `sizes` may keep so that their sum fits `budget`; short ones leave room to long ones."""
    left = budget
    for index, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - index)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)


def _plan(texts: Sequence[str], whole: set[str]) -> _Plan:
    distinct = [text for text in dict.fromkeys(texts) if _has_content(text)]
    full = sum(len(text) for text in distinct if text in whole)
    share = fair_share([len(text) for text in distinct if text not in whole], CALL_CHARACTERS - full)
    cut = {text for text in distinct if text not in whole and len(text) > share}
    # Leading blanks go first: a share of nothing but blanks would leave no piece at all.
    return _Plan({text: _PIECE.findall(text.lstrip()[:share] if text in cut else text) for text in distinct}, cut)


async def _ask_all(pieces: Sequence[str], ask: Ask) -> _Made | None:
    """All rows from the sister, or None when any request fails or the model changed between two of them."""
    rows: list[Matrix] = []
    models: set[ModelName] = set()
    try:
        for batch in _batches(pieces):
            reply = await ask(batch)
            rows.append(_rows(reply, len(batch)))
            models.add(ModelName(reply["model"]["name"], reply["model"]["revision_sha256"]))
    except DeadlineExceededError:
        raise
    except (A2AError, KeyError, TypeError, ValueError):
        return None
    return _Made(np.concatenate(rows), models.pop()) if len(models) == 1 else None


def _rows(reply: Reply, count: int) -> Matrix:
    rows = np.asarray(reply["vectors"], dtype=np.float64)
    if rows.ndim != 2 or len(rows) != count or not np.isfinite(rows).all():
        raise ValueError("the reply does not hold one vector for each text")
    return rows


def _embed_in_batches(embedder: Embedder, pieces: Sequence[str]) -> Matrix:
    parts = [embedder.embed(batch).vectors for batch in _batches(pieces)]
    return np.concatenate(parts).astype(np.float64)


def _batches(pieces: Sequence[str]) -> list[list[str]]:
    batches: list[list[str]] = []
    room = 0
    for piece in pieces:
        if len(piece) > room or len(batches[-1]) == BATCH_PIECES:
            batches.append([])
            room = BATCH_CHARACTERS
        batches[-1].append(piece)
        room -= len(piece)
    return batches


def _means(pieces: Mapping[str, Sequence[str]], rows: Matrix) -> dict[str, Vector | None]:
    """One vector for each text: the mean of its pieces, weighted by their lengths, at unit length."""
    vectors: dict[str, Vector | None] = {}
    start = 0
    for text, parts in pieces.items():
        lengths = np.array([len(part) for part in parts], dtype=np.float64)
        total = lengths @ rows[start : start + len(parts)]
        start += len(parts)
        norm = float(np.linalg.norm(total))
        vectors[text] = total / norm if norm > 0 else None
    return vectors


def _has_content(text: str) -> bool:
    """Blank and invisible texts have no embedding: the model gives all of them one and the same vector."""
    return any(character.isprintable() and not character.isspace() for character in text)

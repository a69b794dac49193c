"""Named collections of vectors: writing them durably and searching them, for the client that owns them.

Heavy work goes through `run`, a bounded pool of threads that the caller passes in; the store is passed in too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.embedding import Embedder, check_call_size
from app.a2a.mcp.domain.vectors.attributes import Attributes
from app.a2a.mcp.domain.vectors.filters import Filter, compile_filter
from app.a2a.mcp.domain.vectors.index import Hit, Question
from app.a2a.mcp.domain.vectors.keeper import IndexKeeper
from app.a2a.mcp.domain.vectors.scan import StoredMetric
from app.a2a.mcp.domain.vectors.source import Applied, Meta, RecordKeeper, Write
from app.a2a.mcp.domain.vectors.writing import (
    Batch,
    check_batch,
    fitting_attributes,
    records_of,
    reusable,
)
from app.a2a.mcp.errors import ConflictError, InvalidArgumentError, NotFoundError

Run = Callable[..., Awaitable[Any]]

MAX_COLLECTIONS = 100
MAX_VECTORS = 200_000
SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did; `dimensions` and `metric` are None when there is no such collection (any more)."""

    dimensions: int | None
    metric: StoredMetric | None
    inserted: int
    updated: int
    deleted: int
    size: int
    version: int


@dataclass(frozen=True, slots=True)
class Query:
    """A search as asked for: exactly one of vector, text and id."""

    vector: Sequence[float] | None
    text: str | None
    id: str | None
    top_k: int
    min_similarity: float | None
    filter: Filter | None
    exact: bool
    search_k: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbours from near to far, and what was looked at."""

    hits: tuple[Hit, ...]
    size: int
    version: int
    exact: bool
    searched: int


class VectorCollections:
    """All collections of a store."""

    def __init__(self, store: RecordKeeper, keeper: IndexKeeper, embedder: Embedder) -> None:
        self._store = store
        self._keeper = keeper
        self._embedder = embedder

    async def names(self, client: str) -> list[str]:
        """What a client may search: its own collections, then the shared ones as `shared/NAME`."""
        own = await self._store.names(_owner(client))
        return own + [f"{SHARED}/{name}" for name in await self._store.names(SHARED)]

    async def upsert(self, client: str, collection: str, batch: Batch, run: Run) -> Written:
        """Write a batch atomically; it is durable when this returns.

        Raises InvalidArgumentError, NotFoundError, ConflictError or LimitExceededError; then nothing is written.
        """
        owner, name = address(client, collection)
        await run(check_batch, batch)
        check_call_size([item.text for item in batch.items if item.text is not None], "/items")
        try:
            return await self._write(owner, name, batch, run)
        except ConflictError:
            # Another writer made or remade the collection in between: look at it as it is now, once.
            return await self._write(owner, name, batch, run)

    async def search(self, client: str, collection: str, query: Query, run: Run) -> Found:
        """The nearest vectors; sees every write answered before it was called."""
        _require_one(query)
        owner, name = address(client, collection)
        meta, index = await self._keeper.current(owner, name)
        attributes = Attributes.decode(meta.attributes)
        if query.id is not None:
            vector = await run(index.vector_of, query.id)
            if vector is None:
                raise NotFoundError(f"there is no vector {query.id!r} in {collection!r}")
        else:
            vector = await self._query_vector(query, attributes, run)
        question = Question(
            vector,
            query.top_k,
            query.min_similarity,
            compile_filter(query.filter),
            query.exact,
            query.search_k,
            query.id,
        )
        answer = await run(index.search, question)
        return Found(answer.hits, index.size, index.version, answer.exact, answer.searched)

    async def _write(self, owner: str, name: str, batch: Batch, run: Run) -> Written:
        meta = await self._store.meta(owner, name)
        if meta is None and not batch.create:
            raise NotFoundError(f"there is no collection {name!r}")
        known = Attributes.decode(meta.attributes) if meta is not None and not batch.drop else None
        model = self._embedder.model.revision_sha256
        attributes = await run(fitting_attributes, batch, known, model, self._embedder.dimensions[0])
        if attributes is None and meta is None:
            return self._nothing_there(batch)
        puts = await self._records(owner, name, batch, known, run)
        write = Write(
            puts=puts,
            deletes=batch.delete_ids,
            attributes=attributes.encode() if attributes else None,
            create=batch.create,
            replace=batch.drop,
            max_collections=MAX_COLLECTIONS,
            max_records=MAX_VECTORS,
        )
        return _written(await self._store.apply(owner, name, write), attributes)

    def _nothing_there(self, batch: Batch) -> Written:
        # Dropping or deleting what is not there is done already; making an empty collection is not possible.
        if not batch.drop and not batch.delete_ids:
            raise InvalidArgumentError.at("/items", "a new collection needs at least one item")
        return Written(None, None, 0, 0, 0, 0, 0)

    async def _records(
        self, owner: str, name: str, batch: Batch, known: Attributes | None, run: Run
    ) -> list[tuple[str, bytes]]:
        texts = {item.id: item.text for item in batch.items if item.text is not None}
        embedded: dict[str, NDArray[np.float32]] = {}
        if texts and known is not None:
            embedded = await run(reusable, texts, await self._store.get_many(owner, name, list(texts)))
        missing = [key for key in texts if key not in embedded]
        if missing:
            made = await run(self._embedder.embed, [texts[key] for key in missing])
            if made.blank:
                place = [item.id for item in batch.items].index(missing[made.blank[0]])
                raise InvalidArgumentError.at(f"/items/{place}/text", "is blank: it has no meaning to embed")
            embedded |= zip(missing, made.vectors, strict=True)
        records: list[tuple[str, bytes]] = await run(records_of, batch.items, embedded)
        return records

    async def _query_vector(self, query: Query, attributes: Attributes, run: Run) -> NDArray[np.float64]:
        if query.text is not None:
            return await self._query_text(query.text, attributes, run)
        vector = np.asarray(query.vector, dtype=np.float64)
        if len(vector) != attributes.dimensions:
            reason = f"dimensions {attributes.dimensions} expected, {len(vector)} given"
            raise InvalidArgumentError.at("/query_vector", reason)
        if attributes.metric == "cosine" and (largest := float(np.abs(vector).max())) > 0.0:
            # Only its direction counts; this keeps 32-bit products in range.
            vector = vector / largest
            vector = vector / np.sqrt(vector @ vector)
        return vector

    async def _query_text(self, text: str, attributes: Attributes, run: Run) -> NDArray[np.float64]:
        if attributes.model is None:
            reason = "the collection holds vectors that callers bring: send query_vector of the same model"
            raise InvalidArgumentError.at("/query_text", reason)
        if attributes.model != self._embedder.model.revision_sha256:
            raise ConflictError("the collection was embedded by another revision of the model: write it again")
        made = await run(self._embedder.embed, [text], attributes.dimensions)
        if made.blank:
            raise InvalidArgumentError.at("/query_text", "is blank: it has no meaning to embed")
        row: NDArray[np.float64] = made.vectors[0].astype(np.float64)
        return row


def address(client: str, collection: str) -> tuple[str, str]:
    """Whose collection a name means, and its name there; owners of clients can never read "shared"."""
    if collection.startswith(f"{SHARED}/"):
        return SHARED, collection.removeprefix(f"{SHARED}/")
    return _owner(client), collection


def _owner(client: str) -> str:
    return f"client:{client}"


def _require_one(query: Query) -> None:
    given = [value for value in (query.vector, query.text, query.id) if value is not None]
    if len(given) != 1:
        raise InvalidArgumentError.at("", "send exactly one of query_vector, query_text and query_id")


def _written(applied: Applied, attributes: Attributes | None) -> Written:
    return Written(
        attributes.dimensions if attributes else None,
        attributes.metric if attributes else None,
        applied.inserted,
        applied.updated,
        applied.deleted,
        applied.size,
        applied.version,
    )


__all__ = ["Found", "Meta", "Query", "VectorCollections", "Written", "address"]

"""One instance of a server as tests of collections use it, with files small enough to test every path."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.a2a.mcp.domain.vectors.keeper import IndexKeeper, Limits
from app.a2a.mcp.domain.vectors.vector_collections import Found, Query, VectorCollections, Written
from app.a2a.mcp.domain.vectors.writing import Batch, Item

SMALL = Limits(memory_rows=50, memory_bytes=2**20, ann_from=400, stale_rows=60, stale_share=0.1)


async def run(function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)


@dataclass
class World:
    """One instance of a server: a client writes and searches through it."""

    collections: VectorCollections
    keeper: IndexKeeper
    client: str

    async def write(self, *items: Item, name: str = "c", **options: Any) -> Written:
        wanted: dict[str, Any] = {"delete_ids": (), "metric": None, "create": True, "drop": False} | options
        return await self.collections.upsert(self.client, name, Batch(items, **wanted), run)

    async def find(self, *vector: float, name: str = "c", **options: Any) -> Found:
        blank: dict[str, Any] = {
            "text": None,
            "id": None,
            "top_k": 10,
            "min_similarity": None,
            "filter": None,
            "exact": False,
            "search_k": None,
        }
        return await self.collections.search(self.client, name, Query(vector or None, **(blank | options)), run)


def item(name: str, *vector: float, text: str | None = None, **metadata: Any) -> Item:
    return Item(name, vector or None, text, metadata or None)


def ids(found: Found) -> list[str]:
    return [hit.id for hit in found.hits]


ABC = (item("a", 1, 0), item("b", 0, 1), item("c", 1, 1))

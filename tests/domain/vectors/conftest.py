"""Both stores, and instances of one host that share a store and a folder of indexes."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.a2a.mcp.core.stores.records import RecordStore, open_record_store
from app.a2a.mcp.domain.vectors.keeper import IndexKeeper
from app.a2a.mcp.domain.vectors.vector_collections import VectorCollections
from tests.domain.vectors.collections_world import SMALL, World
from tests.domain.vectors.fakes import HashEmbedder


@pytest.fixture(params=["redis", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, anyio_backend: str
) -> AsyncIterator[RecordStore]:
    client = Redis.from_url(redis_url) if request.param == "redis" else None
    opened = open_record_store(client, tmp_path / "state")
    yield opened
    await opened.close()
    if client is not None:
        await client.aclose()


@pytest.fixture
async def instances(store: RecordStore, tmp_path: Path) -> AsyncIterator[Callable[[], World]]:
    """Makes instances of one host: they share the store and the folder of indexes."""
    client, made = secrets.token_hex(6), []

    def make() -> World:
        keeper = IndexKeeper(store, tmp_path / "indexes", SMALL)
        made.append(keeper)
        return World(VectorCollections(store, keeper, HashEmbedder()), keeper, client)

    yield make
    for keeper in made:
        await keeper.close()


@pytest.fixture
def world(instances: Callable[[], World]) -> World:
    return instances()

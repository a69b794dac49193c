"""What the contract tests share: all services of the registry in this process, and the official client of any."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import mcp
import pytest
from mcp.client.streamable_http import streamable_http_client

from docs.live_fleet import LiveFleet, live_fleet

Connect = Callable[..., AbstractAsyncContextManager[mcp.Client]]


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[LiveFleet]:
    """All services over the real Redis, as hosts run them."""
    with live_fleet(tmp_path_factory.mktemp("fleet"), redis_url=redis_url) as running:
        yield running


@pytest.fixture
def connect(fleet: LiveFleet) -> Connect:
    """`async with connect(service, permissions="read", era="2025-11-25") as client`: the official client, over HTTP."""

    @asynccontextmanager
    async def open_client(
        service: str, permissions: str = "read,write", era: str = "2026-07-28"
    ) -> AsyncIterator[mcp.Client]:
        async with httpx2.AsyncClient(headers=fleet.headers(permissions), timeout=60) as http:
            transport = streamable_http_client(fleet.url.format(service=service), http_client=http)
            async with mcp.Client(transport, mode="auto" if era == "2026-07-28" else "legacy") as client:
                yield client

    return open_client

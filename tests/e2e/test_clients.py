"""The official Python client through nginx and TLS, in both eras, every call on whatever instance the edge picks."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx2
import mcp
import pytest
from mcp.client.streamable_http import streamable_http_client

from app.a2a.mcp.core.tools import ToolSpec
from tests.fleet import HANDSHAKE, MODERN, Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]

ERAS = [MODERN, HANDSHAKE]


@asynccontextmanager
async def connected(fleet: Fleet, service: str, era: str, key: str | None = None) -> AsyncIterator[mcp.Client]:
    headers = {"Authorization": f"Bearer {key or fleet.key}"}
    async with httpx2.AsyncClient(verify=fleet.tls, headers=headers, timeout=30) as http:
        transport = streamable_http_client(fleet.url(service), http_client=http)
        async with mcp.Client(transport, mode="auto" if era == MODERN else "legacy") as client:
            yield client


def menu(service: str) -> dict[str, ToolSpec]:
    tools: dict[str, ToolSpec] = import_module(f"app.a2a.mcp.servers.{service}_mcp_server").server.tools
    return tools


@pytest.mark.parametrize("era", ERAS)
async def test_every_service_lists_the_tools_its_registry_line_promises(fleet: Fleet, era: str) -> None:
    names: list[str] = []
    for service in fleet.registry:
        async with connected(fleet, service.name, era) as client:
            tools = (await client.list_tools()).tools
            assert len(tools) == service.tools
            names += [tool.name for tool in tools]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("era", ERAS)
async def test_every_documented_example_is_answered(fleet: Fleet, era: str) -> None:
    for service in fleet.registry:
        async with connected(fleet, service.name, era) as client:
            for spec in menu(service.name).values():
                for example in spec.examples:
                    result: Any = await client.call_tool(spec.name, dict(example))
                    assert not result.is_error, (spec.name, result.structured_content)
                    assert result.structured_content


@pytest.mark.parametrize("era", ERAS)
async def test_a_reader_is_not_shown_what_writes(fleet: Fleet, era: str) -> None:
    for service in fleet.registry:
        async with connected(fleet, service.name, era, fleet.reader_key) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
        assert listed == {spec.name for spec in menu(service.name).values() if spec.permission == "read"}


async def test_what_one_instance_stored_every_instance_finds(fleet: Fleet) -> None:
    service = "vector_similarity"
    seen: Counter[str] = Counter()
    items = [{"id": "a", "vector": [1.0, 0.0]}, {"id": "b", "vector": [0.0, 1.0]}, {"id": "c", "vector": [1.0, 1.0]}]
    async with connected(fleet, service, MODERN) as client:
        stored: Any = await client.call_tool("upsert_vectors", {"collection": "e2e", "items": items})
        assert stored.structured_content["size"] == 3
        for _ in range(30):
            found: Any = await client.call_tool(
                "search_vectors", {"collection": "e2e", "query_vector": [1.0, 0.0], "top_k": 2}
            )
            ids = [hit["id"] for hit in found.structured_content["results"]]
            seen[json.dumps(ids)] += 1
        await client.call_tool("upsert_vectors", {"collection": "e2e", "items": [], "drop": True})
    assert seen == {'["a", "c"]': 30}


async def test_calls_of_one_client_land_on_all_instances(fleet: Fleet) -> None:
    service = "semantic_similarity"
    before = instance_calls(fleet, service)
    async with connected(fleet, service, MODERN) as client:
        for _ in range(60):
            await client.call_tool("extract_keyphrases", {"text": "deep learning models and deep networks"})
    after = instance_calls(fleet, service)
    assert all(after[port] > before[port] for port in after), (before, after)


def instance_calls(fleet: Fleet, service: str) -> dict[int, float]:
    """Calls answered so far, by instance port, from each instance's own metrics."""
    ports = fleet.registry.get(service).instance_ports(fleet.registry.instances)
    counted = {}
    for port in ports:
        lines = fleet.sh(f"curl -s http://127.0.0.1:{port}/metrics").splitlines()
        counted[port] = sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("a2a_mcp_calls_total{"))
    return counted

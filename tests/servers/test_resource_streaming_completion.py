"""Completions of resource_streaming: what exists and the caller may see, and nothing else."""

import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp_types import PromptReference, ResourceTemplateReference

from app.a2a.mcp.servers.resource_streaming_mcp_server import server

pytestmark = pytest.mark.anyio
Connect = Callable[..., AbstractAsyncContextManager[Any]]
MONITOR = PromptReference(name="monitor_stream")
LIVE = ResourceTemplateReference(uri="stream://{namespace}/{+path}")


async def completed(client: Any, ref: Any, name: str, value: str, **chosen: str) -> list[str]:
    found = (await client.complete(ref, {"name": name, "value": value}, chosen or None)).completion
    assert not found.has_more
    return list(found.values)


async def test_what_is_typed_is_completed_by_what_the_caller_may_see(client_for: Connect, redis_url: str) -> None:
    one, other, mark = (f"c{secrets.token_hex(6)}" for _ in range(3))
    shared, own = f"stream://shared/{mark}", f"stream://{one}/progress"
    async with client_for(server, client_id=one, redis_url=redis_url) as client:
        for uri in (own, shared):
            await client.call_tool("publish_resource", {"uri": uri, "content": 1})
        assert await completed(client, MONITOR, "uri", f"stream://{one}/p") == [own]
        assert await completed(client, LIVE, "namespace", "s") == ["shared", "system"]
        assert await completed(client, LIVE, "path", "p", namespace=one) == ["progress"]
        assert await completed(client, MONITOR, "question", "") == []
    async with client_for(server, client_id=other, redis_url=redis_url) as client:
        assert await completed(client, MONITOR, "uri", f"stream://{one}") == []
        assert await completed(client, LIVE, "namespace", one) == []
        assert await completed(client, LIVE, "path", "", namespace=one) == []
        assert await completed(client, LIVE, "path", mark[:8], namespace="shared") == [mark]
        await client.call_tool("publish_resource", {"uri": shared, "operation": "delete"})
        assert await completed(client, MONITOR, "uri", shared) == []


async def test_a_completion_holds_a_hundred_values_and_says_how_many_there_are(client_for: Connect) -> None:
    async with client_for(server, client_id="many") as client:
        for n in range(101):
            await client.call_tool("publish_resource", {"uri": f"stream://many/{n:03}", "content": 1})
        found = (await client.complete(LIVE, {"name": "path", "value": ""}, {"namespace": "many"})).completion
    assert (len(found.values), found.total, found.has_more) == (100, 101, True)

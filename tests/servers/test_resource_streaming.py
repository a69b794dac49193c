"""The two tools of resource_streaming through the official client: catalogue examples, waiting, visibility."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from app.a2a.mcp.servers.resource_streaming_mcp_server import server

pytestmark = pytest.mark.anyio
Connect = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(params=["memory", "redis"])
async def ask(client_for: Connect, request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Any]:
    options = {"redis_url": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    name = f"c{secrets.token_hex(6)}"
    async with client_for(server, client_id=name, **options) as client:

        async def call(tool: str, **arguments: Any) -> Any:
            return (await client.call_tool(tool, arguments)).structured_content

        call.client, call.uri = client, f"stream://{name}/progress"  # type: ignore[attr-defined]
        yield call


async def test_examples_of_the_catalogue(ask: Any) -> None:
    first = await ask("publish_resource", uri=ask.uri, content={"n": 1})
    assert (first["created"], first["version"], first["change_type"]) == (True, 1, "created")
    second = await ask("publish_resource", uri=ask.uri, content={"n": 2}, if_version=1, idempotency_key="k")
    assert (second["version"], second["deduplicated"]) == (2, False)
    conflict = (await ask("publish_resource", uri=ask.uri, content={"n": 3}, if_version=1))["error"]
    assert conflict["code"] == "conflict" and "2" in conflict["details"][0]["reason"]
    again = await ask("publish_resource", uri=ask.uri, content={"n": 2}, idempotency_key="k")
    assert again["deduplicated"] and again["event_id"] == second["event_id"]
    page = await ask("read_resource_stream", uris=[ask.uri], after="0", include_snapshot=True)
    assert [event["version"] for event in page["events"]] == [1, 2] and page["gap"] == {}
    assert page["snapshots"][ask.uri]["content"] == {"n": 2}
    rest = await ask("read_resource_stream", uris=[ask.uri], after=page["next_after"])
    assert (rest["events"], rest["has_more"], rest["timed_out"]) == ([], False, False)
    assert json.loads((await ask.client.read_resource(ask.uri)).contents[0].text) == {"n": 2}
    assert ask.uri in {str(one.uri) for one in (await ask.client.list_resources()).resources}


async def test_a_waiting_read_answers_when_something_comes(ask: Any) -> None:
    await ask("publish_resource", uri=ask.uri, content=1)
    started = time.monotonic()
    waiting = asyncio.create_task(ask("read_resource_stream", uris=[ask.uri], after="$", wait_ms=20_000))
    while not json.loads((await ask.client.read_resource("streaming://subscriptions")).contents[0].text)["waiting"]:
        pass  # each question gives the waiting call its turn
    await ask("publish_resource", uri=ask.uri, content=2)
    page = await waiting
    assert time.monotonic() - started < 10
    assert [event["content"] for event in page["events"]] == [2] and not page["timed_out"]
    nothing = await ask("read_resource_stream", uris=[ask.uri], after=page["next_after"], wait_ms=50)
    assert nothing["timed_out"] and nothing["next_after"] == page["next_after"]


async def test_others_resources_do_not_exist(ask: Any) -> None:
    uri = "stream://somebody-else/x"
    assert (await ask("read_resource_stream", uris=[uri]))["error"]["code"] == "not_found"
    assert (await ask("publish_resource", uri=uri, content=1))["error"]["code"] == "permission_denied"
    assert (await ask("publish_resource", uri="stream://system/x", content=1))["error"]["code"] == "permission_denied"
    with pytest.raises(MCPError):
        await ask.client.read_resource(uri)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"content": None}, "invalid_argument"),
        ({"operation": "delete", "content": 1}, "invalid_argument"),
        ({"content": "x" * 65536}, "limit_exceeded"),
        ({"uri": "stream://shared/a b", "content": 1}, "invalid_argument"),
    ],
)
async def test_what_does_not_fit_is_refused(ask: Any, arguments: dict[str, Any], code: str) -> None:
    assert (await ask("publish_resource", **({"uri": ask.uri} | arguments)))["error"]["code"] == code


async def test_every_example_of_the_menu_works(ask: Any) -> None:
    for name, spec in server.tools.items():
        for example in spec.examples:
            assert not (await ask.client.call_tool(name, dict(example))).is_error
    limits = json.loads((await ask.client.read_resource("streaming://limits")).contents[0].text)
    assert limits["per_namespace"]["events_per_uri"] == 1000
    prompt = await ask.client.get_prompt("monitor_stream", {"uri": ask.uri})
    assert "read_resource_stream" in prompt.messages[0].content.text

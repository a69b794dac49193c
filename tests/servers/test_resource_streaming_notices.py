"""Notices for clients of the handshake era, over real instances: whatever instance a request meets, all is told."""

import asyncio
import contextlib
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import httpx2
import mcp
import mcp_types
import pytest
from mcp.client.streamable_http import streamable_http_client

from tests.servers.instances import Instance, headers_of, key_of, running

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:resources/.*subscribe is removed:mcp.MCPDeprecationWarning"),
]

CLIENT, OTHER = "follower", "stranger"
MEND_SECONDS = 30.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[list[Instance]]:
    directory = tmp_path_factory.mktemp("notices")
    instances = [Instance("resource_streaming", directory, redis_url, CLIENT, OTHER) for _ in range(2)]
    with running(*instances):
        yield instances


@pytest.fixture
def uri() -> str:
    return f"stream://{CLIENT}/{secrets.token_hex(6)}"


class Spread(httpx2.AsyncBaseTransport):
    """Sends each request to the next instance, and the stream of notices to the one named."""

    def __init__(self, instances: list[Instance], hanging: int) -> None:
        self.inner = httpx2.AsyncHTTPTransport()
        self.ports = itertools.cycle([instance.port for instance in instances])
        self.hanging = instances[hanging].port
        self.opened = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        streams = request.method == "GET"
        request.url = request.url.copy_with(port=self.hanging if streams else next(self.ports))
        answer = await self.inner.handle_async_request(request)
        if streams and answer.status_code == 200:
            self.opened.set()
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


class Follower:
    """The official client, and what it has been told."""

    def __init__(self, client: mcp.Client, told: "asyncio.Queue[Any]", spread: Spread) -> None:
        self.client, self.told, self.spread = client, told, spread

    async def next(self) -> tuple[str, str | None]:
        """The next notice's method and URI, within half a minute."""
        message = await asyncio.wait_for(self.told.get(), MEND_SECONDS)
        return message.method, getattr(message.params, "uri", None) and str(message.params.uri)


@contextlib.asynccontextmanager
async def following(instances: list[Instance], hanging: int = 0) -> AsyncIterator[Follower]:
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def heard(message: Any) -> None:
        if isinstance(message, mcp_types.ServerNotification):
            told.put_nowait(message)

    spread = Spread(instances, hanging)
    headers = {"Authorization": f"Bearer {key_of(CLIENT)}"}
    async with httpx2.AsyncClient(transport=spread, headers=headers, timeout=30) as http:
        transport = streamable_http_client("http://127.0.0.1/mcp", http_client=http)
        async with mcp.Client(transport, mode="legacy", message_handler=heard) as client:
            await asyncio.wait_for(spread.opened.wait(), MEND_SECONDS)
            yield Follower(client, told, spread)


async def publish(instance: Instance, uri: str, content: Any) -> None:
    await asyncio.to_thread(instance.call, key_of(CLIENT), "publish_resource", uri=uri, content=content)


async def test_the_official_client_is_told_by_the_instance_it_hangs_on_of_what_another_wrote(
    pair: list[Instance], uri: str
) -> None:
    async with following(pair) as follower:
        assert follower.client.server_capabilities.resources.subscribe
        assert follower.client.server_capabilities.resources.list_changed
        await follower.client.subscribe_resource(uri)
        await publish(pair[1], uri, 1)
        told = {await follower.next(), await follower.next()}
        assert told == {("notifications/resources/updated", uri), ("notifications/resources/list_changed", None)}
        await publish(pair[1], f"{uri}-not-followed", 1)
        assert await follower.next() == ("notifications/resources/list_changed", None)
        await publish(pair[0], uri, 2)
        assert await follower.next() == ("notifications/resources/updated", uri)
        await follower.client.unsubscribe_resource(uri)
        await publish(pair[1], uri, 3)
        await publish(pair[1], f"{uri}-last", 1)
        assert await follower.next() == ("notifications/resources/list_changed", None)
        assert json.loads((await follower.client.read_resource(uri)).contents[0].text) == 3


async def test_a_client_whose_instance_dies_is_told_by_another_of_what_it_missed(
    pair: list[Instance], uri: str
) -> None:
    async with following(pair[1:]) as follower:
        await follower.client.subscribe_resource(uri)
        await publish(pair[0], uri, 1)
        assert {await follower.next(), await follower.next()} >= {("notifications/resources/updated", uri)}
        follower.spread.opened.clear()
        follower.spread.hanging = pair[0].port
        pair[1].kill()
        await publish(pair[0], uri, 2)
        assert {await follower.next(), await follower.next()} >= {("notifications/resources/updated", uri)}
        await asyncio.wait_for(follower.spread.opened.wait(), MEND_SECONDS)
        pair[1].start()
        pair[1].await_ready()
        await publish(pair[1], uri, 3)
        assert await follower.next() == ("notifications/resources/updated", uri)


class Wire:
    """The handshake era as bytes."""

    def __init__(self, instance: Instance, client: str = CLIENT, session: str = "") -> None:
        self.url = f"http://127.0.0.1:{instance.port}/mcp"
        self.headers = headers_of(key_of(client)) | ({"Mcp-Session-Id": session} if session else {})

    def ask(self, verb: str, headers: dict[str, str] | None = None) -> int:
        """The status of a GET or DELETE; a stream is left at once."""
        with httpx.stream(verb, self.url, headers=self.headers | (headers or {}), timeout=30) as answer:
            return answer.status_code

    def post(self, method: str, **params: Any) -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(self.url, json=body, headers=self.headers, timeout=30)

    def initialize(self) -> str:
        """The id that is handed out."""
        info = {"name": "test", "version": "1"}
        answer = self.post("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
        return str(answer.headers["mcp-session-id"])


def test_an_id_is_random_bound_to_its_client_and_ends_everywhere_when_it_is_deleted(
    pair: list[Instance], uri: str
) -> None:
    session = Wire(pair[0]).initialize()
    assert len(session) == 43 and session != Wire(pair[0]).initialize()
    here, there, foreign = Wire(pair[0], session=session), Wire(pair[1], session=session), OTHER
    assert there.post("resources/subscribe", uri=uri).json()["result"] == {}
    assert [here.ask("GET"), there.ask("GET")] == [200, 200]
    for wrong in (Wire(pair[1], foreign, session), Wire(pair[1], session="x" * 43), Wire(pair[1], session="guess")):
        assert [wrong.ask("GET"), wrong.ask("DELETE")] == [404, 404]
        assert wrong.post("resources/subscribe", uri=f"stream://shared/{uri[-6:]}").status_code == 404
        assert wrong.post("tools/list").status_code == 200
    assert there.ask("DELETE") == 204
    assert [here.ask("GET"), there.ask("DELETE")] == [404, 404]
    assert here.post("resources/subscribe", uri=uri).status_code == 404
    assert here.post("tools/list").status_code == 200


def test_a_get_without_what_makes_it_a_stream_is_refused_as_at_any_endpoint(pair: list[Instance]) -> None:
    session = Wire(pair[0]).initialize()
    assert Wire(pair[0]).ask("GET") == 405
    assert Wire(pair[0]).ask("DELETE") == 405
    modern = Wire(pair[0], session=session)
    assert modern.ask("GET", {"MCP-Protocol-Version": "2026-07-28"}) == 405
    assert modern.ask("GET", {"Accept": "application/json"}) == 406
    assert modern.ask("PUT") == 405


def test_a_subscription_without_an_id_or_to_what_is_not_ones_own_is_refused_in_words(pair: list[Instance]) -> None:
    error = Wire(pair[0]).post("resources/subscribe", uri="stream://shared/x").json()["error"]
    assert error["code"] == -32602 and "initialize" in error["message"]
    session = Wire(pair[0]).initialize()
    error = Wire(pair[1], session=session).post("resources/subscribe", uri=f"stream://{OTHER}/x").json()["error"]
    assert error["code"] == -32602 and error["data"]["code"] == "not_found"


def test_the_newest_stream_of_an_id_tells_and_the_one_before_ends(pair: list[Instance], uri: str) -> None:
    session = Wire(pair[0]).initialize()
    first, second = Wire(pair[0], session=session), Wire(pair[1], session=session)
    assert first.post("resources/subscribe", uri=uri).status_code == 200
    with (
        httpx.stream("GET", first.url, headers=first.headers, timeout=30) as older,
        httpx.stream("GET", second.url, headers=second.headers, timeout=30) as newer,
    ):
        lines = newer.iter_lines()
        assert next(line for line in lines if uri in line)
        pair[0].call(key_of(CLIENT), "publish_resource", uri=uri, content=1)
        assert next(line for line in lines if uri in line)
        # What was followed when it opened is all that the older stream ever tells.
        assert "".join(older.iter_text()).count(uri) == 1

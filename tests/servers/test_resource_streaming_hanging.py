"""Clients that hang on an instance, as real processes: caps, leaving, revocation, a drain, and a gap told honestly."""

import asyncio
import contextlib
import http.client
import json
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.a2a.mcp.core.places import MAX_PER_CLIENT
from app.a2a.mcp.core.stores.records import unguarded
from app.a2a.mcp.core.stores.streams import StreamLimits, StreamWrite
from app.a2a.mcp.core.stores.streams_redis import RedisStreamStore
from tests.core.processes import await_that
from tests.servers.instances import Instance, headers_of, key_of, running

CLIENT, OTHER = "hanger", "neighbour"
MODERN = "2026-07-28"
STOP_SECONDS = 20
"""TimeoutStopSec of the unit: beyond it systemd kills."""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Instance]:
    one = Instance("resource_streaming", tmp_path_factory.mktemp("hanging"), redis_url, CLIENT, OTHER)
    with running(one):
        yield one


@pytest.fixture
def uri() -> str:
    return f"stream://{CLIENT}/{secrets.token_hex(6)}"


class Hanging:
    """A connection that was asked for a stream or a long poll and not yet answered to the end."""

    def __init__(self, instance: Instance, credential: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=60)
        self.credential = credential
        self.answer: http.client.HTTPResponse | None = None

    def follow(self, uri: str, last: str = "") -> "Hanging":
        """GET the event stream; its head is read."""
        headers = {"Authorization": f"Bearer {self.credential}"} | ({"Last-Event-ID": last} if last else {})
        self.connection.request("GET", f"/streams/events?uri={uri}", headers=headers)
        self.answer = self.connection.getresponse()
        return self

    def poll(self, uri: str, era: str = "2025-11-25") -> "Hanging":
        """POST a read that waits as long as it may."""
        params: dict[str, Any] = {"name": "read_resource_stream"}
        params["arguments"] = {"uris": [uri], "after": "$", "wait_ms": 25_000}
        headers = headers_of(self.credential) | {"MCP-Protocol-Version": era}
        if era == MODERN:
            versions = {"protocolVersion": era, "clientCapabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            params["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in versions.items()}
            headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "read_resource_stream"}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        self.connection.request("POST", "/mcp", body, headers)
        return self

    def hear_of_changes(self, session: str) -> "Hanging":
        """GET the notices of the handshake era."""
        headers = headers_of(self.credential) | {"Mcp-Session-Id": session}
        self.connection.request("GET", "/mcp", headers=headers)
        self.answer = self.connection.getresponse()
        return self

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status

    def lines(self) -> Iterator[str]:
        """What the stream says, until it ends."""
        assert self.answer is not None
        while line := self.answer.readline():
            yield line.decode().rstrip("\n")

    def result(self) -> Any:
        """The answer to a poll."""
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())["result"]["structuredContent"]

    def leave(self) -> None:
        """Close the connection, whatever is still to come."""
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def waiting(instance: Instance, credential: str = "") -> dict[str, Any]:
    """What the client has hanging there."""
    _, answer = instance.post(credential or key_of(CLIENT), "resources/read", {"uri": "streaming://subscriptions"})
    found: dict[str, Any] = json.loads(answer["result"]["contents"][0]["text"])
    return found


def threads(instance: Instance) -> int:
    assert instance.process is not None
    return len(list(Path(f"/proc/{instance.process.pid}/task").iterdir()))


@pytest.mark.parametrize("era", ["2025-11-25", MODERN])
def test_long_polls_hold_no_thread_are_capped_and_are_free_when_their_clients_leave(
    instance: Instance, uri: str, era: str
) -> None:
    await_that(lambda: waiting(instance)["waiting"] == 0, "the last test's clients to be gone")
    before = threads(instance)
    polls = [Hanging(instance, key_of(CLIENT)).poll(uri, era) for _ in range(MAX_PER_CLIENT)]
    await_that(lambda: waiting(instance)["waiting"] == MAX_PER_CLIENT, "all to wait")
    assert threads(instance) <= before + 1
    refused = Hanging(instance, key_of(CLIENT)).poll(uri, era)
    assert refused.result()["error"]["code"] == "rate_limited"
    refused.leave()
    other = instance.call(key_of(OTHER), "read_resource_stream", uris=["stream://shared/x"], after="$", wait_ms=1)
    assert other["timed_out"]
    for poll in polls[1:]:
        poll.leave()
    await_that(lambda: waiting(instance)["waiting"] == 1, "those who left to be forgotten")
    instance.call(key_of(CLIENT), "publish_resource", uri=uri, content=1)
    assert [event["content"] for event in polls[0].result()["events"]] == [1]
    polls[0].leave()


def test_event_streams_are_capped_and_are_free_when_their_clients_leave(instance: Instance, uri: str) -> None:
    await_that(lambda: waiting(instance)["waiting"] == 0, "the last test's clients to be gone")
    streams = [Hanging(instance, key_of(CLIENT)).follow(uri) for _ in range(MAX_PER_CLIENT)]
    assert [stream.status for stream in streams] == [200] * MAX_PER_CLIENT
    assert waiting(instance)["sse_streams"] == {uri: MAX_PER_CLIENT}
    late = Hanging(instance, key_of(CLIENT)).follow(uri)
    assert late.status == 429 and late.answer is not None
    assert json.loads(late.answer.read())["error"]["code"] == "rate_limited"
    late.leave()
    for stream in streams:
        stream.leave()
    await_that(lambda: waiting(instance) | {"listen_streams": 0} == NOBODY, "their places to be free")


NOBODY = {"listen_streams": 0, "waiting": 0, "sse_streams": {}}


def test_a_stream_that_begins_at_a_trimmed_id_says_gap_and_goes_on_from_the_oldest(
    instance: Instance, uri: str, redis_url: str
) -> None:
    async def write() -> list[str]:
        async with Redis.from_url(redis_url) as client:
            store = RedisStreamStore(client, unguarded)
            writes = (StreamWrite("put", str(n), "{}", CLIENT, "application/json") for n in range(9))
            return [(await store.write(CLIENT, uri, one, StreamLimits(events=4))).event_id for one in writes]

    ids = asyncio.run(write())
    stream = Hanging(instance, key_of(CLIENT)).follow(uri, last=ids[1])
    lines = stream.lines()
    assert stream.answer is not None and stream.answer.headers["x-accel-buffering"] == "no"
    assert next(lines) == "retry: 3000"
    said = [line for line in (next(lines) for _ in range(16)) if line]
    gap = json.loads(said[1].removeprefix("data: "))
    assert said[0] == "event: gap" and gap == {"uri": uri, "oldest_available": ids[5]}
    assert [line for line in said if line.startswith("id: ")] == [f"id: {event_id}" for event_id in ids[5:]]
    stream.leave()


def test_all_that_hangs_on_a_token_ends_within_a_second_of_its_revocation(
    instance: Instance, uri: str, tmp_path: Path, redis_url: str
) -> None:
    desk = Instance("session_management", tmp_path, redis_url, CLIENT)
    with running(desk):
        made = desk.call(key_of(CLIENT), "create_session")
        token = made["access_token"]
        session = session_of(instance, token)
        streams = [Hanging(instance, token).follow(uri), Hanging(instance, token).hear_of_changes(session)]
        poll, standing = Hanging(instance, token).poll(uri), Hanging(instance, key_of(CLIENT)).follow(uri)
        assert [stream.status for stream in streams] == [200, 200]
        await_that(lambda: waiting(instance)["waiting"] == 3, "all to hang")
        desk.call(key_of(CLIENT), "revoke_session", session_id=made["session_id"])
        revoked = time.monotonic()
        for stream in streams:
            assert not any(line.startswith("data") for line in stream.lines())
        assert not poll.result()["timed_out"]
        assert time.monotonic() - revoked < 1
        assert waiting(instance)["sse_streams"] == {uri: 1}
        for hanging in (*streams, poll, standing):
            hanging.leave()


def session_of(instance: Instance, credential: str) -> str:
    """The id that initialize hands out."""
    info = {"name": "test", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/mcp", body, headers_of(credential))
        return str(connection.getresponse().headers["mcp-session-id"])


def test_a_stop_lets_everybody_go_with_a_whole_answer_before_systemd_would_kill(tmp_path: Path, redis_url: str) -> None:
    one, uri = Instance("resource_streaming", tmp_path, redis_url, CLIENT), f"stream://{CLIENT}/{secrets.token_hex(6)}"
    with running(one):
        one.call(key_of(CLIENT), "publish_resource", uri=uri, content=1)
        streams = [Hanging(one, key_of(CLIENT)).follow(uri) for _ in range(5)]
        streams += [Hanging(one, key_of(CLIENT)).hear_of_changes(session_of(one, key_of(CLIENT))) for _ in range(5)]
        polls = [Hanging(one, key_of(CLIENT)).poll(uri, era) for era in ("2025-11-25", MODERN) for _ in range(5)]
        await_that(lambda: waiting(one)["waiting"] == 15, "all to hang")
        began = time.monotonic()
        one.stop()
        assert time.monotonic() - began < STOP_SECONDS
        assert [poll.result()["timed_out"] for poll in polls] == [False] * 10
        told = [sum(line.startswith("data") for line in stream.lines()) for stream in streams]
        assert told == [1] * 5 + [0] * 5
        for hanging in (*streams, *polls):
            hanging.leave()

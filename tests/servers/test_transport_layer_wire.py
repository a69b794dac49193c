"""What probe_endpoint says on the wire: negotiation with servers of every kind, and where it never connects to."""

import asyncio
import json
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.servers import transport_layer_negotiation
from app.a2a.mcp.servers.transport_layer_mcp_server import server

pytestmark = pytest.mark.anyio
Connect = Callable[..., AbstractAsyncContextManager[Any]]
SERVICE = load_registry().names[0]
NEWEST = "2026-07-28"


@dataclass
class Sent:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = tuple[int, dict[str, str], str]


@dataclass
class Peer:
    """A server whose answers a test writes; it keeps every request."""

    answer: Callable[[Sent], Reply]
    sent: list[Sent] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One exchange; a connection that asks nothing is a check of TCP."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        first, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        self.sent.append(Sent(method, path, headers, json.loads(body or b"{}")))
        status, more, text = self.answer(self.sent[-1])
        more = {"Content-Type": "application/json", "Connection": "close", **more}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in more.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + text.encode())
        await writer.drain()
        writer.close()

    @property
    def asked(self) -> list[str]:
        """The JSON-RPC methods, or HTTP methods, in order."""
        return [one.body.get("method", one.method) for one in self.sent]


async def listening(peer: Peer, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
    listener = await asyncio.start_server(peer.serve, host, port)
    peer.port = listener.sockets[0].getsockname()[1]
    return listener


def result(one: Sent, value: Any, **headers: str) -> Reply:
    return 200, headers, json.dumps({"jsonrpc": "2.0", "id": one.body.get("id"), "result": value})


def error(one: Sent, code: int, status: int = 400, **data: Any) -> Reply:
    failure = {"code": code, "message": "no", "data": data}
    return status, {}, json.dumps({"jsonrpc": "2.0", "id": one.body.get("id"), "error": failure})


def handshake_era(one: Sent) -> Reply:
    """A server of 2025-06-18 that keeps sessions and knows nothing newer."""
    method = one.body.get("method")
    if method == "initialize":
        info = {"protocolVersion": "2025-06-18", "serverInfo": {"name": "old", "version": "1"}, "capabilities": {}}
        return result(one, info, **{"Mcp-Session-Id": "session-of-the-peer"})
    if method == "tools/list":
        page = one.body["params"].get("cursor")
        return result(one, {"tools": [{"name": "b"}]} if page else {"tools": [{"name": "a"}], "nextCursor": "2"})
    if method == "notifications/initialized" or one.method == "DELETE":
        return 202, {}, ""
    return error(one, -32601, 404)


async def probe(client_for: Connect, peer: Peer, **arguments: Any) -> Any:
    async with await listening(peer), client_for(server, mcp_sister_url=f"http://127.0.0.1:{peer.port}") as client:
        call = {"service": SERVICE, "checks": ["mcp", "tools"], **arguments}
        return (await client.call_tool("probe_endpoint", call)).structured_content


async def test_a_session_that_the_probe_opens_it_closes_and_every_page_of_tools_is_read(client_for: Connect) -> None:
    peer = Peer(handshake_era)
    found = await probe(client_for, peer)
    assert (found["era"], found["negotiated_version"], found["transport"]) == (
        "handshake", "2025-06-18", "streamable_http",
    )  # fmt: skip
    assert found["tools"]["names"] == ["a", "b"] and found["supports"]["resumable"]
    assert peer.asked == [
        "server/discover", "initialize", "notifications/initialized", "tools/list", "tools/list", "DELETE",
    ]  # fmt: skip
    assert {one.headers["mcp-session-id"] for one in peer.sent[2:]} == {"session-of-the-peer"}
    assert peer.sent[1].body["params"]["protocolVersion"] == "2025-11-25", "the newest of its era is offered"


async def test_an_unsupported_version_leads_to_a_shared_one_that_the_server_names(
    client_for: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = "2030-01-01"
    for name in ("KNOWN_PROTOCOL_VERSIONS", "MODERN_PROTOCOL_VERSIONS"):
        known = getattr(transport_layer_negotiation, name)
        monkeypatch.setattr(transport_layer_negotiation, name, (*known, newer))
    monkeypatch.setattr("app.a2a.mcp.servers.transport_layer_mcp_server.KNOWN_PROTOCOL_VERSIONS", (NEWEST, newer))

    def answer(one: Sent) -> Reply:
        if one.headers["mcp-protocol-version"] == newer:
            return error(one, -32022, supported=["2025-11-25", NEWEST], requested=newer)
        return result(one, {"supportedVersions": ["2025-11-25", NEWEST], "capabilities": {}})

    peer = Peer(answer)
    found = await probe(client_for, peer, checks=["mcp"])
    assert (found["era"], found["negotiated_version"]) == ("modern", NEWEST)
    assert found["server_versions"] == ["2025-11-25", NEWEST]
    assert [one.headers["mcp-protocol-version"] for one in peer.sent] == [newer, NEWEST]
    assert [one.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] for one in peer.sent] == [
        newer, NEWEST,
    ]  # fmt: skip


@pytest.mark.parametrize("named", [["2025-06-18"], [NEWEST], [], "2026-07-28", None])
async def test_an_unsupported_version_with_no_other_to_try_falls_back_to_the_handshake_and_never_asks_twice(
    client_for: Connect, named: Any
) -> None:
    def answer(one: Sent) -> Reply:
        if one.body.get("method") == "server/discover":
            return error(one, -32022, supported=named)
        return handshake_era(one)

    peer = Peer(answer)
    found = await probe(client_for, peer, checks=["mcp"])
    assert (found["era"], found["negotiated_version"]) == ("handshake", "2025-06-18")
    assert peer.asked.count("server/discover") == 1
    alone = await probe(client_for, peer, checks=["mcp"], protocol_versions=[NEWEST])
    assert alone["checks"][0]["reason"] == "no_shared_version"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_only_a_stream_that_begins_with_an_endpoint_is_the_oldest_transport(
    client_for: Connect, end: str
) -> None:
    def answer(one: Sent) -> Reply:
        if one.method == "POST":
            return 405, {}, ""
        stream = end.join(["event:endpoint", "data: /messages?session=1", "", ""])
        return 200, {"Content-Type": "text/event-stream"}, stream

    peer = Peer(answer)
    found = await probe(client_for, peer)
    assert (found["era"], found["transport"], found["negotiated_version"]) == ("handshake", "http_sse", "2024-11-05")
    assert [(check["name"], check["reason"]) for check in found["checks"]] == [("mcp", None), ("tools", "not_listed")]
    assert peer.asked == ["server/discover", "initialize", "GET"]
    assert peer.sent[-1].headers["accept"] == "text/event-stream"


@pytest.mark.parametrize(
    ("status", "media", "text", "reason"),
    [
        (200, "text/event-stream", "event: message\ndata: endpoint\n\n", "not_mcp"),
        (200, "text/html", "<html>event: endpoint</html>", "not_mcp"),
        (404, "application/json", "{}", "not_mcp"),
        (401, "application/json", "{}", "unauthorized"),
        (403, "application/json", "{}", "unauthorized"),
        (502, "text/html", "", "server_error"),
    ],
)
async def test_what_speaks_no_mcp_is_told_apart_from_what_refuses(
    client_for: Connect, status: int, media: str, text: str, reason: str
) -> None:
    found = await probe(client_for, Peer(lambda one: (status, {"Content-Type": media}, text)), checks=["mcp"])
    assert (found["reachable"], found["checks"][0]["reason"]) == (False, reason)


async def test_a_redirect_is_an_answer_and_not_followed(client_for: Connect) -> None:
    inner = Peer(lambda one: (200, {}, "{}"))
    async with await listening(inner):
        outer = Peer(lambda one: (307, {"Location": f"http://127.0.0.1:{inner.port}/"}, ""))
        found = await probe(client_for, outer, checks=["health", "mcp"])
    assert found["reachable"] is False and found["checks"][1]["reason"] == "not_mcp"
    assert outer.sent and not inner.sent


class Resolver:
    """Name look-ups as a hostile name server answers them; addresses written as such go through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def look_up(host: Any, port: Any, **options: Any) -> Any:
            if host != "rebinding.test":
                return await real(host, port, **options)
            self.asked += 1
            found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            family = {True: socket.AF_INET6, False: socket.AF_INET}
            return [(family[":" in address], socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(loop, "getaddrinfo", look_up)


async def test_a_name_that_changes_its_address_is_looked_up_once_and_the_checked_address_is_used(
    client_for: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, other = Peer(handshake_era), Peer(handshake_era)
    async with await listening(good), await listening(other, "127.0.0.2", good.port):
        resolver = Resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        async with client_for(server, mcp_sister_url=f"http://rebinding.test:{good.port}") as client:
            found = (await client.call_tool("probe_endpoint", {"service": SERVICE})).structured_content
    assert found["reachable"] and found["negotiated_version"] == "2025-06-18", found["checks"]
    assert resolver.asked == 1 and not other.sent
    assert {one.headers["host"] for one in good.sent} == {f"rebinding.test:{good.port}"}


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.1.2.3"],
        ["8.8.8.8", "192.168.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["169.254.169.254"],
        ["fd00::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
    ],
)
async def test_an_allowed_name_with_any_address_inside_is_refused_before_a_packet(
    client_for: Connect, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def opened(*args: Any, **options: Any) -> Any:
        raise AssertionError("a connection was opened")

    async with client_for(server, transport_allowed_targets=("rebinding.test",)) as client:
        Resolver(monkeypatch, addresses)
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", opened)
        found = (await client.call_tool("probe_endpoint", {"url": "http://rebinding.test/"})).structured_content
    assert (found["error"]["code"], found["error"]["details"][0]["reason"]) == (
        "permission_denied", "target_not_allowed",
    )  # fmt: skip


async def test_the_callers_credential_and_a_foreign_url_never_meet(client_for: Connect) -> None:
    peer = Peer(handshake_era)
    await probe(client_for, peer)
    own = {one.headers["authorization"] for one in peer.sent}
    assert len(own) == 1 and own.pop().startswith("Bearer ey"), "a token of our own, to a service of ours"


async def test_probes_of_all_instances_are_counted_together_and_a_version_nobody_knows_as_other(
    client_for: Connect, redis_url: str
) -> None:
    def odd(one: Sent) -> Reply:
        if one.body.get("method") == "initialize":
            return result(one, {"protocolVersion": secrets.token_hex(8), "capabilities": {}})
        return error(one, -32601, 404)

    peer = Peer(odd)
    async with await listening(peer):
        options = {"redis_url": redis_url, "mcp_sister_url": f"http://127.0.0.1:{peer.port}"}
        counted = []
        for _ in range(2):
            async with client_for(server, **options) as client:
                for _ in range(2):
                    await client.call_tool("probe_endpoint", {"service": SERVICE, "checks": ["mcp"]})
                page = json.loads((await client.read_resource("transport://stats")).contents[0].text)
                assert page["store"] == "redis"
                (row,) = (one for one in page["probes"] if one["version"] == "other")
                counted.append((row["requests"], row["errors"]))
                assert row["transport"] == "none" and row["mean_latency_ms"] > 0
                assert len(page["probes"]) <= 12, "a server cannot make rows"
    assert counted[1][0] - counted[0][0] == 2 and counted[1][1] - counted[0][1] == 2

"""The proof of resource_streaming: 200 subscribers, every instance restarted meanwhile, nothing lost, nothing twice.

They hang on whatever instances nginx picks and follow one log in four ways: a cursor and long polls, server-sent events
with `Last-Event-ID`, and notices of either era that are the reason to read from a cursor.
Run it with --log-cli-level INFO for the figures.
"""

import asyncio
import json
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.a2a.mcp.core.auth import Authenticator
from app.a2a.mcp.core.settings import Settings
from tests.fleet import CACHE, HANDSHAKE, MODERN, Fleet

pytestmark = [pytest.mark.fault, pytest.mark.anyio, pytest.mark.timeout(330)]

log = logging.getLogger(__name__)

SERVICE = "resource_streaming"
CLIENTS = 10
EVENTS = 40
"""At least; the publisher goes on until every instance was restarted."""

PAUSE_SECONDS = 0.5
"""Between events: each is 200 answers, and the subscribers share two cores with what they follow."""

LONGEST_SECONDS = 280
GONE = (502, 503, 504)
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "proof", "version": "1"},
}


class Unavailable(Exception):
    """An instance that was killed, or that says the store did not answer in time: ask again. Each is counted."""


@dataclass
class Proof:
    """What all share: the log's address, and how often a connection had to be made anew."""

    uri: str
    http: httpx.AsyncClient
    again: Counter[str] = field(default_factory=Counter)


@dataclass
class Subscriber:
    """One that follows the log in its own way, and what it has seen."""

    proof: Proof
    token: str
    way: str
    cursor: str = "0"
    seen: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it has seen the last event, which is negative."""
        return bool(self.seen) and self.seen[-1] < 0

    async def follow(self) -> None:
        """Until the last event; whatever ends a connection, it comes again and goes on where it was."""
        ways: dict[str, Callable[[], Coroutine[Any, Any, None]]]
        ways = {"cursor": self._poll, "events": self._events, "notices": self._notices, "listen": self._listen}
        while not self.done:
            with suppress(httpx.TransportError, Unavailable):
                await ways[self.way]()
            self.proof.again[self.way] += not self.done
            await asyncio.sleep(0.2 * random.random())

    async def _poll(self) -> None:
        while not self.done:
            await self._read(wait_ms=4000)

    async def _read(self, wait_ms: int = 0) -> None:
        arguments = {"uris": [self.proof.uri], "after": self.cursor, "wait_ms": wait_ms, "limit": random.randint(1, 40)}
        page = await call(self.proof.http, self.token, "read_resource_stream", arguments)
        assert not page["gap"], page["gap"]
        self.seen += [event["content"] for event in page["events"]]
        self.cursor = page["next_after"][self.proof.uri]
        if page["has_more"]:
            await self._read()

    async def _events(self) -> None:
        headers = {"Last-Event-ID": self.cursor} if self.cursor != "0" else {}
        async with self._stream("GET", f"/{SERVICE}/streams/events?uri={self.proof.uri}", headers) as answer:
            event_id = ""
            async for line in answer.aiter_lines():
                assert not line.startswith("event: gap")
                if line.startswith("id: "):
                    event_id = line[4:]
                elif line.startswith("data: "):
                    self.seen.append(json.loads(line[6:])["content"])
                    self.cursor = event_id
                    if self.done:
                        return

    async def _notices(self) -> None:
        """The handshake era: subscribe, hang on the GET stream, and come back with the same id."""
        info = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "proof", "version": "1"}}
        greeting = await post(self.proof.http, self.token, "initialize", info)
        if (session := greeting.headers.get("mcp-session-id")) is None:
            raise Unavailable
        named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": HANDSHAKE}
        await post(self.proof.http, self.token, "resources/subscribe", {"uri": self.proof.uri}, named)
        while not self.done:
            async with self._stream("GET", f"/{SERVICE}/mcp", named) as answer:
                await self._read_when_told(answer)
            self.proof.again["notices"] += not self.done

    async def _listen(self) -> None:
        """The 2026 era: a listen stream ends with its instance; then it is opened again and the log read first."""
        wanted = {"resourceSubscriptions": [self.proof.uri]}
        body = message("subscriptions/listen", {"notifications": wanted, "_meta": META})
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "subscriptions/listen"}
        async with self._stream("POST", f"/{SERVICE}/mcp", headers, json=body) as answer:
            await self._read_when_told(answer)

    async def _read_when_told(self, answer: httpx.Response) -> None:
        async for line in answer.aiter_lines():
            # The acknowledgement of a listen stream is a reason to read, too: something may have been missed before.
            if line.startswith("data: ") and ("resources/updated" in line or "acknowledged" in line):
                await self._read()
                if self.done:
                    return

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, headers: dict[str, str], **options: Any
    ) -> AsyncIterator[httpx.Response]:
        accept = "application/json, text/event-stream" if method == "POST" else "text/event-stream"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept, **headers}
        async with self.proof.http.stream(method, path, headers=headers, **options) as answer:
            if answer.status_code != 200:
                await answer.aread()
                assert answer.status_code in GONE, (answer.status_code, answer.text)
                raise Unavailable
            yield answer


def message(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


async def post(
    http: httpx.AsyncClient, token: str, method: str, params: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx.Response:
    """One message of the handshake era."""
    sent = {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": HANDSHAKE, **(headers or {})}
    sent["Accept"] = "application/json, text/event-stream"
    answer = await http.post(f"/{SERVICE}/mcp", json=message(method, params), headers=sent)
    if answer.status_code in GONE:
        raise Unavailable
    assert answer.status_code == 200, (method, answer.status_code, answer.text)
    return answer


async def call(http: httpx.AsyncClient, token: str, tool: str, arguments: dict[str, Any]) -> Any:
    answer = (await post(http, token, "tools/call", {"name": tool, "arguments": arguments})).json()
    content = answer["result"]["structuredContent"]
    if content.get("error", {}).get("code") == "unavailable":
        raise Unavailable
    assert "error" not in content, content
    return content


def tokens(count: int) -> list[str]:
    """Tokens of as many clients, made with the fleet's own secret: one client may not hang 200 times."""
    secret = (CACHE / "secrets" / "jwt_secret_key").read_text().strip()
    authenticator = Authenticator(Settings(jwt_secret_key=secret))
    return [authenticator.mint(f"proof-{number}", ("read", "write"), 3600) for number in range(count)]


async def restart_all(fleet: Fleet) -> int:
    """Every instance, one by one, in any order; how many."""
    units = random.sample(fleet.units(SERVICE), len(fleet.units(SERVICE)))
    for unit in units:
        await asyncio.to_thread(fleet.sh, f"systemctl restart {unit}", timeout=120)
    return len(units)


async def publish_all(proof: Proof, token: str, restarts: "asyncio.Task[int]") -> list[int]:
    """Events until all were restarted, and the last; its key keeps an event that is asked for again from being two."""
    published: list[int] = []
    last = False
    while not last:
        last = restarts.done() and len(published) >= EVENTS
        number = -1 if last else len(published)
        arguments = {"uri": proof.uri, "content": number, "idempotency_key": str(number), "ttl_seconds": 600}
        try:
            written = await call(proof.http, token, "publish_resource", arguments)
        except Unavailable:
            proof.again["publisher"] += 1
            continue
        published.append(number)
        assert written["version"] == len(published)
        await asyncio.sleep(PAUSE_SECONDS)
    return published


async def test_200_subscribers_see_every_event_once_and_in_order_though_every_instance_is_restarted(
    fleet: Fleet,
) -> None:
    began = time.monotonic()
    ways = ["cursor"] * 12 + ["events"] * 6 + ["notices", "listen"]
    held = tokens(CLIENTS)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    base = f"https://{fleet.address}"
    async with (
        asyncio.timeout(LONGEST_SECONDS),
        httpx.AsyncClient(verify=fleet.tls, base_url=base, timeout=60, limits=limits, trust_env=False) as http,
    ):
        proof = Proof(f"stream://shared/proof-{secrets.token_hex(6)}", http)
        subscribers = [Subscriber(proof, token, way) for token in held for way in ways]
        async with asyncio.TaskGroup() as group:
            for subscriber in subscribers:
                group.create_task(subscriber.follow())
            restarts = group.create_task(restart_all(fleet))
            publisher = group.create_task(publish_all(proof, held[0], restarts))
    published = publisher.result()
    wrong = [subscriber for subscriber in subscribers if subscriber.seen != published]
    seconds = time.monotonic() - began
    log.info(
        f"{len(published)} events, {len(subscribers)} subscribers, {restarts.result()} instances restarted, "
        f"{len(wrong)} subscribers wrong, connections made anew: {dict(proof.again)}, {seconds:.1f} s"
    )
    assert len(subscribers) == 200
    assert not wrong, [(one.way, one.seen[:5], len(one.seen)) for one in wrong[:5]]
    assert all(proof.again[way] for way in ("events", "notices", "listen")), "no stream met a restart"

"""Drive an ASGI application message by message, for what a client library would hide."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope


@dataclass
class Exchange:
    """What the application sent."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The status it answered with."""
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers it answered with."""
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        """The body it answered with."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def scope_of(
    path: str = "/", method: str = "GET", headers: dict[str, str] | None = None, client: str = "127.0.0.1"
) -> Scope:
    """An HTTP scope as uvicorn makes it."""
    pairs = {"host": "localhost"} | (headers or {})
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 1025),
        "client": (client, 50000),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs.items()],
    }


async def exchange(app: ASGIApp, scope: Scope, incoming: list[Message] | None = None) -> Exchange:
    """Run the application for one request; after `incoming` the client stays connected and silent."""
    waiting = list(incoming or [{"type": "http.request", "body": b"", "more_body": False}])
    result = Exchange()

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        result.messages.append(dict(message))

    async with asyncio.timeout(5):
        await app(scope, receive, send)
    return result


async def answer(send: Any, status: int = 200, body: bytes = b"fine") -> None:
    """A whole plain answer."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})

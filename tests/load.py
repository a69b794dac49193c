"""A closed-loop load: a few connections that each ask, check the answer and ask again, and count what went wrong.

Requests are written as bytes, so that the load costs less than what it measures.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

CALL_SECONDS = 20.0
"""No call may take longer; a stall is a failure like any other."""


@dataclass
class Load:
    """What to ask and how it went; `failures` counts kinds, `slowest` is in seconds."""

    host: str
    path: str
    key: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)
    tool: str
    arguments: dict[str, Any]
    expected: bytes
    connections: int = 8
    answered: int = 0
    slowest: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    stopping: bool = False

    @property
    def request(self) -> bytes:
        """The HTTP request that every connection repeats."""
        params = {"name": self.tool, "arguments": self.arguments}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\nX-API-Key: {self.key}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def run(self) -> None:
        """Ask until `stopping`; returns when every connection has had its last answer."""
        request = self.request
        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._connection(request))

    async def _connection(self, request: bytes) -> None:
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection(self.host, 443, ssl=self.tls)
            except OSError as error:
                self.failures[f"connect: {type(error).__name__}"] += 1
                await asyncio.sleep(0.1)
                continue
            try:
                while not self.stopping and await self._exchange(reader, writer, request):
                    pass
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.failures[type(error).__name__] += 1
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
        """One call; whether the connection may be used again."""
        started = time.monotonic()
        async with asyncio.timeout(CALL_SECONDS):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.answered += 1
        status = head.split(b" ", 2)[1]
        if status != b"200":
            self.failures[f"status {status.decode()}"] += 1
        elif self.expected not in body:
            self.failures["wrong answer"] += 1
        return b"connection: close" not in head

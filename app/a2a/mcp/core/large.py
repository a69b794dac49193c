"""Large calls, carried past the SDK: it would parse, copy and write each of them several times, on the event loop.

The SDK sees the call with empty arguments and gives back a small result; the arguments wait in the request's record,
and the result takes its place in the answer's bytes. How many values a message may hold is bounded before it is parsed.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from mcp_types import CallToolResult, TextContent
from starlette.types import Message, Send

from app.a2a.mcp.core.request import LargeCall, RequestInfo
from app.a2a.mcp.errors import LimitExceededError

LARGE_BYTES = 64 * 1024

MAX_CONTAINERS = 100_000
MAX_VALUES = 700_000
"""Arrays and objects, and all values, of one message: 8 MiB of "[[],[],…" would be some 200 MiB of lists."""

SLICE_BYTES = 512 * 1024
_NO_STRUCTURE = bytes(set(range(256)) - set(b'",[{'))

# No caller can know them, so nothing of a caller's is ever replaced.
_TEXT_PLACE = f"text-{secrets.token_hex(16)}"
_CONTENT_PLACE = f"content-{secrets.token_hex(16)}"
_TEXT_BYTES = f'"{_TEXT_PLACE}"'.encode()
_CONTENT_BYTES = f'{{"{_CONTENT_PLACE}":0}}'.encode()


async def bound_values(body: bytes) -> None:
    """Raise LimitExceededError for a message of more values than any tool takes."""
    if len(body) <= LARGE_BYTES:
        return
    containers, values = _count(body)
    if containers > MAX_CONTAINERS or values > MAX_VALUES:
        containers, values = await _count_outside_strings(body)
    if containers > MAX_CONTAINERS:
        raise LimitExceededError(f"a message may hold {MAX_CONTAINERS} arrays and objects, this one has {containers}")
    if values > MAX_VALUES:
        raise LimitExceededError(f"a message may hold {MAX_VALUES} values, this one has {values}")


def _count(body: bytes) -> tuple[int, int]:
    containers = body.count(b"[") + body.count(b"{")
    return containers, containers + body.count(b",")


async def _count_outside_strings(body: bytes) -> tuple[int, int]:
    """The count where it matters: marks inside strings are no structure. In slices, for the event loop's sake."""
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    containers, values, inside = 0, 0, 0
    for start in range(0, len(plain), SLICE_BYTES):
        parts = plain[start : start + SLICE_BYTES].translate(None, _NO_STRUCTURE).split(b'"')
        more, found = _count(b"".join(parts[inside::2]))
        containers, values = containers + more, values + found
        inside = (inside + len(parts) - 1) % 2
        await asyncio.sleep(0)
    return containers, values


def set_aside(message: Mapping[str, Any], body: bytes, info: RequestInfo) -> bytes:
    """The message for the SDK: with empty arguments where they are large and `info` keeps them, else as it is."""
    if info.tool is None:
        return body
    info.large = LargeCall()
    arguments = message["params"].get("arguments")
    if len(body) <= LARGE_BYTES or not isinstance(arguments, dict):
        return body
    info.large.arguments = arguments
    return orjson.dumps({**message, "params": {**message["params"], "arguments": {}}})


def stand_in(text: bytes, large: LargeCall) -> CallToolResult:
    """A small result for the SDK; `text` takes its place in `putting_back`."""
    large.result = text
    content = [TextContent(type="text", text=_TEXT_PLACE)]
    return CallToolResult(content=content, structured_content={_CONTENT_PLACE: 0})


def putting_back(info: RequestInfo, send: Send) -> Send:
    """A send that puts the large result into the one JSON body of the answer."""
    start: Message = {}

    async def put_back(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if start:
            body = _whole(message.get("body", b""), info)
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            start, message = {}, {**message, "body": body}
        await send(message)

    return put_back


def _whole(body: bytes, info: RequestInfo) -> bytes:
    if info.large is None or info.large.result is None:
        return body
    result = info.large.result
    before, place, rest = body.partition(_TEXT_BYTES)
    middle, other, after = rest.partition(_CONTENT_BYTES)
    if not (place and other):
        raise RuntimeError("the SDK's answer lacks the places of the large result")
    # Written as text once more, for clients older than structured content.
    return b"".join((before, orjson.dumps(result.decode()), middle, result, after))

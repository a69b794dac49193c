"""`GET /streams/events?uri=…`: one resource's log as server-sent events that a browser resumes by itself."""

import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.a2a.mcp.core import Call, EventStream
from app.a2a.mcp.domain.streams.address import readable
from app.a2a.mcp.domain.streams.reader import Entry, Filter, Page, check_cursor, read_page, value_of
from app.a2a.mcp.errors import InvalidArgumentError
from app.a2a.mcp.servers.resource_streaming_hub import POLL_SECONDS, Hub, Waiter

RETRY_MS = 3000
PAGE = 100


async def event_stream(request: Request, call: Call[Any], hub: Hub) -> Response:
    """The stream; raises what a JSON answer can still tell: a bad cursor, an unknown resource, no place left."""
    uri = request.query_params.get("uri", "")
    if not uri:
        raise InvalidArgumentError.at("/uri", "is required: ?uri=stream://…")
    client = call.caller.client_id
    namespace = readable(uri, client)
    after = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    check_cursor(after, "/after")
    with contextlib.ExitStack() as held:
        waiter = held.enter_context(hub.stream(client, uri))
        first = await read_page(call.runtime.stores.streams, namespace, uri, after, PAGE, Filter())
        parts = _follow(call, hub, waiter, namespace, uri, first)
        return EventStream(parts, call.runtime, call.caller, held.pop_all())
    raise AssertionError("an ExitStack swallows nothing")


async def _follow(
    call: Call[Any], hub: Hub, waiter: Waiter, namespace: str, uri: str, page: Page
) -> AsyncGenerator[str]:
    """For ever: the response ends it."""
    yield f"retry: {RETRY_MS}\n\n"
    while True:
        gap = [_gap(uri, page.gap)] if page.gap else []
        yield "".join([*gap, *(_event(uri, entry) for entry in page.entries)])
        if not page.more:
            await waiter.wait(POLL_SECONDS)
        async with hub.reading:
            page = await read_page(call.runtime.stores.streams, namespace, uri, page.after, PAGE, Filter())


def _event(uri: str, entry: Entry) -> str:
    data = {
        "uri": uri,
        "version": entry.version,
        "change_type": entry.change_type,
        "content": value_of(entry.content),
        "metadata": json.loads(entry.metadata),
        "publisher": entry.publisher,
    }
    return f"id: {entry.event_id}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _gap(uri: str, oldest: str) -> str:
    return f"event: gap\ndata: {json.dumps({'uri': uri, 'oldest_available': oldest})}\n\n"

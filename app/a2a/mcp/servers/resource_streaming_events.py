"""`GET /streams/events?uri=…`: one resource's log as server-sent events that a browser resumes by itself."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.a2a.mcp.core import Call
from app.a2a.mcp.domain.streams.address import readable
from app.a2a.mcp.domain.streams.reader import Entry, Filter, check_cursor, read_page
from app.a2a.mcp.errors import InvalidArgumentError
from app.a2a.mcp.servers.resource_streaming_hub import POLL_SECONDS, Hub

RETRY_MS = 3000
COMMENT_SECONDS = 15.0
PAGE = 100
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def event_stream(request: Request, call: Call[Any], hub: Hub) -> Response:
    """The stream; raises what a JSON answer can still tell: a bad cursor, an unknown resource, no place left."""
    uri = request.query_params.get("uri", "")
    if not uri:
        raise InvalidArgumentError.at("/uri", "is required: ?uri=stream://…")
    client = call.caller.client_id
    namespace = readable(uri, client)
    after = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    check_cursor(after, "/after")
    place = hub.waiter(client, [uri])
    waiter = place.__enter__()

    async def events() -> AsyncIterator[str]:
        hub.streams[uri] += 1
        try:
            with call.runtime.revocations.watch(call.caller) as revoked:
                async for part in _follow(call, waiter, hub, revoked, namespace, uri, after):
                    yield part
        finally:
            hub.streams[uri] -= 1
            place.__exit__(None, None, None)

    return StreamingResponse(events(), media_type="text/event-stream", headers=HEADERS)


async def _follow(
    call: Call[Any], waiter: Any, hub: Hub, revoked: asyncio.Event, namespace: str, uri: str, after: str
) -> AsyncIterator[str]:
    """Until the client leaves (then this is cancelled), its token ends, or the process drains."""
    store, clock = call.runtime.stores.streams, call.runtime.clock
    yield f"retry: {RETRY_MS}\n\n"
    spoken = clock()
    while not hub.released and not revoked.is_set() and not _expired(call):
        page = await read_page(store, namespace, uri, after, PAGE, Filter())
        parts = [_gap(uri, page.gap)] if page.gap else []
        parts += [_event(uri, entry) for entry in page.entries]
        after = page.after
        if parts:
            spoken = clock()
            yield "".join(parts)
        elif clock() - spoken >= COMMENT_SECONDS:
            spoken = clock()
            yield ": still here\n\n"
        if not page.more:
            await waiter.wait(POLL_SECONDS)


def _expired(call: Call[Any]) -> bool:
    return call.caller.expires_at is not None and call.caller.expires_at <= time.time()


def _event(uri: str, entry: Entry) -> str:
    data = {
        "uri": uri,
        "version": entry.version,
        "change_type": entry.change_type,
        "content": json.loads(entry.content) if entry.content else None,
        "metadata": json.loads(entry.metadata),
        "publisher": entry.publisher,
    }
    return f"id: {entry.event_id}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _gap(uri: str, oldest: str) -> str:
    return f"event: gap\ndata: {json.dumps({'uri': uri, 'oldest_available': oldest})}\n\n"

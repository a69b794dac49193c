"""resource_streaming: live resources with an ordered, durable log each, to publish to and to catch up from."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp_types import Resource
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.a2a.mcp.core import (
    COMMENT_SECONDS,
    EVENTS_PATH,
    MAX_PER_CLIENT,
    MAX_PER_PROCESS,
    Call,
    Runtime,
    Server,
    StreamLimits,
    StreamWrite,
    run,
)
from app.a2a.mcp.domain.streams.address import SHARED, SYSTEM, may_see, readable, writable
from app.a2a.mcp.domain.streams.reader import Entry, Filter, Page, as_pair, check_cursor, read_page, value_of
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError, NotFoundError
from app.a2a.mcp.servers.resource_streaming_completion import complete_uri
from app.a2a.mcp.servers.resource_streaming_events import RETRY_MS, event_stream
from app.a2a.mcp.servers.resource_streaming_hub import Hub
from app.a2a.mcp.servers.resource_streaming_results import (
    EventFilter,
    EventId,
    Gap,
    Metadata,
    Notified,
    Published,
    Snapshot,
    StreamedEvent,
    StreamPage,
    Uri,
)

MAX_CONTENT_BYTES = 64 * 1024
MAX_TTL_SECONDS = 604_800
SPARE_SECONDS = 1.0
"""What is kept of a call's time for its answer."""


@dataclass(slots=True)
class State:
    """What a process keeps: who waits."""

    hub: Hub


server: Server[State] = Server(
    "resource_streaming",
    instructions="Publishes live resources and reads their events from any point, waiting for new ones if asked.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Listen to the bus for all that wait here."""
    hub = Hub()
    runtime.on_drain.append(hub.release)
    unsubscribe, forget = runtime.bus.subscribe(hub.heard), runtime.when_missed(hub.look)
    try:
        yield State(hub)
    finally:
        forget()
        unsubscribe()


@server.tool(
    writes=True,
    destructive=True,
    idempotent=False,
    examples=({"uri": "stream://shared/example", "content": {"n": 1}, "title": "An example"},),
)
async def publish_resource(
    call: Call[State],
    uri: Uri,
    operation: Annotated[
        Literal["put", "append", "delete"], Field(description="append adds one element to a list")
    ] = "put",
    content: Annotated[Any, Field(description="any JSON but null, at most 64 KiB; needed unless delete")] = None,
    mime_type: Annotated[str, Field(pattern=r"^[\w.+-]{1,64}/[\w.+-]{1,64}$")] = "application/json",
    metadata: Annotated[Metadata | None, Field(description="kept with the event, for readers' filters")] = None,
    if_version: Annotated[
        int | None, Field(ge=0, le=2**53, description="write only if this is the version; 0: must not exist")
    ] = None,
    idempotency_key: Annotated[
        str | None, Field(min_length=1, max_length=64, description="the same again within 10 minutes writes nothing")
    ] = None,
    ttl_seconds: Annotated[int | None, Field(ge=1, le=MAX_TTL_SECONDS, description="delete it after this")] = None,
    title: Annotated[str | None, Field(max_length=128)] = None,
    description: Annotated[str | None, Field(max_length=512)] = None,
) -> Published:
    """Set, append to, or delete a live resource, add the event to its durable log, and tell all who follow it.

    Use it to share progress, results or state with other agents; to read them take read_resource_stream, or the
    resource itself. Writes are ordered and all or nothing; the log keeps the last 1000 events. stream://YOUR-ID/…
    is yours alone, stream://shared/… everybody's to read and write. Example: put {"n": 1} to a new
    stream://shared/progress → version 1, created true; put again with if_version 0 → conflict.
    """
    namespace = writable(uri, call.caller.client_id)
    write = StreamWrite(
        operation=operation,
        content=_content(operation, content),
        metadata=json.dumps(metadata or {}, sort_keys=True),
        publisher=call.caller.client_id,
        mime_type=mime_type,
        if_version=if_version,
        idempotency_key=idempotency_key,
        ttl_seconds=ttl_seconds,
        title=title or "",
        description=description or "",
    )
    written = await call.runtime.stores.streams.write(namespace, uri, write, StreamLimits())
    hub = call.state.hub
    if not written.deduplicated:
        await call.runtime.bus.publish(ResourceUpdated(uri=uri))
        if written.change_type != "updated":
            await call.runtime.bus.publish(ResourcesListChanged())
    return Published(
        uri=uri,
        version=written.version,
        event_id=written.event_id,
        etag=_etag(written.version, written.event_id),
        created=written.created,
        change_type=written.change_type,
        notified=Notified(subscriptions=call.runtime.subscribers() - 1, sse_streams=hub.streams[uri]),
        deduplicated=written.deduplicated,
    )


def _content(operation: str, content: Any) -> str:
    if operation == "delete":
        if content is not None:
            raise InvalidArgumentError.at("/content", "has no place in a delete")
        return ""
    if content is None:
        raise InvalidArgumentError.at("/content", "is required")
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise LimitExceededError.at("/content", f"may have {MAX_CONTENT_BYTES} bytes as JSON")
    return text


@server.tool(examples=({"uris": ["stream://shared/example"], "limit": 10},))
async def read_resource_stream(
    call: Call[State],
    uris: Annotated[list[Uri], Field(min_length=1, max_length=20)],
    after: Annotated[
        dict[Uri, EventId] | EventId,
        Field(description='event id, for all or by URI: what next_after said; "0" the oldest kept, "$" only new'),
    ] = "0",
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
    wait_ms: Annotated[int, Field(ge=0, le=25_000, description="wait so long for an event if there is none")] = 0,
    filter: EventFilter | None = None,  # noqa: A002 - the catalogue's name
    include_snapshot: Annotated[bool, Field(description="also what each resource is now")] = False,
) -> StreamPage:
    """Read the events of live resources from a cursor, in order, waiting for new ones if there are none.

    Use it to catch up and to follow what publish_resource wrote: call it again with next_after and nothing is lost or
    repeated. To see only what a resource is now, read the resource. `gap` says that the cursor is older than the log.
    Example: {"uris": ["stream://shared/progress"], "after": "0"} → versions 1, 2, …; with wait_ms 5000 at the end it
    answers as soon as something is published.
    """
    client = call.caller.client_id
    names = {uri: readable(uri, client) for uri in uris}
    cursors = {uri: check_cursor(after if isinstance(after, str) else after.get(uri, "0"), "/after") for uri in names}
    if not isinstance(after, str) and (unknown := set(after) - set(names)):
        raise InvalidArgumentError.at("/after", f"names a URI that is not in uris: {min(unknown)}")
    wanted = Filter(filter.change_types or (), filter.metadata or {}) if filter else Filter()
    if wait_ms == 0:
        pages, timed_out = await _pages(call, names, cursors, limit, wanted), False
    else:
        pages, timed_out = await _wait(call, names, cursors, limit, wanted, wait_ms / 1000)
    return StreamPage(
        events=[_event(uri, entry) for uri, page in pages.items() for entry in page.entries],
        next_after={uri: page.after for uri, page in pages.items()},
        gap={uri: Gap(oldest_available=page.gap) for uri, page in pages.items() if page.gap},
        **({"snapshots": await _snapshots(call, names)} if include_snapshot else {}),
        has_more=any(page.more for page in pages.values()),
        timed_out=timed_out,
    )


async def _wait(
    call: Call[State], names: dict[str, str], cursors: dict[str, str], limit: int, wanted: Filter, seconds: float
) -> tuple[dict[str, Page], bool]:
    """Pages as soon as one has an event or a gap; the gap of a first page is told at once."""
    hub, clock = call.state.hub, call.runtime.clock
    end = clock() + min(seconds, max(0.0, call.remaining() - SPARE_SECONDS))
    with hub.waiter(call.caller.client_id, names) as waiter, call.runtime.revocations.watch(call.caller) as revoked:
        while True:
            pages = await _pages(call, names, cursors, limit, wanted)
            if any(page.entries or page.gap for page in pages.values()):
                return pages, False
            left = end - clock()
            if left <= 0 or hub.released or revoked.is_set():
                return pages, left <= 0
            cursors = {uri: page.after for uri, page in pages.items()}
            await waiter.wait(left, revoked)


async def _pages(
    call: Call[State], names: dict[str, str], cursors: dict[str, str], limit: int, wanted: Filter
) -> dict[str, Page]:
    """A page of each; together they have at most `limit` events."""
    pages: dict[str, Page] = {}
    for uri, namespace in names.items():
        async with call.state.hub.reading:
            page = await read_page(call.runtime.stores.streams, namespace, uri, cursors[uri], limit, wanted)
        pages[uri] = page
        limit -= len(page.entries)
    return pages


async def _snapshots(call: Call[State], names: dict[str, str]) -> dict[str, Snapshot]:
    found = {uri: await call.runtime.stores.streams.document(namespace, uri) for uri, namespace in names.items()}
    return {
        uri: Snapshot(version=one.version, etag=_etag(one.version, one.event_id), content=json.loads(one.content))
        for uri, one in found.items()
        if one is not None and one.live
    }


@server.page(EVENTS_PATH)
async def streams_events(request: Request, call: Call[State]) -> Response:
    """One resource as server-sent events."""
    return await event_stream(request, call, call.state.hub)


@server.resource("stream://{namespace}/{+path}", description="A live resource as it is now")
async def live_resource(namespace: str, path: str, call: Call[State]) -> str:
    """Its content as JSON text; what the caller may not see does not exist."""
    uri = f"stream://{namespace}/{path}"
    found = await call.runtime.stores.streams.document(readable(uri, call.caller.client_id), uri)
    if found is None or not found.live:
        raise NotFoundError(f"there is no resource {uri}")
    return found.content


@server.listing
async def live_resources(call: Call[State]) -> list[Resource]:
    """The live resources that the caller may see."""
    store, listed = call.runtime.stores.streams, []
    for namespace in dict.fromkeys((call.caller.client_id, SHARED, SYSTEM)):
        for uri in await store.live(namespace):
            found = await store.document(namespace, uri)
            if found is not None and found.live:
                texts = {"title": found.title or None, "description": found.description or None}
                listed.append(Resource(uri=uri, name=uri, mime_type=found.mime_type, **texts))
    return listed


server.may_watch = may_see
server.completion()(complete_uri)


@server.resource("streaming://limits", description="What a namespace may hold and who may wait")
async def limits(call: Call[State]) -> dict[str, Any]:
    """The bounds, and what this instance holds of them."""
    bounds = StreamLimits()
    return {
        "namespaces": {"own": call.caller.client_id, "shared": SHARED, "read_only": SYSTEM},
        "per_namespace": {"resources": bounds.resources, "bytes": bounds.bytes, "events_per_uri": bounds.events},
        "content_bytes": MAX_CONTENT_BYTES,
        "waiting": {"per_client": MAX_PER_CLIENT, "per_process": MAX_PER_PROCESS, "now": call.state.hub.waiting()},
        "sse": {"path": EVENTS_PATH, "retry_ms": RETRY_MS, "comment_seconds": COMMENT_SECONDS},
        "store": call.runtime.stores.kind,
    }


@server.resource("streaming://subscriptions", description="Who follows what on this instance, as far as it is yours")
async def subscriptions(call: Call[State]) -> dict[str, Any]:
    """Counts of this process; event streams only of what the caller may see."""
    hub, client = call.state.hub, call.caller.client_id
    return {
        "listen_streams": call.runtime.subscribers() - 1,
        "waiting": hub.waiting(client),
        "sse_streams": {uri: n for uri, n in sorted(hub.streams.items()) if n and may_see(uri, client)},
    }


@server.prompt(description="Follow a live resource and report what matters")
async def monitor_stream(
    uri: Annotated[str, Field(description="stream://… of the resource")],
    question: Annotated[str, Field(description="what to look for")] = "",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    looking = question[:1000] or "what changed, and whether anything needs somebody to act"
    return (
        f"Follow the live resource {uri[:512]} and report: {looking}\n"
        '1. Call read_resource_stream with it, after "0" and include_snapshot true, to learn what it is.\n'
        "2. Call it again with next_after of the last answer and wait_ms 20000, until the question is answered.\n"
        "3. If `gap` is set, say that events were missed, and go on from the snapshot. Quote versions and timestamps."
    )


def _event(uri: str, entry: Entry) -> StreamedEvent:
    instant = datetime.fromtimestamp(as_pair(entry.event_id)[0] / 1000, UTC)
    return StreamedEvent(
        uri=uri,
        event_id=entry.event_id,
        version=entry.version,
        change_type=entry.change_type,
        content=value_of(entry.content),
        metadata=json.loads(entry.metadata),
        timestamp=instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        publisher=entry.publisher,
    )


def _etag(version: int, event_id: str) -> str:
    return f'"{version}-{event_id}"'


if __name__ == "__main__":
    run(server)

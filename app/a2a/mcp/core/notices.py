"""Notices of changes for clients of the handshake era, on whatever instance they hang.

`initialize` hands out an `Mcp-Session-Id`, which names a subscriber in the shared store and proves nothing: it counts
only together with the credential it was given to. No call needs it but `resources/subscribe` and its opposite. A GET
with it is the stream of notices, which the newest one takes over; a DELETE forgets it (MCP 2025-11-25, transports).
A notice says "this changed, read it again". So a stream that may have missed one repeats it, and none is ever lost.
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from mcp.server.lowlevel import Server as LowLevelServer
from mcp.server.lowlevel.server import NotificationOptions
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent
from mcp_types import INVALID_PARAMS, EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import Message, Receive, Scope, Send

from app.a2a.mcp.core.event_stream import EventStream
from app.a2a.mcp.core.inbox import Inbox
from app.a2a.mcp.core.places import Places
from app.a2a.mcp.core.refusal import refuse
from app.a2a.mcp.core.request import Caller, RequestInfo, current_request, request_info
from app.a2a.mcp.core.stores.subscribers import SubscriberStore, Taken
from app.a2a.mcp.core.subscriptions import MergingBus, await_listening
from app.a2a.mcp.errors import (
    A2AError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

SESSION_HEADER = b"mcp-session-id"
LOOK_SECONDS = 5.0
"""How often a silent stream asks whether it is still the one: so soon ends what was deleted or taken over elsewhere."""

LISTEN_SECONDS = 2.0
AWAY_SECONDS = 1.0
RETRY_MS = 1000
_ID = re.compile(rb"[A-Za-z0-9_-]{43}")
_METHODS: dict[type, str] = {
    ResourceUpdated: "notifications/resources/updated",
    ResourcesListChanged: "notifications/resources/list_changed",
}


class Notices:
    """What the endpoint of a service with resources to subscribe to does beside its calls."""

    def __init__(self, runtime: "Runtime", may_watch: Callable[[str, str], bool]) -> None:
        self.runtime = runtime
        self.may_watch = may_watch
        self.places = Places()

    @property
    def store(self) -> SubscriberStore:
        """Known after the runtime's start."""
        return self.runtime.stores.subscribers

    def register(self, server: LowLevelServer[Any]) -> None:
        """Serve the handshake era's two methods, and say in its `initialize` that they work."""
        server.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)
        options, told = server.create_initialization_options, NotificationOptions(resources_changed=True)
        server.create_initialization_options = lambda *_: options(told)  # type: ignore[method-assign]

    def concerns(self, scope: Scope) -> bool:
        """Whether a GET or DELETE is for a session; all others are refused as at any endpoint."""
        return scope["method"] in ("GET", "DELETE") and _is_handshake(scope) and _session(scope) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the GET or DELETE of a session."""
        info = request_info(scope)
        try:
            caller, subscriber = _reader(info), _subscriber(scope)
            if scope["method"] == "DELETE":
                if not await self.store.remove(caller.client_id, subscriber):
                    raise _unknown()
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            answer = await self._stream(scope, caller, subscriber)
        except A2AError as error:
            info.error_code = error.code
            await refuse(scope, send, error, 406 if isinstance(error, InvalidArgumentError) else None)
            return
        await answer(scope, receive, send)

    async def greet(self, message: Mapping[str, Any], scope: Scope, send: Send) -> Send:
        """For the answer to `initialize`: a send that hands out an id; while the store is away there is none."""
        caller = request_info(scope).caller
        if caller is None or not caller.may("read") or not _is_handshake(scope) or "id" not in message:
            return send
        session = secrets.token_urlsafe(32)
        try:
            await self.store.add(caller.client_id, _digest(session.encode()))
        except UnavailableError:
            return send

        async def send_with_id(part: Message) -> None:
            if part["type"] == "http.response.start" and part["status"] == 200:
                part = {**part, "headers": [*part.get("headers", ()), (SESSION_HEADER, session.encode())]}
            await send(part)

        return send_with_id

    async def check(self, scope: Scope) -> None:
        """Raise NotFoundError for a subscription under an id that is not known: its client must initialize again."""
        info = request_info(scope)
        if _is_handshake(scope) and _session(scope) is not None:
            info.subscriber = _subscriber(scope)
            if await self.store.look(_reader(info).client_id, info.subscriber) is None:
                raise _unknown()

    async def _subscribe(self, _: Any, params: SubscribeRequestParams) -> EmptyResult:
        return await self._change(self.store.subscribe, str(params.uri))

    async def _unsubscribe(self, _: Any, params: UnsubscribeRequestParams) -> EmptyResult:
        return await self._change(self.store.unsubscribe, str(params.uri))

    async def _change(self, act: Callable[[str, str, str], Any], uri: str) -> EmptyResult:
        try:
            info = current_request.get()
            caller = _reader(info)
            if info is None or info.subscriber is None:
                raise InvalidArgumentError.at("/headers/mcp-session-id", "is required here: initialize hands it out")
            if not self.may_watch(uri, caller.client_id):
                raise NotFoundError(f"there is no resource {uri[:512]} to follow")
            if not await act(caller.client_id, info.subscriber, uri):
                raise _unknown()
        except A2AError as error:
            raise MCPError(INVALID_PARAMS, error.message, error.as_dict()) from None
        return EmptyResult()

    async def _stream(self, scope: Scope, caller: Caller, subscriber: str) -> EventStream:
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
        if b"text/event-stream" not in accept and b"*/*" not in accept:
            raise InvalidArgumentError.at("/headers/accept", "must name text/event-stream")
        with contextlib.ExitStack() as held:
            held.enter_context(self.places.one(caller.client_id))
            inbox = Inbox(lambda event: self._visible(event, caller))
            held.callback(MergingBus(self.runtime.bus).subscribe(inbox.put))
            held.callback(self.runtime.when_missed(inbox.miss))
            await await_listening(self.runtime.bus, LISTEN_SECONDS)
            stream = secrets.token_hex(8)
            taken = await self.store.take(caller.client_id, subscriber, stream)
            if taken is None:
                raise _unknown()
            parts = self._parts(caller.client_id, subscriber, stream, taken, inbox)
            return EventStream(parts, self.runtime, caller, held.pop_all())
        raise AssertionError("an ExitStack swallows nothing")

    def _visible(self, event: ServerEvent, caller: Caller) -> bool:
        return type(event) in _METHODS and (
            not isinstance(event, ResourceUpdated) or self.may_watch(event.uri, caller.client_id)
        )

    async def _parts(self, owner: str, subscriber: str, stream: str, taken: Taken, inbox: Inbox) -> AsyncGenerator[str]:
        """What the client is told, until the subscriber is gone or another stream tells it."""
        yield f"retry: {RETRY_MS}\n\n"
        told = _everything(taken)
        while True:
            yield "".join(map(_notice, told))
            event = await inbox.next(LOOK_SECONDS)
            uri = event.uri if isinstance(event, ResourceUpdated) else ""
            try:
                found = await self.store.look(owner, subscriber, uri)
                if found is None or found[0] != stream:
                    return
                told = [event] if event is not None and (found[1] or not uri) else []
                if inbox.missed:
                    inbox.missed = False
                    now = await self.store.take(owner, subscriber, stream)
                    told = _everything(now) if now is not None else []
            except UnavailableError:
                # Nobody can say now what the subscriber follows; once somebody can, it is told of all of it.
                inbox.missed, told = True, []
                await asyncio.sleep(AWAY_SECONDS)


def _everything(taken: Taken) -> list[ServerEvent]:
    """What may have changed while nobody listened for the subscriber."""
    changes: list[ServerEvent] = [ResourceUpdated(uri=uri) for uri in taken.uris]
    return [ResourcesListChanged(), *changes] if taken.again else changes


def _notice(event: ServerEvent) -> str:
    params = {"params": {"uri": event.uri}} if isinstance(event, ResourceUpdated) else {}
    message = orjson.dumps({"jsonrpc": "2.0", "method": _METHODS[type(event)], **params})
    return f"event: message\ndata: {message.decode()}\n\n"


def _reader(info: RequestInfo | None) -> Caller:
    if info is None or info.caller is None:
        raise UnauthenticatedError("this request carries no credential")
    if not info.caller.may("read"):
        raise PermissionDeniedError("to follow resources needs the permission 'read'")
    return info.caller


def _is_handshake(scope: Scope) -> bool:
    version = next((value for name, value in scope["headers"] if name == b"mcp-protocol-version"), None)
    return version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS


def _session(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == SESSION_HEADER), None)


def _subscriber(scope: Scope) -> str:
    """What the store calls it; what cannot be an id of ours is not known."""
    session = _session(scope) or b""
    if not _ID.fullmatch(session):
        raise _unknown()
    return _digest(session)


def _digest(session: bytes) -> str:
    return hashlib.sha256(session).hexdigest()


def _unknown() -> NotFoundError:
    return NotFoundError("no session of yours has that Mcp-Session-Id: initialize anew")

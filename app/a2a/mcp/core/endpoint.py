"""The MCP endpoint: broken envelopes are refused here, everything else goes to the SDK, in either era.

No call needs a protocol session, so any instance answers any call. Replies are JSON; a tool that talks while it works
(progress, logging) is answered as an event stream. A client that leaves cancels what it asked for.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, PROTOCOL_VERSION_META_KEY
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from starlette.types import Message, Receive, Scope, Send

from app.a2a.mcp.core.audit import ArgumentDigest
from app.a2a.mcp.core.binding import FleetServer
from app.a2a.mcp.core.large import LARGE_BYTES, bound_values, putting_back, set_aside
from app.a2a.mcp.core.leaving import while_there
from app.a2a.mcp.core.nesting import check_nesting
from app.a2a.mcp.core.notices import Notices
from app.a2a.mcp.core.older_forms import enveloped
from app.a2a.mcp.core.parameters import check_parameters
from app.a2a.mcp.core.refusal import STATUS, refuse
from app.a2a.mcp.core.request import RequestInfo, request_info
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.scopes import insufficient_scope_headers
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.core.trace_context import trace_of_meta
from app.a2a.mcp.errors import (
    A2AError,
    InvalidArgumentError,
    LimitExceededError,
    PermissionDeniedError,
    UnavailableError,
)

KNOWN_METHODS = frozenset(
    {
        "initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/read",
        "resources/templates/list", "resources/subscribe", "resources/unsubscribe", "prompts/list", "prompts/get",
        "completion/complete", "logging/setLevel", "subscriptions/listen", "notifications/initialized",
        "notifications/cancelled", "notifications/progress",
    }
)  # fmt: skip
"""What may appear in a log or label; a caller's invention is written as `other`."""


class Refusal(Exception):  # noqa: N818 - it carries an error, it is not one
    """Stop and answer with this error, HTTP status and JSON-RPC code."""

    def __init__(self, error: A2AError, status: int, code: int = INVALID_REQUEST, headers: Any = ()) -> None:
        super().__init__(error.message)
        self.error, self.status, self.code, self.headers = error, status, code, headers


class McpEndpoint:
    """ASGI application at /mcp. `run` is entered once a process, before the first request."""

    def __init__(self, server: Server[Any], mcp: FleetServer, runtime: Runtime) -> None:
        self.runtime = runtime
        self.tracing = runtime.tracing
        self.limit = server.service.max_body_bytes
        self.permissions = {spec.name: spec.permission for spec in server.tools.values()}
        self.known_as = server.known_as
        self.digest = ArgumentDigest(runtime.settings.jwt_secret_key)
        self.talkative = mcp.talkative
        self.notices = mcp.notices
        self.json = self._manager(mcp, json_response=True)
        self.stream = self._manager(mcp, json_response=False)
        self.stack = AsyncExitStack()

    def _manager(self, mcp: FleetServer, *, json_response: bool) -> StreamableHTTPSessionManager:
        return StreamableHTTPSessionManager(
            mcp._lowlevel_server,  # the public app factory keeps a single manager, and two reply forms need two
            json_response=json_response,
            stateless=True,
            max_request_body_size=self.limit,
            # core/hosts.py has checked Host and Origin for every path already.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )

    async def __aenter__(self) -> "McpEndpoint":
        await self.stack.enter_async_context(self.json.run())
        await self.stack.enter_async_context(self.stream.run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stack.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if self.notices is not None and self.notices.concerns(scope):
            await self.notices(scope, receive, send)
            return
        async with AsyncExitStack() as room:
            try:
                _check_head(scope)
                body = await self._read(scope, receive)
                if len(body) > LARGE_BYTES:
                    await self._make_room(room, len(body))
            except Refusal as refusal:
                await self._refuse(scope, send, refusal)
                return
            await self._serve(scope, receive, send, body)

    async def _refuse(self, scope: Scope, send: Send, refusal: Refusal) -> None:
        request_info(scope).error_code = refusal.error.code
        await refuse(scope, send, refusal.error, refusal.status, refusal.headers, refusal.code)

    async def _make_room(self, room: AsyncExitStack, size: int) -> None:
        """Wait until a large body may be worked on; its memory is some ten times its size."""
        try:
            async with asyncio.timeout(self.runtime.settings.mcp_call_timeout_seconds):
                await room.enter_async_context(self.runtime.large.admitted(size))
        except TimeoutError:
            raise Refusal(UnavailableError("too many large calls at once: try again later"), 503) from None

    async def _serve(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Answer a request whose body was read."""
        info = request_info(scope)
        of_head = info.trace
        try:
            body = enveloped(body, self.known_as)
            await _bound(body)
            message = _envelope(body)
            self._note(message, _header(scope, b"mcp-protocol-version"), info)
            await self._audit(message, len(body), info)
            self._permit(info)
            if self.notices is not None:
                send = await self._note_session(self.notices, message, scope, send)
        except Refusal as refusal:
            await self._refuse(scope, send, refusal)
            return
        if self.tracing is None:
            await self._answer(message, body, scope, receive, send)
            return
        with self.tracing.serve(info, of_head):
            await self._answer(message, body, scope, receive, send)

    async def _answer(
        self, message: Mapping[str, Any], body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        info = request_info(scope)
        if self._answers_at_once(message):
            scope, body = _carried(scope, message, body, info)
            send = putting_back(info, send) if info.large else send
            async with while_there(receive):
                await self.json.handle_request(scope, _replay(body, receive), send)
            return
        with self.runtime.revocations.watch(info.caller) as revoked:
            await self.stream.handle_request(scope, _until(revoked, _replay(body, receive)), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, refused as soon as it is known to be too large."""
        too_large = Refusal(LimitExceededError(f"a request body may have {self.limit} bytes"), 413)
        declared = _header(scope, b"content-length")
        if declared and declared.isdigit() and int(declared) > self.limit:
            raise too_large
        body = bytearray()
        while True:
            part = await receive()
            if part["type"] == "http.disconnect":
                raise Refusal(InvalidArgumentError("the client left before its request was complete"), 400)
            body += part.get("body", b"")
            if len(body) > self.limit:
                raise too_large
            if not part.get("more_body", False):
                return bytes(body)

    def _note(self, message: Mapping[str, Any], version: bytes | None, info: RequestInfo) -> None:
        method = message.get("method")
        info.mcp_method = method if method in KNOWN_METHODS else "other" if method else "response"
        params = message.get("params")
        info.trace = trace_of_meta(params) or info.trace
        if method == "tools/call" and isinstance(params, Mapping):
            name = params.get("name")
            info.tool = self.known_as(name) if isinstance(name, str) else None
        info.protocol_version = _protocol_version(params, version)
        settings = self.runtime.settings
        limit = self.runtime.clock() + settings.mcp_call_timeout_seconds
        info.deadline = min(info.deadline, limit) if info.deadline else limit

    async def _audit(self, message: Mapping[str, Any], size: int, info: RequestInfo) -> None:
        """What the record of a caller's tool call says beside who, what and how it ended."""
        if info.mcp_method != "tools/call" or info.caller is None:
            return
        info.decision = "allowed"
        params = message.get("params")
        arguments = params.get("arguments") if isinstance(params, Mapping) else None
        if size > LARGE_BYTES:
            info.arguments_digest = await asyncio.to_thread(self.digest, arguments)
        else:
            info.arguments_digest = self.digest(arguments)

    async def _note_session(self, notices: Notices, message: Mapping[str, Any], scope: Scope, send: Send) -> Send:
        """The send for the answer; a session is begun or, where the call depends on it, looked up."""
        if message.get("method") == "initialize":
            return await notices.greet(message, scope, send)
        if message.get("method") in ("resources/subscribe", "resources/unsubscribe"):
            try:
                await notices.check(scope)
            except A2AError as error:
                raise Refusal(error, STATUS[error.code]) from None
        return send

    def _permit(self, info: RequestInfo) -> None:
        if info.tool is None or info.caller is None:
            return
        needed = self.permissions[info.tool]
        if info.caller.may(needed):
            if needed == "write" and info.unchecked:
                info.decision = "denied"
                raise Refusal(UnavailableError("nobody can say now whether the token was revoked: try again"), 503)
            return
        info.decision = "denied"
        error = PermissionDeniedError(f"{info.tool} needs the permission {needed!r}, which this credential lacks")
        headers = insufficient_scope_headers(self.runtime.settings, self.runtime.service.name, needed)
        raise Refusal(error, 403, headers=headers)

    def _answers_at_once(self, message: Mapping[str, Any]) -> bool:
        """Whether one JSON reply is all there will be: not for subscriptions and tools registered by `extend`."""
        if message.get("method") == "subscriptions/listen":
            return False
        params = message.get("params")
        name = params.get("name") if isinstance(params, Mapping) else None
        return message.get("method") != "tools/call" or not isinstance(name, str) or name not in self.talkative


def _protocol_version(params: object, header: bytes | None) -> str | None:
    """The revision a message is of: what its body says (`initialize` in a field of its own), or else its header."""
    said: object = header.decode("latin-1") if header is not None else None
    if isinstance(params, Mapping):
        meta = params.get("_meta")
        said = (meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, Mapping) else None) or said
        said = params.get("protocolVersion", said)
    return said if isinstance(said, str) and said in KNOWN_PROTOCOL_VERSIONS else None


def _check_head(scope: Scope) -> None:
    if scope["method"] != "POST":
        error = InvalidArgumentError("this endpoint keeps no sessions and no streams of its own: POST to it")
        raise Refusal(error, 405, METHOD_NOT_FOUND, [(b"allow", b"POST")])
    media = (_header(scope, b"content-type") or b"").split(b";")[0].strip().lower()
    if media != b"application/json":
        raise Refusal(InvalidArgumentError.at("/headers/content-type", "must be application/json"), 415)


async def _bound(body: bytes) -> None:
    try:
        await bound_values(body)
    except LimitExceededError as error:
        raise Refusal(error, 413) from None


def _carried(scope: Scope, message: Mapping[str, Any], body: bytes, info: RequestInfo) -> tuple[Scope, bytes]:
    """The request for the SDK; a large call's arguments stay in its record."""
    smaller = set_aside(message, body, info)
    if smaller is body:
        return scope, body
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(len(smaller)).encode())]}, smaller


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _envelope(body: bytes) -> Mapping[str, Any]:
    """The JSON-RPC 2.0 message of a body; raises Refusal as MCP's transport chapter says."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(InvalidArgumentError("the request body is not valid JSON"), 400, PARSE_ERROR) from None
    if isinstance(message, list):
        raise Refusal(InvalidArgumentError("batches are not part of this protocol: send one message"), 400)
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise Refusal(InvalidArgumentError.at("/jsonrpc", 'must be "2.0" in a JSON object'), 400)
    if "id" in message and (isinstance(message["id"], bool) or not isinstance(message["id"], str | int)):
        raise Refusal(InvalidArgumentError.at("/id", "must be a string or an integer"), 400)
    if "method" in message and not isinstance(message["method"], str):
        raise Refusal(InvalidArgumentError.at("/method", "must be a string"), 400)
    if not message.keys() & {"method", "result", "error"}:
        raise Refusal(InvalidArgumentError.at("/method", "is required"), 400)
    try:
        check_nesting(message, body)
        check_parameters(message)
    except LimitExceededError as error:
        raise Refusal(error, 413) from None
    except InvalidArgumentError as error:
        raise Refusal(error, 400, INVALID_PARAMS) from None
    return message


def _until(ended: asyncio.Event, receive: Receive) -> Receive:
    """A receive that says the client has left once `ended` is set: so a stream ends with the token it was opened by."""

    async def until() -> Message:
        tasks = [asyncio.ensure_future(receive()), asyncio.ensure_future(ended.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return cast(Message, tasks[0].result()) if tasks[0].done() else {"type": "http.disconnect"}
        finally:
            for task in tasks:
                task.cancel()

    return until


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once and then what the connection says, so that a leaving client is noticed."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay

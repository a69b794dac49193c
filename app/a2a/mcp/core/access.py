"""One log record and one measurement for each request, and the last net under every exception."""

import asyncio
import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.a2a.mcp.core.audit import AUDIT_LOGGER
from app.a2a.mcp.core.event_stream import EVENTS_PATH
from app.a2a.mcp.core.headers import SECURITY_HEADERS
from app.a2a.mcp.core.metrics import HTTP_METHODS
from app.a2a.mcp.core.refusal import MCP_PATH, refuse
from app.a2a.mcp.core.refusal_log import RefusalLog, client_of
from app.a2a.mcp.core.request import RequestInfo, request_info
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.scopes import METADATA_PREFIX, OPEN_PATHS, OPS_PATHS, WRITE_PATHS
from app.a2a.mcp.errors import InternalError, UnavailableError

log = logging.getLogger(__name__)
audit = logging.getLogger(AUDIT_LOGGER)

PROBES = OPEN_PATHS | {"/metrics", "/health"}
LOGGED_PATHS = OPEN_PATHS | OPS_PATHS | WRITE_PATHS | {MCP_PATH, EVENTS_PATH}
CLIENT_CLOSED = 499
"""nginx's status for a client that left before its answer."""


class Exchange:
    """What is known of one answer while it is sent."""

    def __init__(self) -> None:
        self.status = 0
        self.complete = False
        self.left = False


class AccessMiddleware:
    """Logs and counts when the answer has ended, streams included; answers 500 for what nobody caught."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self.clock = runtime.clock
        self.metrics = runtime.metrics
        settings = runtime.settings
        self.refusals = RefusalLog(
            settings.mcp_log_refusals_burst, settings.mcp_log_refusals_per_second, self.metrics.record_suppressed
        )
        runtime.on_drain.append(self.refusals.tell)
        self.paths = LOGGED_PATHS | {f"{METADATA_PREFIX}/{runtime.service.name}/mcp"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        info, exchange = request_info(scope), Exchange()

        async def receive_watched() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not exchange.complete:
                exchange.left = True
            return message

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            elif not message.get("more_body", False):
                exchange.complete = True
            await send(message)

        try:
            await self._serve(scope, receive_watched, send_watched, exchange)
        finally:
            self._record(scope, info, exchange)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            exchange.left = True
        except asyncio.CancelledError:
            if not self.runtime.draining or exchange.status:
                exchange.left = exchange.left or not exchange.complete
                raise
            # The stop has waited as long as it may: the caller learns that, instead of a cut connection.
            stopping = UnavailableError("this instance is stopping and could not finish the call; try again")
            await refuse(scope, send, stopping, headers=SECURITY_HEADERS)
        except Exception:
            if exchange.left:
                # Whoever leaves in the middle breaks something on purpose; that must not fill the log with errors.
                if self.refusals.takes(client_of(request_info(scope)), self.clock()):
                    log.info("a request failed after its client had left", exc_info=True)
                return
            info = request_info(scope)
            info.outcome, info.error_code = "internal", InternalError.code
            log.exception("a request failed inside")
            if not exchange.status:
                error = InternalError(f"the server failed; ask with correlation id {info.correlation_id}")
                await refuse(scope, send, error, headers=SECURITY_HEADERS)

    def _record(self, scope: Scope, info: RequestInfo, exchange: Exchange) -> None:
        seconds = self.clock() - info.started
        cancelled = not exchange.complete and exchange.left
        status = exchange.status or (CLIENT_CLOSED if cancelled else 500)
        if cancelled:
            info.outcome = "cancelled"
        elif info.outcome is None:
            info.outcome = "ok" if status < 400 else "refused" if status < 500 else "failed"
        self.metrics.http_request(scope["method"], status, seconds)
        level = _level(scope["path"], status)
        logger = audit if info.decision else log
        if logger.isEnabledFor(level) and self._is_told(info, status, info.started + seconds):
            # A path nobody serves is the caller's text, and a caller's text is not logged.
            path = scope["path"] if scope["path"] in self.paths else "(unknown path)"
            method = scope["method"] if scope["method"] in HTTP_METHODS else "OTHER"
            fields = _fields(info, method, path, status, seconds)
            logger.log(level, "%s %s %d", info.mcp_method or method, info.tool or path, status, extra=fields)

    def _is_told(self, info: RequestInfo, status: int, now: float) -> bool:
        """Anybody can cause refusals without end; calls that were let in have a budget of their own."""
        refused = 400 <= status < 500 and info.decision != "allowed"
        return not refused or self.refusals.takes(client_of(info), now)


def _level(path: str, status: int) -> int:
    """A caller can cause any 4xx at will, so those are INFO; not being ready is an answer, not a failure."""
    if path in PROBES:
        return logging.DEBUG if status < 400 else logging.INFO
    return logging.ERROR if status >= 500 else logging.INFO


def _fields(info: RequestInfo, method: str, path: str, status: int, seconds: float) -> dict[str, object]:
    fields = {
        "HTTP_METHOD": method,
        "HTTP_PATH": path,
        "STATUS": status,
        "OUTCOME": info.outcome,
        "ERROR_CODE": info.error_code,
        "DURATION_MS": round(seconds * 1000, 3),
        "AUDIT_DECISION": info.decision,
        "ARGUMENTS_DIGEST": info.arguments_digest,
        "CLIENT_ADDRESS": info.client_address,
        "MCP_PROTOCOL": info.protocol_version,
    }
    return {name: value for name, value in fields.items() if value is not None}

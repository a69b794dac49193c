"""One budget per client over all instances and services, by a sliding window counter.

That strategy is chosen over the exact log of calls because it keeps two numbers a client whatever the limit and
counts by Redis's clock alone, and over fixed windows because those let twice the limit through at their borders.
Service tokens are not counted: the call they belong to was, where it came in.
"""

import asyncio
import hashlib
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.a2a.mcp.core.circuit_breaker import REDIS_BREAKER, Breakers
from app.a2a.mcp.core.refusal import refuse
from app.a2a.mcp.core.request import Caller, request_info
from app.a2a.mcp.core.scopes import is_limited
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores, Window
from app.a2a.mcp.errors import RateLimitedError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.core.metrics import Metrics
    from app.a2a.mcp.core.runtime import Runtime

log = logging.getLogger(__name__)

SERVICE_PREFIX = "service:"
"""Begins the client id of a service token; no API key's client can have a colon."""

MAX_ASKING = 16
"""Calls that ask Redis at a time, half of the pool: a burst waits here and not for a connection, which would look like
an outage; and what waits here when a real one begins is told by the breaker at once."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limiter says of one call; times in whole seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit-*` as draft-ietf-httpapi-ratelimit-headers-07 §3 names them, and `Retry-After` when refused."""
        headers = [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset),
        ]
        return headers if self.allowed else [*headers, (b"retry-after", b"%d" % self.reset)]


class RateLimiter:
    """Asks the shared store, and falls back to a share of the budget in this process while Redis is away."""

    def __init__(
        self, settings: Settings, instances: int, stores: Stores, breakers: Breakers, metrics: "Metrics"
    ) -> None:
        self.limit = settings.rate_limit_requests
        self.window = settings.rate_limit_window
        self.local_limit = math.ceil(self.limit / instances)
        self._stores = stores
        self._breakers = breakers
        self._metrics = metrics
        self._away = False
        self._asking = asyncio.Semaphore(MAX_ASKING)

    async def take(self, client_id: str) -> Verdict:
        """Count one call of the client; never waits longer than one Redis timeout, and not at all in an outage."""
        client = hashlib.sha256(client_id.encode()).hexdigest()[:32]
        if self._stores.kind == "memory":
            return self._verdict(await self._stores.rates.take(client, self.limit, self.window), self.limit)
        try:
            async with self._asking:
                window = await self._breakers.get(REDIS_BREAKER).call(self._take_shared, client)
        except (RedisError, UnavailableError, OSError) as error:
            self._notice_outage(error)
            window = await self._stores.local_rates.take(client, self.local_limit, self.window)
            return self._verdict(window, self.local_limit)
        self._notice_recovery()
        return self._verdict(window, self.limit)

    async def _take_shared(self, client: str) -> Window:
        with self._stores.observed("rate_limit"):
            return await self._stores.rates.take(client, self.limit, self.window)

    def _verdict(self, window: Window, limit: int) -> Verdict:
        remaining = window.remaining(limit, self.window) if window.allowed else 0
        wait = window.retry_after(limit, self.window)
        reset = math.ceil(window.current_left) if window.allowed else wait
        return Verdict(window.allowed, limit, remaining, reset)

    def _notice_outage(self, error: Exception) -> None:
        self._metrics.limiter_fallback()
        if not self._away:
            self._away = True
            kind = type(error).__name__
            log.warning("Redis is away (%s): each client may make %d calls here", kind, self.local_limit)

    def _notice_recovery(self) -> None:
        if self._away:
            self._away = False
            log.warning("Redis is back: clients share one budget of %d calls again", self.limit)


class RateLimitMiddleware:
    """Counts each call with a caller, tells the budget on every answer, and refuses with 429 beyond it."""

    def __init__(self, app: ASGIApp, runtime: "Runtime") -> None:
        self.app = app
        self.limiter = runtime.limiter
        self.metrics = runtime.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request if its caller's budget allows."""
        caller = request_info(scope).caller if scope["type"] == "http" else None
        if caller is None or _is_service(caller) or not is_limited(scope["path"]):
            await self.app(scope, receive, send)
            return
        verdict = await self.limiter.take(caller.client_id)
        if not verdict.allowed:
            self.metrics.rate_limited()
            info = request_info(scope)
            info.error_code, info.decision = RateLimitedError.code, "denied"
            error = RateLimitedError(f"the budget is used up: try again in {verdict.reset} s", verdict.reset)
            await refuse(scope, send, error, 429, verdict.headers())
            return
        headers = verdict.headers()

        async def send_with_budget(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self.app(scope, receive, send_with_budget)


def _is_service(caller: Caller) -> bool:
    return caller.credential == "jwt" and caller.client_id.startswith(SERVICE_PREFIX)

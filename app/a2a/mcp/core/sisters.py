"""Calls from one service to another: one stateless `tools/call` of revision 2026-07-28, behind a breaker.

What goes along is the correlation id, the trace, the time that is left, and a short-lived token with `read` alone.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import orjson

from app.a2a.mcp.core.auth import Authenticator
from app.a2a.mcp.core.breaker import DependencyFault
from app.a2a.mcp.core.circuit_breaker import Breakers
from app.a2a.mcp.core.registry import Registry
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.sister_protocol import Reply, read_reply, request_body, request_headers
from app.a2a.mcp.core.trace_context import TraceContext
from app.a2a.mcp.errors import ConfigurationError, DeadlineExceededError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.core.call import Call

SERVICE_TOKEN_SECONDS = 300
SHARE_OF_DEADLINE = 0.9
"""What a sister may use of the time that is left: the rest is for the fallback and the answer."""

FAIR_SECONDS = 1.0
"""A timeout counts against a sister only if she had this long: a caller in a hurry must not open breakers."""

CONNECT_SECONDS = 1.0
MAX_CONNECTIONS = 32
KEEPALIVE_SECONDS = 30.0

RETRIED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""Connection errors: an instance that is just restarting. A pure call may then be made once more, elsewhere."""


class Sisters:
    """The way to the other services; `clock` gives Unix time in seconds, for the service token's life."""

    def __init__(
        self,
        service: str,
        settings: Settings,
        registry: Registry,
        breakers: Breakers,
        authenticator: Authenticator,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._url = settings.mcp_sister_url.rstrip("/")
        self._registry = registry
        self._may_call = frozenset(registry.get(service).calls if service in registry.names else ())
        self._breakers = breakers
        for called in self._may_call:
            # Made now, so that an operator sees each breaker before its first call.
            breakers.get(called)
        self._authenticator = authenticator
        self._clock = clock
        self._turn = itertools.count()
        self._token = ""
        self._renew_at = 0.0
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Open the connection pool."""
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
            # Only core/settings.py reads the environment, and proxies of the environment are not for sisters.
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def call(
        self,
        service: str,
        tool: str,
        arguments: Mapping[str, Any],
        call: "Call[Any]",
        *,
        idempotent: bool = True,
    ) -> dict[str, Any]:
        """The structured result of a sister's tool; `idempotent` calls are made once more after a lost connection.

        Raises the A2AError a tool answered with, DeadlineExceededError, and UnavailableError for everything else,
        at once while the breaker to that service is open; ConfigurationError where the registry lists no such call.
        """
        if service not in self._may_call:
            raise ConfigurationError(f"{self._service} calls {service}: its line in the registry must list that")
        tracing = call.runtime.tracing
        if tracing is None:
            return await self._call(service, tool, arguments, call, call.info.trace, idempotent)
        with tracing.ask(call.info, service, tool) as trace:
            return await self._call(service, tool, arguments, call, trace, idempotent)

    async def _call(
        self,
        service: str,
        tool: str,
        arguments: Mapping[str, Any],
        call: "Call[Any]",
        trace: TraceContext | None,
        idempotent: bool,
    ) -> dict[str, Any]:
        headers = request_headers(tool, self._service_token(), call.info, trace)
        body = orjson.dumps(request_body(tool, arguments, self._service, trace))
        ports = self._registry.get(service).instance_ports(self._registry.instances)
        attempts = 2 if idempotent else 1
        breaker = self._breakers.get(service)
        while True:
            attempts -= 1
            url = self._url.format(port=ports[next(self._turn) % len(ports)], service=service) + "/mcp"
            try:
                reply = await breaker.call(self._post, url, headers, body, call.remaining() * SHARE_OF_DEADLINE)
            except RETRIED as error:
                if not attempts:
                    raise UnavailableError(f"{service} cannot be reached: {type(error).__name__}") from error
            except (DependencyFault, httpx.HTTPError, TimeoutError) as error:
                raise UnavailableError(f"{service} does not answer: {type(error).__name__}") from error
            else:
                return reply.result(service)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Reply:
        """One exchange; only its exceptions count for the breaker, so a 5xx is made one."""
        if self._client is None:
            raise UnavailableError("this process has not started, or is stopping")
        try:
            with anyio.fail_after(seconds):
                headers = {**headers, "X-A2A-Timeout-Ms": str(max(1, int(seconds * 1000)))}
                response = await self._client.post(url, content=body, headers=headers)
        except TimeoutError:
            if seconds < FAIR_SECONDS:
                raise DeadlineExceededError("too little time was left to ask another service") from None
            raise
        if response.status_code >= 500:
            raise DependencyFault(f"HTTP {response.status_code}")
        return read_reply(response)

    def _service_token(self) -> str:
        now = self._clock()
        if now >= self._renew_at:
            try:
                client = f"service:{self._service}"
                self._token = self._authenticator.mint(client, ("read",), SERVICE_TOKEN_SECONDS)
            except ConfigurationError as error:
                raise UnavailableError("services cannot call each other without JWT_SECRET_KEY") from error
            self._renew_at = now + SERVICE_TOKEN_SECONDS / 2
        return self._token

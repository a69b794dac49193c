"""Which names this server answers to, which pages may call it, and what address a request really comes from.

Host and Origin are checked before anything else looks at a request: that is what stops DNS rebinding.
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.a2a.mcp.core.refusal import refuse
from app.a2a.mcp.core.request import request_info
from app.a2a.mcp.core.scopes import OPEN_PATHS, OPS_PATHS
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import ConfigurationError, InvalidArgumentError, PermissionDeniedError

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ALLOWED_METHODS = b"POST, GET, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    b"Accept, Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, Mcp-Name, "
    b"Mcp-Session-Id, X-API-Key, X-Request-ID, traceparent"
)
EXPOSED_HEADERS = (
    b"Mcp-Session-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, WWW-Authenticate, "
    b"X-Request-ID"
)
PREFLIGHT_SECONDS = b"600"
"""Chromium keeps a preflight answer no longer than two hours, others less; a changed list shows within ten minutes."""


class ClientAddress:
    """Finds the address a request comes from, believing X-Forwarded-For only where a trusted proxy sends it."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = _networks(settings.mcp_trusted_proxies)

    def of(self, scope: Scope) -> Address | None:
        """The last hop that is no proxy of ours; None where it cannot be known (a Unix socket, an unreadable hop)."""
        address = _peer(scope)
        hops = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(hops.split(b",")) if hops else ():
            if address is None or not self._is_proxy(address):
                break
            address = _address(hop.decode("latin-1").strip())
        return address

    def is_trusted(self, scope: Scope) -> bool:
        """Whether the other end of the connection is a trusted proxy."""
        peer = _peer(scope)
        return peer is not None and self._is_proxy(peer)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def _peer(scope: Scope) -> Address | None:
    client = scope.get("client")
    return _address(client[0]) if client else None


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _networks(names: Iterable[str]) -> tuple[Network, ...]:
    networks = []
    for name in names:
        try:
            networks.append(ipaddress.ip_network(name, strict=False))
        except ValueError as error:
            raise ConfigurationError.at("MCP_TRUSTED_PROXIES", f"{name!r} is no address or network") from error
    return tuple(networks)


class HostsMiddleware:
    """Refuses an unknown Host with 421 and a foreign Origin with 403, and answers CORS preflights."""

    def __init__(self, app: ASGIApp, runtime: "Runtime") -> None:
        self.app = app
        self.hosts = frozenset(_bare_host(name) for name in runtime.settings.mcp_allowed_hosts)
        self.origins = frozenset(map(_checked_origin, runtime.settings.cors_allowed_origins))
        self.metrics = runtime.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request if its Host and Origin are ours."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if not self._answers_to(scope, hosts):
            await self._refuse_host(scope, send)
        elif not self._welcomes(origins):
            await self._refuse_origin(scope, send)
        elif origins and _is_preflight(scope):
            await self._answer_preflight(scope, send, origins[0])
        else:
            await self.app(scope, receive, self._with_cors(send, origins))

    def _answers_to(self, scope: Scope, hosts: list[bytes]) -> bool:
        if len(hosts) == 1 and _bare_host(hosts[0].decode("latin-1")) in self.hosts:
            return True
        # A monitor on this machine may ask by whatever name it has for it; a browser cannot reach these paths so.
        peer = _peer(scope)
        return scope["path"] in OPS_PATHS | OPEN_PATHS and peer is not None and peer.is_loopback

    def _welcomes(self, origins: list[bytes]) -> bool:
        if not origins:
            return True
        origin = origins[0].decode("latin-1").lower()
        return len(origins) == 1 and (origin in self.origins or _origin_host(origin) in self.hosts)

    async def _refuse_host(self, scope: Scope, send: Send) -> None:
        request_info(scope).error_code = "invalid_argument"
        error = InvalidArgumentError("this server does not answer to that Host (MCP_ALLOWED_HOSTS)")
        await refuse(scope, send, error, 421)

    async def _refuse_origin(self, scope: Scope, send: Send) -> None:
        request_info(scope).error_code = "permission_denied"
        error = PermissionDeniedError("pages of that Origin may not call this server (CORS_ALLOWED_ORIGINS)")
        await refuse(scope, send, error, 403, [(b"vary", b"Origin")])

    async def _answer_preflight(self, scope: Scope, send: Send, origin: bytes) -> None:
        if origin.decode("latin-1").lower() not in self.origins:
            await self._refuse_origin(scope, send)
            return
        headers = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
            (b"vary", b"Origin"),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _with_cors(self, send: Send, origins: list[bytes]) -> Send:
        if not self.origins:
            return send
        added = [(b"vary", b"Origin")]
        if origins and origins[0].decode("latin-1").lower() in self.origins:
            added += [
                (b"access-control-allow-origin", origins[0]),
                (b"access-control-expose-headers", EXPOSED_HEADERS),
            ]

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        return send_with_cors


def _bare_host(name: str) -> str:
    """A Host without its port, in lower case: `[::1]:4711` is `[::1]`, `A.example.:443` is `a.example`."""
    name = name.strip().lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0].rstrip(".")


def _origin_host(origin: str) -> str | None:
    scheme, separator, host = origin.partition("://")
    return _bare_host(host) if separator and scheme in ("http", "https") else None


def _checked_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and origin.count("/") == 2
    except ValueError:
        valid = False
    if not valid or "*" in origin:
        raise ConfigurationError(f"CORS_ALLOWED_ORIGINS: {origin!r} must be scheme://host[:port], without * or path")
    return origin.lower()


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )

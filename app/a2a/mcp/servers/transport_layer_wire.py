"""Bounded HTTP to one checked address: no redirects, no second look-up, at most 64 KiB of any answer."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.a2a.mcp.domain.transport.addresses import may_reach
from app.a2a.mcp.domain.transport.event_stream import parse_event_stream
from app.a2a.mcp.errors import InvalidArgumentError, PermissionDeniedError

MAX_REPLY_BYTES = 64 * 1024


class StepError(Exception):
    """A step did not succeed; `reason` is a word for it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, decided once: every later step uses `address`."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    address: str

    @property
    def origin(self) -> str:
        """The origin with the address in the place of the name."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, as much of it as was read."""

    status: int
    headers: httpx.Headers
    text: str

    def message(self) -> dict[str, Any]:
        """The JSON-RPC answer in it, empty where there is none."""
        bodies = [self.text]
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            bodies = [event.data for event in parse_event_stream(self.text)[0]]
        for body in bodies:
            try:
                found = json.loads(body)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict) and ("result" in found or "error" in found):
                return found
        return {}


async def find_target(url: str, *, registered: bool) -> Target:
    """Resolve once and check every address; raises PermissionDeniedError before anything is sent."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
    except ValueError:
        raise InvalidArgumentError.at("/url", "is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise InvalidArgumentError.at("/url", "must be http or https with a host and no user")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise StepError("name_not_resolved") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(may_reach(address, registered=registered) for address in addresses):
        raise PermissionDeniedError.at("/url", "target_not_allowed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, parts.scheme, host, port, path, addresses[0])


async def connect(target: Target) -> None:
    """A TCP connection, opened and closed."""
    _, writer = await asyncio.open_connection(target.address, target.port)
    writer.close()


CERTIFICATE_REASONS = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_self_signed",
    62: "certificate_for_another_name",
    64: "certificate_for_another_name",
}
"""OpenSSL's X509_V_ERR codes (openssl-verification-options(1)) that a caller can act on; any other is not trusted."""


def tls_error(error: BaseException) -> StepError | None:
    """The failed handshake that the error comes from, None where it comes from something else."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = CERTIFICATE_REASONS.get(cause.verify_code, "certificate_not_trusted")
        return StepError(reason, cause.verify_message)
    return None if cause is None else StepError("tls_failed", cause.reason or type(cause).__name__)


async def handshake(target: Target, trust: ssl.SSLContext) -> dict[str, Any]:
    """What TLS was negotiated; the certificate must hold for the name. Raises StepError."""
    try:
        _, writer = await asyncio.open_connection(target.address, target.port, ssl=trust, server_hostname=target.host)
    except (ssl.SSLError, ConnectionResetError) as error:
        raise tls_error(error) or StepError("tls_failed", type(error).__name__) from None
    try:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        ends = ssl.cert_time_to_seconds(str((tls.getpeercert() or {})["notAfter"]))
        cipher = tls.cipher()
        return {
            "version": tls.version() or "",
            "cipher": cipher[0] if cipher else "",
            "not_after": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends)),
            "days_left": int((ends - time.time()) // 86400),
        }
    finally:
        writer.close()


class Wire:
    """HTTP to the target; each exchange has `seconds`."""

    def __init__(self, target: Target, seconds: float, token: str | None, trust: ssl.SSLContext) -> None:
        self._target = target
        self._seconds = seconds
        self._headers = {"Host": target.host if ":" not in target.host else f"[{target.host}]"}
        if target.port not in (80, 443):
            self._headers["Host"] += f":{target.port}"
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.AsyncClient(verify=trust, trust_env=False, follow_redirects=False, timeout=seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        enough: Callable[[str], bool] = lambda text: False,
    ) -> Answer:
        """One exchange, read until its end, 64 KiB, or what is `enough`; raises StepError."""
        request = self._client.build_request(
            method,
            self._target.origin + path,
            json=body,
            headers={**self._headers, **(headers or {})},
            extensions={"sni_hostname": self._target.host},
        )
        try:
            async with asyncio.timeout(self._seconds):
                return await self._read(request, enough)
        except (TimeoutError, httpx.TimeoutException):
            raise StepError("timeout") from None
        except httpx.HTTPError as error:
            raise tls_error(error) or StepError("connection_lost", type(error).__name__) from None

    async def _read(self, request: httpx.Request, enough: Callable[[str], bool]) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            read = bytearray()
            # Raw: a compressed answer could be far larger than what was read of it.
            async for part in response.aiter_raw():
                read += part
                if len(read) > MAX_REPLY_BYTES:
                    raise StepError("reply_too_large")
                if enough(read.decode(errors="replace")):
                    break
            return Answer(response.status_code, response.headers, read.decode(errors="replace"))
        finally:
            await response.aclose()

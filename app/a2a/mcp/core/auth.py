"""Who is asking: an API key or a token, and the middleware that lets nothing in without one.

A verified token is remembered by its digest until it expires, because the same token comes with every call.
"""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core.keys import find_key, parse_api_keys
from app.a2a.mcp.core.refusal import refuse
from app.a2a.mcp.core.request import Caller, request_info
from app.a2a.mcp.core.scopes import (
    OPS_PATHS,
    WRITE_PATHS,
    insufficient_scope_headers,
    is_open,
    unauthenticated_headers,
)
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.tokens import LEEWAY_SECONDS, CredentialError, Tokens
from app.a2a.mcp.errors import PermissionDeniedError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

MAX_REMEMBERED_TOKENS = 1024
"""About 0.5 MiB; a fleet has far fewer tokens in use at a time."""


class Authenticator:
    """Knows the keys and secrets of one process; `clock` gives Unix time in seconds.

    Tokens that are for single services are taken if `service` is among them.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time, service: str | None = None) -> None:
        self._settings = settings
        self._keys = parse_api_keys(settings.api_keys)
        self._tokens = Tokens(settings, clock, (service,) if service else ())
        self._clock = clock
        self._verified: OrderedDict[bytes, Caller] = OrderedDict()

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        """The caller whose credential the request carries; raises CredentialError with a machine-readable reason."""
        credential = _credential(headers)
        key = find_key(self._keys, credential)
        if key is not None:
            return Caller(key.client_id, key.permissions, "api_key")
        # A token has exactly two dots; without them it can only have been meant as a key.
        if credential.count(".") != 2:
            raise CredentialError("invalid", "the API key is not known")
        return self._verify(credential)

    def mint(self, client_id: str, permissions: Sequence[str], ttl_seconds: float, **claims: object) -> str:
        """A token for the client, signed with the newest secret; raises ConfigurationError without a secret."""
        return self._tokens.mint(client_id, permissions, ttl_seconds, claims)

    def tokens_for(self, services: Sequence[str]) -> Tokens:
        """Reads and makes tokens for any of the services: what a service that gives tokens out needs."""
        return Tokens(self._settings, self._clock, services)

    def _verify(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.expires_at is not None:
            if known.expires_at > self._clock() - LEEWAY_SECONDS:
                self._verified.move_to_end(digest)
                return known
            del self._verified[digest]
        caller = self._tokens.verify(token)
        self._verified[digest] = caller
        if len(self._verified) > MAX_REMEMBERED_TOKENS:
            self._verified.popitem(last=False)
        return caller


def _credential(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The one credential of a request, from `Authorization: Bearer` or `X-API-Key`."""
    found = {
        _bearer(value) if name == b"authorization" else value.strip()
        for name, value in headers
        if name in (b"authorization", b"x-api-key")
    }
    if not found:
        raise CredentialError("missing", "send a credential: Authorization: Bearer … or X-API-Key: …")
    if len(found) > 1:
        raise CredentialError("invalid", "the request carries different credentials")
    value = found.pop()
    if not value or not value.isascii():
        raise CredentialError("malformed", "the credential is empty or not ASCII")
    return value.decode("ascii")


def _bearer(value: bytes) -> bytes:
    scheme, _, credential = value.strip().partition(b" ")
    if scheme.lower() != b"bearer":
        raise CredentialError("malformed", "the Authorization scheme must be Bearer")
    return credential.strip()


class AuthenticationMiddleware:
    """Puts the caller into the request's record, or answers 401 or 403."""

    def __init__(self, app: ASGIApp, runtime: "Runtime") -> None:
        self.app = app
        self.settings = runtime.settings
        self.service = runtime.service.name
        self.metrics = runtime.metrics
        self.authenticator = runtime.authenticator
        self.operators = runtime.settings.mcp_ops_networks
        self.revocations = runtime.revocations
        self.refuse_unchecked = runtime.settings.mcp_unchecked_reads == "refuse"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request if its credential allows the path."""
        if scope["type"] != "http" or self._needs_no_credential(scope):
            await self.app(scope, receive, send)
            return
        try:
            caller = self.authenticator.authenticate(scope["headers"])
            await self._check_revocation(caller, scope)
        except CredentialError as error:
            await self._refuse(scope, send, error)
            return
        except UnavailableError as error:
            request_info(scope).error_code = error.code
            await refuse(scope, send, error)
            return
        info = request_info(scope)
        info.caller = caller
        if scope["path"] in WRITE_PATHS:
            info.decision = "allowed" if caller.may("write") else "denied"
        if info.decision == "denied":
            self.metrics.auth_refused("insufficient_scope")
            info.error_code = PermissionDeniedError.code
            denied = PermissionDeniedError(f"{scope['path']} needs the permission 'write'")
            await refuse(scope, send, denied, 403, insufficient_scope_headers(self.settings, self.service, "write"))
            return
        await self.app(scope, receive, send)

    async def _check_revocation(self, caller: Caller, scope: Scope) -> None:
        """Raises CredentialError for a revoked token, UnavailableError where it may do nothing unchecked."""
        if caller.token_id is None:
            return
        try:
            revoked = await self.revocations.revoked(caller)
        except UnavailableError:
            if self.refuse_unchecked or scope["path"] in WRITE_PATHS:
                raise
            request_info(scope).unchecked = True
            return
        if revoked:
            raise CredentialError("revoked", "the token was revoked", caller.client_id)

    def _needs_no_credential(self, scope: Scope) -> bool:
        if scope["method"] not in ("GET", "HEAD"):
            return False
        path = scope["path"]
        return is_open(path) or (path in OPS_PATHS and self._is_operator(request_info(scope).client_address))

    def _is_operator(self, client_address: str | None) -> bool:
        if client_address is None:
            return False
        address = ipaddress.ip_address(client_address)
        return any(address in network for network in self.operators)

    async def _refuse(self, scope: Scope, send: Send, error: CredentialError) -> None:
        self.metrics.auth_refused(error.reason)
        info = request_info(scope)
        info.error_code, info.refused_client = error.code, error.client_id
        info.decision = "denied" if error.client_id else None
        code = None if error.reason == "missing" else "invalid_token"
        headers = unauthenticated_headers(self.settings, self.service, code, error.message)
        await refuse(scope, send, error, 401, headers)

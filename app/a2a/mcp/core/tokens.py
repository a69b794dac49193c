"""HS256 tokens (RFC 7519, claims as RFC 9068 names them): the newest secret signs, the two newest verify.

PyJWT checks signature, issuer and audience; times are checked here, against a clock that can be passed in.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import jwt

from app.a2a.mcp.core.request import Caller
from app.a2a.mcp.core.scopes import PERMISSIONS
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import ConfigurationError, UnauthenticatedError

ALGORITHM = "HS256"
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
LEEWAY_SECONDS = 30.0
"""How far two hosts' clocks may differ: twice what chrony lets pass unnoticed on a bad day, and short for a thief."""

MAX_TOKEN_CHARACTERS = 4096
MAX_NAME_CHARACTERS = 128

Reason = Literal[
    "missing", "invalid", "expired", "not_yet_valid", "wrong_audience", "wrong_issuer", "malformed", "revoked"
]


class CredentialError(UnauthenticatedError):
    """A credential that does not hold; `reason` is a word for metrics, the message a sentence for the caller.

    `client_id` is whose it is, where the credential itself is genuine: the audit trail names them.
    """

    def __init__(self, reason: Reason, message: str, client_id: str | None = None) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.client_id = client_id


class Tokens:
    """Verifies and mints; `clock` gives Unix time in seconds.

    A token is for the whole fleet (`aud` is the settings' audience) or for the services that `aud` names.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], services: Sequence[str] = ()) -> None:
        self._secrets = tuple(
            secret for secret in (settings.jwt_secret_key, settings.jwt_secret_key_previous) if secret
        )
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._accepted = (settings.jwt_audience, *services)
        self._longest = settings.jwt_expiration_hours * 3600
        self.clock = clock

    def mint(
        self,
        client_id: str,
        permissions: Iterable[str],
        ttl_seconds: float,
        claims: Mapping[str, object],
        services: Sequence[str] = (),
    ) -> str:
        """A signed token for the client, valid from now; raises ConfigurationError where that cannot be.

        With `services` it is good at those alone.
        """
        if not self._secrets:
            raise ConfigurationError("JWT_SECRET_KEY is not set: without it no token can be made")
        if not 0 < ttl_seconds <= self._longest:
            raise ConfigurationError(f"a token may live up to {self._longest} s (JWT_EXPIRATION_HOURS)")
        unknown = set(permissions := tuple(permissions)) - set(PERMISSIONS)
        if unknown or not _is_name(client_id):
            raise ConfigurationError(f"a token needs a client name and permissions of {', '.join(PERMISSIONS)}")
        issued = int(self.clock())
        payload = {
            **claims,
            "iss": self._issuer,
            "aud": list(services) or self._audience,
            "sub": client_id,
            "iat": issued,
            "exp": issued + int(ttl_seconds),
            "scope": " ".join(sorted(permissions)),
        }
        return jwt.encode(payload, self._secrets[0], algorithm=ALGORITHM)

    def verify(self, token: str) -> Caller:
        """The caller a token names; raises CredentialError."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise CredentialError("malformed", f"a token has at most {MAX_TOKEN_CHARACTERS} characters")
        claims = self._signed_claims(token)
        expires = self._check_times(claims)
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        token_id, session = claims.get("jti"), claims.get("sid")
        if not _is_name(claims["sub"]) or not all(name is None or _is_name(name) for name in (token_id, session)):
            raise CredentialError("malformed", "the token's sub, jti or sid is not a short printable text")
        return Caller(claims["sub"], _permissions(claims), "jwt", token_id, expires, frozenset(audience), session)

    def _signed_claims(self, token: str) -> dict[str, Any]:
        failure = CredentialError("invalid", "the credential is not one of ours")
        for secret in self._secrets:
            try:
                return self._decode(token, secret)
            except jwt.InvalidSignatureError:
                failure = CredentialError("invalid", "the token's signature does not hold")
            except jwt.InvalidAudienceError:
                raise CredentialError("wrong_audience", "the token is for another audience", _subject(token)) from None
            except jwt.InvalidIssuerError:
                raise CredentialError("wrong_issuer", "the token comes from another issuer") from None
            except jwt.MissingRequiredClaimError as error:
                raise CredentialError("malformed", f"the token lacks the claim {error.claim}") from None
            except jwt.InvalidAlgorithmError:
                raise CredentialError("invalid", f"a token must be signed with {ALGORITHM}") from None
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
                raise CredentialError("malformed", "the credential is neither a key nor a readable token") from None
        raise failure

    def _decode(self, token: str, secret: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._accepted,
            options={"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> float:
        now = self.clock()
        issued, expires, begins = (_instant(claims.get(name, 0), name) for name in ("iat", "exp", "nbf"))
        if expires <= now - LEEWAY_SECONDS:
            raise CredentialError("expired", "the token has expired")
        if max(issued, begins) > now + LEEWAY_SECONDS:
            raise CredentialError("not_yet_valid", "the token is not valid yet")
        if not 0 < expires - issued <= self._longest:
            raise CredentialError("invalid", f"the token lives longer than {self._longest} s or ends before it begins")
        return expires


def _subject(token: str) -> str | None:
    """Whose token it is; for one whose signature holds, which PyJWT checks before it looks at any claim."""
    subject = jwt.decode(token, options={"verify_signature": False}).get("sub")
    return subject if _is_name(subject) else None


def _instant(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CredentialError("malformed", f"the token's {name} is not a time in seconds")
    return float(value)


def _permissions(claims: Mapping[str, Any]) -> frozenset[str]:
    """What `scope` (space-separated, RFC 8693 §4.2) and `permissions` (a list) grant; scopes of others are ignored."""
    scope, listed = claims.get("scope", ""), claims.get("permissions", [])
    if not isinstance(scope, str) or not isinstance(listed, list):
        raise CredentialError("malformed", "the token's scope must be a text and its permissions a list")
    return frozenset(name for name in PERMISSIONS if name in scope.split() or name in listed)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARACTERS and value.isprintable()

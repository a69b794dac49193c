"""API keys: `API_KEY_<n>=key:client:permissions`, the key plain or as `sha256$<hex>`.

Only digests are kept and compared, each in constant time and always all of them, so that neither the place of a key
in the list nor a common beginning shows in the time an answer takes.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.a2a.mcp.core.scopes import PERMISSIONS
from app.a2a.mcp.errors import ConfigurationError, Detail

HASH_MARK = "sha256$"
KEY_MARK = "a2a_"
"""Begins every key we make, so that secret scanners can find a leaked one."""

KEY_BYTES = 32
CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: the digest, whose it is, and what it permits."""

    digest: bytes
    client_id: str
    permissions: frozenset[str]


def generate_key() -> tuple[str, str]:
    """A new random key of 256 bits: (the key to hand out, its hashed form for the settings)."""
    key = KEY_MARK + secrets.token_urlsafe(KEY_BYTES)
    return key, HASH_MARK + _digest(key).hex()


def find_key(keys: Iterable[ApiKey], presented: str) -> ApiKey | None:
    """The key that was presented, or None; every key is compared, whatever the outcome."""
    digest = _digest(presented)
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def parse_api_keys(values: Mapping[str, str]) -> tuple[ApiKey, ...]:
    """The keys of the settings, by the variables that hold them, in the order of their numbers.

    Raises ConfigurationError naming each variable and what is wrong, never its value.
    """
    keys: list[ApiKey] = []
    problems: list[Detail] = []
    for name, value in values.items():
        try:
            key = _parse(value)
            if any(hmac.compare_digest(key.digest, other.digest) for other in keys):
                raise ValueError("repeats the key of an earlier one")
            keys.append(key)
        except ValueError as error:
            problems.append(Detail(name, str(error)))
    if problems:
        listed = "; ".join(f"{problem.path} {problem.reason}" for problem in problems)
        raise ConfigurationError(f"cannot use these API keys: {listed}", problems)
    return tuple(keys)


def _parse(value: str) -> ApiKey:
    parts = [part.strip() for part in value.split(":")]
    if len(parts) != 3:
        raise ValueError(f"has {len(parts)} parts between colons: write key:client:permissions (a key has no colon)")
    key, client, listed = parts
    if not CLIENT.fullmatch(client):
        raise ValueError("names no client: use 1 to 64 letters, digits or . _ @ - between the colons")
    permissions = frozenset(part.strip() for part in listed.split(",") if part.strip())
    if not permissions or not permissions <= set(PERMISSIONS):
        raise ValueError(f"must end with one or more of {', '.join(PERMISSIONS)}, separated by commas")
    return ApiKey(_stored_digest(key), client, permissions)


def _stored_digest(key: str) -> bytes:
    if not key.startswith(HASH_MARK):
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("has an empty key or one with characters that no HTTP header carries")
        return _digest(key)
    hexadecimal = key.removeprefix(HASH_MARK)
    if not HEX_DIGEST.fullmatch(hexadecimal):
        raise ValueError(f"has a hash that is not {HASH_MARK} and 64 hexadecimal digits")
    return bytes.fromhex(hexadecimal)


def _digest(key: str) -> bytes:
    # A key we make has 256 random bits: a slow password hash would add delay and no safety.
    return hashlib.sha256(key.encode()).digest()

"""The audit trail's share of a request: whether its caller was let in, and a digest of what they asked with.

Both are fields of the one record that core/access.py writes, so that a call stays one datagram. Values never leave.
"""

import hashlib
import secrets

import orjson

AUDIT_LOGGER = "app.a2a.mcp.core.access.audit"
"""Logs the records that carry a decision; whatever MCP_LOG_LEVEL says, INFO is heard of it."""

DIGEST_BYTES = 16
PURPOSE = b"a2a-mcp audit"
"""BLAKE2b's personalisation, at most 16 bytes: the key serves nothing else, and tells nothing of the secret."""


class ArgumentDigest:
    """Keyed BLAKE2b (RFC 7693), 128 bits, of a call's arguments in canonical form; the same on every instance.

    Without the key nobody can try short values until one fits. With an empty secret (development) the key is random
    and digests compare within this process only.
    """

    def __init__(self, secret: str) -> None:
        secret = secret or secrets.token_hex(32)
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=PURPOSE).digest()

    def __call__(self, arguments: object) -> str:
        """The digest in hex; an object's order of keys is no part of it, and no arguments are the empty object."""
        canonical = orjson.dumps({} if arguments is None else arguments, option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(canonical, digest_size=DIGEST_BYTES, key=self._key).hexdigest()

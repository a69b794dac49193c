"""What is kept of a session: nothing that lets a reader of the store use it, for its id is kept as a digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

LEEWAY_SECONDS = 60
"""How much longer than its token a revocation is remembered: clocks differ, and servers forgive 30 s of it."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session; instants are Unix times in seconds, `tokens` the instants its token ids end."""

    client_id: str
    permissions: tuple[str, ...]
    audience: tuple[str, ...]
    metadata: Mapping[str, str]
    client_info: Mapping[str, str] | None
    created_at: int
    expires_at: int
    tokens: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The stored form; equal sessions give equal bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Session":
        """What `to_bytes` wrote."""
        values = json.loads(data)
        values["permissions"] = tuple(values["permissions"])
        values["audience"] = tuple(values["audience"])
        return cls(**values)

    def live_tokens(self, now: float) -> dict[str, int]:
        """The token ids that a server might still take."""
        return {token: until for token, until in self.tokens.items() if until + LEEWAY_SECONDS > now}


def digest_of(session_id: str) -> str:
    """The name under which a session is kept. The id has 256 random bits, so a plain hash hides it."""
    return hashlib.sha256(session_id.encode()).hexdigest()

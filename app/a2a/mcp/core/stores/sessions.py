"""Sessions and revoked token ids: the protocol, and the side of a process that runs alone.

A session is opaque bytes under its owner and the digest of its id, until an instant. A revoked token id is remembered
as long as a token could carry it. All instants are Unix times in seconds.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol


class SessionStore(Protocol):
    """Every method raises UnavailableError when the store cannot be reached."""

    async def add(self, owner: str, digest: str, value: bytes, expires_at: float, limit: int) -> bool:
        """Keep a new session unless the owner has `limit` live ones."""

    async def get(self, owner: str, digest: str) -> bytes | None: ...

    async def replace(self, owner: str, digest: str, old: bytes, new: bytes, expires_at: float) -> bool:
        """Put `new` in the place of `old`; false, and nothing done, when something else stands there."""

    async def remove(self, owner: str, digest: str, old: bytes) -> bool:
        """Forget the session if it is still `old`."""

    async def all(self, owner: str) -> dict[str, bytes]:
        """The owner's live sessions by digest."""

    async def revoke(self, tokens: Mapping[str, float]) -> int:
        """Remember token ids as revoked until their instants and tell every instance; how many were new."""

    async def look_up(self, token_id: str, used: bool = False) -> bool:
        """Whether the token id is revoked; `used` notes that the token came with a request now."""

    async def last_used(self, token_ids: list[str]) -> float | None:
        """When one of the tokens was last used, as far as is remembered."""


class MemorySessionStore:
    """The sessions of one process, gone with it; `clock` gives Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: dict[str, dict[str, tuple[bytes, float]]] = {}
        self._revoked: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self.on_revoked: Callable[[Mapping[str, float]], None] = lambda tokens: None

    async def add(self, owner: str, digest: str, value: bytes, expires_at: float, limit: int) -> bool:
        if len(self._live(owner)) >= limit:
            return False
        self._sessions.setdefault(owner, {})[digest] = (value, expires_at)
        return True

    async def get(self, owner: str, digest: str) -> bytes | None:
        return self._live(owner).get(digest, (None, 0.0))[0]

    async def replace(self, owner: str, digest: str, old: bytes, new: bytes, expires_at: float) -> bool:
        if await self.get(owner, digest) != old:
            return False
        self._sessions[owner][digest] = (new, expires_at)
        return True

    async def remove(self, owner: str, digest: str, old: bytes) -> bool:
        if await self.get(owner, digest) != old:
            return False
        del self._sessions[owner][digest]
        return True

    async def all(self, owner: str) -> dict[str, bytes]:
        return {digest: value for digest, (value, _) in self._live(owner).items()}

    async def revoke(self, tokens: Mapping[str, float]) -> int:
        now = self._clock()
        self._revoked = {token: until for token, until in self._revoked.items() if until > now}
        self._used = {token: at for token, at in self._used.items() if at > now - REMEMBERED_SECONDS}
        new = {token: until for token, until in tokens.items() if until > now and token not in self._revoked}
        self._revoked |= new
        self.on_revoked(new)
        return len(new)

    async def look_up(self, token_id: str, used: bool = False) -> bool:
        if used:
            self._used[token_id] = self._clock()
        return self._revoked.get(token_id, 0.0) > self._clock()

    async def last_used(self, token_ids: list[str]) -> float | None:
        return max((self._used[token] for token in token_ids if token in self._used), default=None)

    def _live(self, owner: str) -> dict[str, tuple[bytes, float]]:
        now = self._clock()
        kept = {key: entry for key, entry in self._sessions.get(owner, {}).items() if entry[1] > now}
        if kept:
            self._sessions[owner] = kept
        else:
            self._sessions.pop(owner, None)
        return kept


REMEMBERED_SECONDS = 86_400
"""How long the last use of a token is remembered: the longest life of a session."""

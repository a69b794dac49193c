"""Opens, renews, judges and ends sessions.

A narrowing exchange in the manner of RFC 8693, an introspection that says nothing of what is not active (RFC 7662),
a revocation that succeeds for what is already gone (RFC 7009).
"""

import hmac
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.a2a.mcp.domain.sessions.record import LEEWAY_SECONDS, Session, digest_of
from app.a2a.mcp.errors import (
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)

MAX_SESSIONS = 100
MAX_LIFETIME_SECONDS = 24 * 3600
SESSION_BYTES = 32
ATTEMPTS = 5
"""How often a change is tried again when another instance changed the same session in between."""


class Store(Protocol):
    """Where sessions and revoked tokens are kept."""

    async def add(self, owner: str, digest: str, value: bytes, expires_at: float, limit: int) -> bool: ...
    async def get(self, owner: str, digest: str) -> bytes | None: ...
    async def replace(self, owner: str, digest: str, old: bytes, new: bytes, expires_at: float) -> bool: ...
    async def remove(self, owner: str, digest: str, old: bytes) -> bool: ...
    async def all(self, owner: str) -> dict[str, bytes]: ...
    async def revoke(self, tokens: Mapping[str, float]) -> int: ...
    async def look_up(self, token_id: str, used: bool = False) -> bool: ...
    async def last_used(self, token_ids: list[str]) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as their credential proved it; `session` is set for a token that a session gave out."""

    client_id: str
    permissions: frozenset[str]
    services: frozenset[str]
    expires_at: float | None = None
    token_id: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new session should be; None takes what the caller has."""

    ttl_seconds: int
    permissions: Sequence[str] | None = None
    audience: Sequence[str] | None = None
    metadata: Mapping[str, str] | None = None
    client_info: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the token just made for it."""

    session_id: str
    token: str
    session: Session
    expires_at: int
    renewed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A session or token that is good now."""

    client_id: str
    session_id: str | None
    permissions: tuple[str, ...]
    audience: tuple[str, ...]
    expires_at: int
    session: Session | None
    last_activity: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a revocation ended."""

    sessions: int
    tokens: int


Mint = Callable[[Session, str, str, int], str]
"""(session, its id, the token's id, seconds to live) → the signed token."""

Read = Callable[[str], Principal | None]
"""Whose a token is, None for one that does not hold."""


class SessionKeeper:
    """The sessions of all clients; `clock` gives Unix time, `longest` the longest life of a token in seconds."""

    def __init__(self, store: Store, mint: Mint, read: Read, clock: Callable[[], float], longest: int) -> None:
        self._store = store
        self._mint = mint
        self._read = read
        self._clock = clock
        self.longest = longest

    def now(self) -> float:
        """Unix time, by the clock that sessions end by."""
        return self._clock()

    async def open(self, caller: Principal, wish: Wish) -> Opened:
        """A new session; raises PermissionDeniedError for more than the caller has, LimitExceededError over 100."""
        now = int(self._clock())
        session = Session(
            client_id=caller.client_id,
            permissions=_narrowed(wish.permissions, caller.permissions, "permissions"),
            audience=_narrowed(wish.audience, caller.services, "audience"),
            metadata=dict(wish.metadata or {}),
            client_info=dict(wish.client_info) if wish.client_info else None,
            created_at=now,
            expires_at=self._end(caller, wish.ttl_seconds, now, now),
        )
        session_id, token_id = secrets.token_urlsafe(SESSION_BYTES), secrets.token_urlsafe(16)
        session = replace(session, tokens={token_id: session.expires_at})
        kept = await self._store.add(
            caller.client_id, digest_of(session_id), session.to_bytes(), session.expires_at, MAX_SESSIONS
        )
        if not kept:
            raise LimitExceededError(f"a client may have {MAX_SESSIONS} live sessions: revoke some, or let them end")
        return self._opened(session, session_id, token_id, now, renewed=False)

    async def renew(self, caller: Principal, session_id: str, wish: Wish) -> Opened:
        """A fresh token of a session, which lives on; raises NotFoundError for one that is not the caller's."""
        digest = digest_of(session_id)
        for _ in range(ATTEMPTS):
            now = int(self._clock())
            old, session = await self._find(caller.client_id, digest)
            if session is None or old is None:
                raise NotFoundError("there is no such session")
            end, token_id = self._end(caller, wish.ttl_seconds, session.created_at, now), secrets.token_urlsafe(16)
            new = replace(
                session,
                permissions=_narrowed(wish.permissions, caller.permissions & set(session.permissions), "permissions"),
                audience=_narrowed(wish.audience, caller.services & set(session.audience), "audience"),
                metadata={**session.metadata, **(wish.metadata or {})},
                client_info=dict(wish.client_info) if wish.client_info else session.client_info,
                expires_at=max(end, session.expires_at),
                tokens={**session.live_tokens(now), token_id: end},
            )
            if await self._store.replace(caller.client_id, digest, old, new.to_bytes(), new.expires_at):
                return self._opened(new, session_id, token_id, now, renewed=True)
        raise ConflictError("the session is being changed elsewhere: try again")

    async def judge_session(self, caller: Principal, session_id: str) -> Standing | None:
        """The caller's session as it stands, None unless it is good."""
        _, session = await self._find(caller.client_id, digest_of(session_id))
        return None if session is None else await self._standing(session, session_id, session.expires_at)

    async def judge_token(self, caller: Principal, token: str) -> Standing | None:
        """The caller's token as it stands, None unless it is good."""
        holder = self._read(token)
        if holder is None or not _same(holder.client_id, caller.client_id) or holder.expires_at is None:
            return None
        if holder.expires_at <= self._clock():
            return None
        if holder.token_id is not None and await self._store.look_up(holder.token_id):
            return None
        permissions, audience = tuple(sorted(holder.permissions)), tuple(sorted(holder.services))
        if holder.session is None:
            return Standing(
                holder.client_id, None, permissions, audience, int(holder.expires_at), session=None, last_activity=None
            )
        _, session = await self._find(caller.client_id, digest_of(holder.session))
        if session is None or holder.token_id not in session.tokens:
            return None
        narrowed = replace(session, permissions=permissions, audience=audience)
        return await self._standing(narrowed, holder.session, int(holder.expires_at))

    async def end_session(self, caller: Principal, session_id: str) -> Ended:
        """End one session of the caller's; nothing happens for what is none."""
        return await self._end_kept(caller.client_id, digest_of(session_id))

    async def end_token(self, caller: Principal, token: str) -> Ended:
        """End the session that a token of the caller's belongs to, or a token without one."""
        holder = self._read(token)
        if holder is None or not _same(holder.client_id, caller.client_id):
            return Ended(0, 0)
        ended = Ended(0, 0)
        if holder.session is not None:
            ended = await self._end_kept(caller.client_id, digest_of(holder.session))
        elif holder.token_id is None and (holder.expires_at or 0) > self._clock():
            raise InvalidArgumentError.at("/access_token", "has no jti, so it cannot be revoked: it ends by itself")
        if holder.token_id is None or holder.expires_at is None:
            return ended
        more = await self._store.revoke({holder.token_id: holder.expires_at + LEEWAY_SECONDS})
        return Ended(ended.sessions, ended.tokens + more)

    async def end_all(self, caller: Principal, *, but_current: bool) -> Ended:
        """End every session of the caller's, on request all but the one that asks."""
        kept = digest_of(caller.session) if but_current and caller.session else None
        sessions = tokens = 0
        for digest in await self._store.all(caller.client_id):
            if digest != kept:
                ended = await self._end_kept(caller.client_id, digest)
                sessions, tokens = sessions + ended.sessions, tokens + ended.tokens
        return Ended(sessions, tokens)

    async def mine(self, caller: Principal) -> list[tuple[Session, float | None]]:
        """The caller's live sessions, oldest first, each with its last use."""
        kept = [Session.from_bytes(value) for value in (await self._store.all(caller.client_id)).values()]
        alive = sorted((s for s in kept if s.expires_at > self._clock()), key=lambda s: (s.created_at, s.expires_at))
        return [(session, await self._store.last_used(list(session.tokens))) for session in alive]

    async def _find(self, owner: str, digest: str) -> tuple[bytes | None, Session | None]:
        found = await self._store.get(owner, digest)
        session = Session.from_bytes(found) if found is not None else None
        if session is None or session.expires_at <= self._clock():
            return None, None
        return found, session

    async def _end_kept(self, owner: str, digest: str) -> Ended:
        """Revoke first, then forget: a process that dies in between leaves a session that can be ended again."""
        tokens = 0
        for _ in range(ATTEMPTS):
            value, session = await self._find(owner, digest)
            if value is None or session is None:
                return Ended(0, tokens)
            live = {token: until + LEEWAY_SECONDS for token, until in session.live_tokens(self._clock()).items()}
            tokens += await self._store.revoke(live)
            if await self._store.remove(owner, digest, value):
                return Ended(1, tokens)
        raise ConflictError("the session is being changed elsewhere: try again")

    async def _standing(self, session: Session, session_id: str, expires_at: int) -> Standing:
        used = await self._store.last_used(list(session.tokens))
        return Standing(
            session.client_id,
            session_id,
            session.permissions,
            session.audience,
            expires_at,
            session,
            last_activity=used,
        )

    def _end(self, caller: Principal, ttl: int, created_at: int, now: int) -> int:
        if caller.session is not None:
            raise PermissionDeniedError("a session's token opens and renews no sessions: use the key it came from")
        if ttl > self.longest:
            raise InvalidArgumentError.at("/ttl_seconds", f"must be at most {self.longest} (JWT_EXPIRATION_HOURS)")
        end = min(now + ttl, created_at + MAX_LIFETIME_SECONDS)
        end = end if caller.expires_at is None else min(end, int(caller.expires_at))
        if end <= now:
            raise UnauthenticatedError("the credential, or the session's longest life, ends now: open a new session")
        return end

    def _opened(self, session: Session, session_id: str, token_id: str, now: int, *, renewed: bool) -> Opened:
        end = session.tokens[token_id]
        return Opened(session_id, self._mint(session, session_id, token_id, end - now), session, end, renewed)


def _narrowed(wanted: Sequence[str] | None, held: Collection[str], name: str) -> tuple[str, ...]:
    """What was asked for, which must be part of what is held."""
    if wanted is None:
        return tuple(sorted(held))
    beyond = sorted(set(wanted) - set(held))
    if beyond:
        raise PermissionDeniedError.at(f"/{name}", f"may not go beyond your own: {', '.join(beyond)}")
    return tuple(sorted(set(wanted)))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

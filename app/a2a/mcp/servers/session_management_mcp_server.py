"""session_management: short-lived, narrower tokens for all servers, asked about and ended everywhere at once."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from app.a2a.mcp.core import Call, Runtime, Server, run
from app.a2a.mcp.domain.sessions.keeper import (
    MAX_LIFETIME_SECONDS,
    MAX_SESSIONS,
    Ended,
    Principal,
    SessionKeeper,
    Standing,
    Wish,
)
from app.a2a.mcp.domain.sessions.record import Session
from app.a2a.mcp.errors import InvalidArgumentError, UnauthenticatedError
from app.a2a.mcp.servers.session_management_results import (
    AccessToken,
    ClientInfo,
    CreatedSession,
    Permission,
    RevokedSessions,
    ServiceName,
    SessionId,
    SessionStanding,
)

log = logging.getLogger(__name__)

EFFECTIVE_SECONDS = 1
"""How old an answer of "not revoked" may be on any server."""

MetadataKey = Annotated[str, Field(min_length=1, max_length=64)]
MetadataValue = Annotated[str, Field(max_length=256)]


@dataclass(slots=True)
class State:
    """What a process keeps."""

    keeper: SessionKeeper
    fleet: str
    names: tuple[str, ...]


server: Server[State] = Server(
    "session_management",
    instructions="Turns your key into short-lived, narrower tokens for all servers, and ends them everywhere at once.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Tie the sessions to this process's store and secrets."""
    names, fleet = runtime.registry.names, runtime.settings.jwt_audience
    tokens = runtime.authenticator.tokens_for(names)

    def mint(session: Session, session_id: str, token_id: str, seconds: int) -> str:
        claims = {
            "client_id": session.client_id,
            "user_id": session.client_id,
            "permissions": list(session.permissions),
            "sid": session_id,
            "jti": token_id,
            "nbf": int(tokens.clock()),
        }
        narrow = () if set(session.audience) == set(names) else session.audience
        return tokens.mint(session.client_id, session.permissions, seconds, claims, narrow)

    def read(token: str) -> Principal | None:
        try:
            return principal(tokens.verify(token), fleet, names)
        except UnauthenticatedError:
            return None

    longest = runtime.settings.jwt_expiration_hours * 3600
    yield State(SessionKeeper(runtime.stores.sessions, mint, read, tokens.clock, longest), fleet, names)


@server.tool(
    writes=True,
    idempotent=False,
    examples=(
        {"ttl_seconds": 3600, "permissions": ["read"]},
        {"audience": ["session_management"], "metadata": {"job": "nightly"}},
    ),
)
async def create_session(
    call: Call[State],
    ttl_seconds: Annotated[int, Field(ge=60, le=8760 * 3600, description="life of the token")] = 3600,
    permissions: Annotated[
        list[Permission] | None, Field(min_length=1, max_length=2, description="part of your own; absent: all of them")
    ] = None,
    audience: Annotated[
        list[ServiceName] | None, Field(min_length=1, max_length=32, description="services; absent: all you may use")
    ] = None,
    metadata: Annotated[
        dict[MetadataKey, MetadataValue] | None, Field(max_length=16, description="your own notes, shown back to you")
    ] = None,
    client_info: ClientInfo | None = None,
    renew_session_id: Annotated[
        SessionId | None, Field(description="a session of yours to extend, with a fresh token")
    ] = None,
) -> CreatedSession:
    """Open a session and get a short-lived token, no stronger than your own credential and good at every server.

    Use it to hand a job, a sub-agent or a browser less than your key: fewer permissions, fewer services, an hour. Not
    for a single call of your own: your key does that. The token ends at ttl_seconds, never later than your own token,
    and no session outlives 24 hours, renewed or not. A session's own token opens no sessions. You may have 100.
    Example: {"ttl_seconds": 3600, "permissions": ["read"]} → a token that for an hour reads, and gets 403 for writes.
    """
    _check_services(call, audience)
    wish = Wish(ttl_seconds, permissions, audience, metadata, client_info.model_dump() if client_info else None)
    keeper, caller = call.state.keeper, _caller(call)
    opened = await (keeper.renew(caller, renew_session_id, wish) if renew_session_id else keeper.open(caller, wish))
    return CreatedSession(
        session_id=opened.session_id,
        access_token=opened.token,
        token_type="Bearer",  # noqa: S106 - a kind, no secret
        expires_at=_instant(opened.expires_at),
        expires_in=max(0, opened.expires_at - int(keeper.now())),
        permissions=list(opened.session.permissions),
        audience=list(opened.session.audience),
        renewed=opened.renewed,
    )


@server.tool(examples=({"session_id": "no-such-session-of-yours-0000000000000000000"},))
async def validate_session(
    call: Call[State],
    session_id: Annotated[SessionId | None, Field(description="this or access_token")] = None,
    access_token: Annotated[AccessToken | None, Field(description="this or session_id")] = None,
    required_permissions: Annotated[
        list[Permission] | None, Field(max_length=2, description="inactive unless it has all of these")
    ] = None,
    audience: Annotated[ServiceName | None, Field(description="inactive unless it is good at this service")] = None,
) -> SessionStanding:
    """Say whether a session or token of yours is good right now, and what it may do.

    Use it before handing a token on, or to learn why calls with it get 401; to list what you have open, read
    session://mine. An ended, forged, unknown or somebody else's one looks the same: active false and nothing else.
    Example: the token of create_session ten seconds later → active true, expires_in 3590.
    """
    _exactly_one(session_id=session_id, access_token=access_token)
    keeper, caller = call.state.keeper, _caller(call)
    if session_id is not None:
        standing = await keeper.judge_session(caller, session_id)
    else:
        standing = await keeper.judge_token(caller, access_token or "")
    if standing is None or not set(required_permissions or ()) <= set(standing.permissions):
        return SessionStanding(active=False)
    if audience is not None and audience not in standing.audience:
        return SessionStanding(active=False)
    return _active(standing, int(keeper.now()))


@server.tool(
    writes=True,
    destructive=True,
    idempotent=True,
    examples=({"session_id": "no-such-session-of-yours-0000000000000000000", "reason": "an example"},),
)
async def revoke_session(
    call: Call[State],
    session_id: Annotated[SessionId | None, Field(description="one of the three: this session")] = None,
    access_token: Annotated[AccessToken | None, Field(description="one of the three: this token's session")] = None,
    all_for_client: Annotated[bool, Field(description="one of the three: all of your sessions")] = False,
    except_current: Annotated[bool, Field(description="with all_for_client: keep the one you call with")] = False,
    reason: Annotated[str | None, Field(max_length=200, description="written to the log")] = None,
) -> RevokedSessions:
    """End sessions of yours and make their tokens worthless at every server within a second; streams end too.

    Use it when a job is done or a token may have leaked; tokens left alone end by themselves. What is unknown or has
    ended already counts 0 and is no error. A key cannot be revoked here. Example: {"session_id": …} → revoked_sessions
    1, and any call with its token gets 401.
    """
    _exactly_one(session_id=session_id, access_token=access_token, all_for_client=all_for_client or None)
    if except_current and not all_for_client:
        raise InvalidArgumentError.at("/except_current", "is for all_for_client only")
    keeper, caller = call.state.keeper, _caller(call)
    if session_id is not None:
        ended = await keeper.end_session(caller, session_id)
    elif access_token is not None:
        ended = await keeper.end_token(caller, access_token)
    else:
        ended = await keeper.end_all(caller, but_current=except_current)
    _log_end(call, ended, reason)
    return RevokedSessions(
        revoked_sessions=ended.sessions, revoked_tokens=ended.tokens, effective_within_seconds=EFFECTIVE_SECONDS
    )


@server.resource("session://policy", description="What a session may be: lifetimes, permissions, audiences, limits")
async def session_policy(call: Call[State]) -> dict[str, Any]:
    """The rules as they stand in this process, and what they leave this caller."""
    caller = _caller(call)
    return {
        "lifetime_seconds": {
            "least": 60,
            "default": 3600,
            "most": call.state.keeper.longest,
            "absolute": MAX_LIFETIME_SECONDS,
        },
        "sessions_per_client": MAX_SESSIONS,
        "permissions": sorted(caller.permissions),
        "audiences": sorted(caller.services),
        "revocation_effective_within_seconds": EFFECTIVE_SECONDS,
        "unchecked_reads": call.runtime.settings.mcp_unchecked_reads,
        "store": call.runtime.stores.kind,
    }


@server.resource("session://mine", description="Your live sessions, without their ids and tokens")
async def my_sessions(call: Call[State]) -> dict[str, Any]:
    """The caller's own live sessions, oldest first; ids are handles to end them by and are shown only once."""
    sessions = [
        {
            "permissions": list(session.permissions),
            "audience": list(session.audience),
            "created_at": _instant(session.created_at),
            "expires_at": _instant(session.expires_at),
            "last_activity": _instant(used) if used else None,
            "metadata": dict(session.metadata),
            "client_info": session.client_info,
        }
        for session, used in await call.state.keeper.mine(_caller(call))
    ]
    return {"client_id": call.caller.client_id, "sessions": sessions, "limit": MAX_SESSIONS}


def principal(caller: Any, fleet: str, names: tuple[str, ...]) -> Principal:
    """The caller as the sessions see them: a token for the fleet is good at every service."""
    everywhere = caller.audience is None or fleet in caller.audience
    services = frozenset(names) if everywhere else caller.audience & frozenset(names)
    return Principal(caller.client_id, caller.permissions, services, caller.expires_at, caller.token_id, caller.session)


def _caller(call: Call[State]) -> Principal:
    return principal(call.caller, call.state.fleet, call.state.names)


def _check_services(call: Call[State], audience: list[str] | None) -> None:
    for place, name in enumerate(audience or ()):
        if name not in call.state.names:
            raise InvalidArgumentError.at(f"/audience/{place}", f"must be one of {', '.join(call.state.names)}")


def _exactly_one(**given: object) -> None:
    if sum(value is not None for value in given.values()) != 1:
        raise InvalidArgumentError.at("", f"give exactly one of {', '.join(given)}")


def _active(standing: Standing, now: int) -> SessionStanding:
    session = standing.session
    used = standing.last_activity or (session.created_at if session else None)
    return SessionStanding(
        active=True,
        client_id=standing.client_id,
        session_id=standing.session_id,
        permissions=list(standing.permissions),
        audience=list(standing.audience),
        created_at=_instant(session.created_at) if session else None,
        expires_at=_instant(standing.expires_at),
        expires_in=standing.expires_at - now,
        last_activity=_instant(used) if used is not None else None,
        metadata=dict(session.metadata) if session else {},
    )


def _log_end(call: Call[State], ended: Ended, reason: str | None) -> None:
    # Only what prints: a reason is a caller's text, and a line of the log must stay one line.
    text = "".join(c for c in reason or "" if c.isprintable())
    log.info("%d sessions and %d tokens revoked: %s", ended.sessions, ended.tokens, text or "no reason given")


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    run(server)

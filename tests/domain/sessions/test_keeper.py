"""Sessions by an injected clock: narrowing, lifetimes, renewal, introspection and revocation, with real tokens."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores.sessions import MemorySessionStore
from app.a2a.mcp.core.tokens import CredentialError, Tokens
from app.a2a.mcp.domain.sessions.keeper import Principal, SessionKeeper, Wish
from app.a2a.mcp.domain.sessions.record import Session
from app.a2a.mcp.errors import (
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from tests.core.conftest import Clock

pytestmark = pytest.mark.anyio

NEW_YEAR = 1735689600
SERVICES = frozenset({"one", "two"})
WRITER = Principal("writer", frozenset({"read", "write"}), SERVICES)
READER = Principal("reader", frozenset({"read"}), SERVICES)


class Desk:
    """A keeper over a store in memory, and the tokens it deals in."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock(float(NEW_YEAR))
        self.tokens = Tokens(settings, self.clock, tuple(SERVICES))
        self.store = MemorySessionStore(self.clock)
        self.keeper = SessionKeeper(self.store, self.mint, self.read, self.clock, 24 * 3600)

    def mint(self, session: Session, session_id: str, token_id: str, seconds: int) -> str:
        claims = {"sid": session_id, "jti": token_id}
        return self.tokens.mint(session.client_id, session.permissions, seconds, claims, session.audience)

    def read(self, token: str) -> Principal | None:
        try:
            caller = self.tokens.verify(token)
        except CredentialError:
            return None
        services = frozenset(caller.audience or ())
        return Principal(
            caller.client_id, caller.permissions, services, caller.expires_at, caller.token_id, caller.session
        )


@pytest.fixture
def desk(make_settings: Callable[..., Settings]) -> Desk:
    return Desk(make_settings())


async def test_the_catalogue_s_first_example_to_the_second(desk: Desk) -> None:
    opened = await desk.keeper.open(WRITER, Wish(3600, permissions=["read"]))
    claims: dict[str, Any] = jwt.decode(opened.token, options={"verify_signature": False})
    assert (claims["exp"], opened.expires_at, claims["scope"]) == (1735693200, 1735693200, "read")
    assert opened.session.permissions == ("read",) and len(opened.session_id) == 43
    desk.clock.now += 10
    standing = await desk.keeper.judge_token(WRITER, opened.token)
    assert standing is not None and standing.expires_at - desk.clock.now == 3590
    desk.clock.now = NEW_YEAR + 3601.0
    assert await desk.keeper.judge_token(WRITER, opened.token) is None
    assert await desk.keeper.judge_session(WRITER, opened.session_id) is None


async def test_nobody_gets_more_than_they_have(desk: Desk) -> None:
    with pytest.raises(PermissionDeniedError):
        await desk.keeper.open(READER, Wish(60, permissions=["write"]))
    narrow = Principal("n", frozenset({"read"}), frozenset({"one"}))
    with pytest.raises(PermissionDeniedError):
        await desk.keeper.open(narrow, Wish(60, audience=["one", "two"]))
    assert (await desk.keeper.open(narrow, Wish(60))).session.audience == ("one",)


async def test_a_token_of_a_session_opens_no_session_and_none_outlives_its_giver(desk: Desk) -> None:
    chained = Principal("writer", frozenset({"read"}), SERVICES, NEW_YEAR + 900.0, "t", "a-session")
    with pytest.raises(PermissionDeniedError):
        await desk.keeper.open(chained, Wish(60))
    giver = Principal("writer", frozenset({"read"}), SERVICES, NEW_YEAR + 900.5, "t")
    assert (await desk.keeper.open(giver, Wish(3600))).expires_at == NEW_YEAR + 900
    with pytest.raises(InvalidArgumentError):
        await desk.keeper.open(WRITER, Wish(24 * 3600 + 1))
    desk.clock.now += 900.5
    with pytest.raises(UnauthenticatedError):
        await desk.keeper.open(giver, Wish(3600))


async def test_renewal_extends_up_to_a_day_and_the_earlier_token_runs_out_by_itself(desk: Desk) -> None:
    first = await desk.keeper.open(WRITER, Wish(3600, metadata={"a": "1"}))
    desk.clock.now += 1800
    second = await desk.keeper.renew(WRITER, first.session_id, Wish(3600, metadata={"b": "2"}))
    assert second.renewed and second.token != first.token and second.expires_at == NEW_YEAR + 5400
    assert second.session.metadata == {"a": "1", "b": "2"}
    assert await desk.keeper.judge_token(WRITER, first.token) is not None
    desk.clock.now = NEW_YEAR + 3600.0
    assert await desk.keeper.judge_token(WRITER, first.token) is None
    assert await desk.keeper.judge_token(WRITER, second.token) is not None
    for _ in range(40):
        last = await desk.keeper.renew(WRITER, first.session_id, Wish(7200))
        desk.clock.now = min(last.expires_at - 1.0, desk.clock.now + 3600)
    assert last.expires_at == NEW_YEAR + 24 * 3600
    desk.clock.now = NEW_YEAR + 24 * 3600.0
    with pytest.raises(NotFoundError):
        await desk.keeper.renew(WRITER, first.session_id, Wish(60))


async def test_others_sessions_look_as_if_they_never_were(desk: Desk) -> None:
    opened = await desk.keeper.open(WRITER, Wish(60))
    other = Principal("other", frozenset({"read", "write"}), SERVICES)
    answers = []
    for session_id in (opened.session_id, "never-was"):
        with pytest.raises(NotFoundError) as refused:
            await desk.keeper.renew(other, session_id, Wish(60))
        answers.append(refused.value.as_dict())
        assert await desk.keeper.judge_session(other, session_id) is None
        assert (await desk.keeper.end_session(other, session_id)).sessions == 0
    assert answers[0] == answers[1]
    assert await desk.keeper.judge_token(other, opened.token) is None
    assert (await desk.keeper.end_token(other, opened.token)).tokens == 0
    assert await desk.keeper.judge_token(WRITER, opened.token) is not None


@pytest.mark.parametrize("place", [3, 40, -3])
async def test_one_changed_character_makes_a_token_worthless(desk: Desk, place: int) -> None:
    token = (await desk.keeper.open(WRITER, Wish(60))).token
    forged = list(token)
    forged[place] = "A" if forged[place] != "A" else "B"
    assert await desk.keeper.judge_token(WRITER, "".join(forged)) is None


async def test_ending_a_session_ends_all_its_tokens_once(desk: Desk) -> None:
    first = await desk.keeper.open(WRITER, Wish(3600))
    second = await desk.keeper.renew(WRITER, first.session_id, Wish(3600))
    ended = await desk.keeper.end_token(WRITER, first.token)
    assert (ended.sessions, ended.tokens) == (1, 2)
    for token in (first.token, second.token):
        assert await desk.keeper.judge_token(WRITER, token) is None
        holder = desk.read(token)
        assert holder is not None and holder.token_id is not None and await desk.store.look_up(holder.token_id)
    again = await desk.keeper.end_session(WRITER, first.session_id)
    assert (again.sessions, again.tokens) == (0, 0)
    assert (await desk.keeper.end_token(WRITER, second.token)).tokens == 0


async def test_all_sessions_end_but_on_request_the_current_one(desk: Desk) -> None:
    sessions = [await desk.keeper.open(WRITER, Wish(60)) for _ in range(3)]
    current = desk.read(sessions[1].token)
    assert current is not None
    assert (await desk.keeper.end_all(current, but_current=True)).sessions == 2
    assert await desk.keeper.judge_token(WRITER, sessions[1].token) is not None
    assert (await desk.keeper.end_all(current, but_current=False)).sessions == 1
    assert await desk.keeper.mine(WRITER) == []


async def test_a_client_has_a_hundred_sessions_and_time_frees_places(desk: Desk) -> None:
    for _ in range(100):
        await desk.keeper.open(WRITER, Wish(60))
    with pytest.raises(LimitExceededError):
        await desk.keeper.open(WRITER, Wish(60))
    assert len(await desk.keeper.mine(WRITER)) == 100
    desk.clock.now += 60
    assert await desk.keeper.mine(WRITER) == []
    await desk.keeper.open(WRITER, Wish(60))


async def test_the_store_never_holds_a_session_s_id_or_token(desk: Desk) -> None:
    opened = await desk.keeper.open(WRITER, Wish(60))
    kept = str(await desk.store.all("writer"))
    assert opened.session_id not in kept and opened.token not in kept


async def test_a_token_without_a_session_is_judged_and_revoked_by_its_id(desk: Desk) -> None:
    plain = desk.tokens.mint("writer", ["read"], 60, {"jti": "plain"})
    standing = await desk.keeper.judge_token(WRITER, plain)
    assert standing is not None and standing.session_id is None
    assert (await desk.keeper.end_token(WRITER, plain)).tokens == 1
    assert await desk.keeper.judge_token(WRITER, plain) is None
    with pytest.raises(InvalidArgumentError):
        await desk.keeper.end_token(WRITER, desk.tokens.mint("writer", ["read"], 60, {}))

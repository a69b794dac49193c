"""Who follows what: in memory and in Redis alike, bounded, bound to its owner, and forgotten in time."""

import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.a2a.mcp.core.stores import subscribers, subscribers_redis
from app.a2a.mcp.core.stores.records import unguarded
from app.a2a.mcp.core.stores.subscribers import MAX_SUBSCRIBERS, MAX_URIS, MemorySubscriberStore, SubscriberStore, Taken
from app.a2a.mcp.core.stores.subscribers_redis import RedisSubscriberStore
from app.a2a.mcp.errors import LimitExceededError, UnavailableError
from tests.core.conftest import Clock

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[SubscriberStore]:
    if request.param == "memory":
        yield MemorySubscriberStore()
        return
    client = Redis.from_url(request.getfixturevalue("redis_url"))
    yield RedisSubscriberStore(client, unguarded)
    await client.aclose()


@pytest.fixture
def owner() -> str:
    return f"owner {secrets.token_hex(6)}"


async def test_what_is_followed_is_told_to_the_stream_that_took_it_over(store: SubscriberStore, owner: str) -> None:
    await store.add(owner, "s")
    assert await store.look(owner, "s", "a") == ("", False)
    assert await store.subscribe(owner, "s", "a") and await store.subscribe(owner, "s", "a")
    assert await store.take(owner, "s", "first") == Taken(("a",), again=False)
    assert await store.take(owner, "s", "second") == Taken(("a",), again=True)
    assert await store.look(owner, "s", "a") == ("second", True)
    assert await store.unsubscribe(owner, "s", "a") and await store.unsubscribe(owner, "s", "never")
    assert await store.look(owner, "s", "a") == ("second", False)
    assert await store.remove(owner, "s")
    assert not await store.remove(owner, "s")
    assert await store.look(owner, "s") is None


async def test_nobody_elses_and_no_unknown_subscriber_is_changed_or_made(store: SubscriberStore, owner: str) -> None:
    await store.add(owner, "s")
    for who, name in ((f"{owner}2", "s"), (owner, "t")):
        assert not await store.subscribe(who, name, "a")
        assert not await store.unsubscribe(who, name, "a")
        assert await store.take(who, name, "x") is None
        assert await store.look(who, name) is None
        assert not await store.remove(who, name)
    assert await store.look(owner, "s", "a") == ("", False)


async def test_one_more_than_may_be_pushes_out_the_one_longest_silent(store: SubscriberStore, owner: str) -> None:
    for number in range(MAX_SUBSCRIBERS):
        await store.add(owner, str(number))
    # Redis orders by milliseconds: the touch must fall into a later one than the last addition.
    while (await store.look(owner, "0")) and isinstance(store, RedisSubscriberStore):
        if await newest(store, owner) == b"0":
            break
    await store.add(owner, "more")
    assert await store.look(owner, "0") is not None
    assert await store.look(owner, "more") is not None
    known = [await store.look(owner, str(number)) for number in range(MAX_SUBSCRIBERS)]
    assert known.count(None) == 1


async def newest(store: RedisSubscriberStore, owner: str) -> bytes:
    redis: Redis = store._script.registered_client  # type: ignore[assignment]
    keys = await redis.keys(f"a2a:subscribers:{{{owner.replace(' ', '%20')}}}")
    return (await redis.zrange(keys[0], -1, -1))[0]


async def test_one_subscription_too_many_is_refused_and_changes_nothing(store: SubscriberStore, owner: str) -> None:
    await store.add(owner, "s")
    for number in range(MAX_URIS):
        assert await store.subscribe(owner, "s", str(number))
    assert await store.subscribe(owner, "s", "0")
    with pytest.raises(LimitExceededError, match="unsubscribe"):
        await store.subscribe(owner, "s", "more")
    taken = await store.take(owner, "s", "x")
    assert taken is not None and len(taken.uris) == MAX_URIS


async def test_a_silent_one_is_forgotten_after_a_day_and_one_that_is_heard_of_is_not(clock: Clock, owner: str) -> None:
    store = MemorySubscriberStore(clock)
    await store.add(owner, "silent")
    await store.add(owner, "heard")
    clock.advance(subscribers.LIFE_SECONDS - 1)
    assert await store.look(owner, "heard") is not None
    clock.advance(1)
    assert await store.look(owner, "silent") is None
    assert await store.look(owner, "heard") is not None


async def test_redis_forgets_them_too(redis_url: str, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Redis.from_url(redis_url) as client:
        store = RedisSubscriberStore(client, unguarded)
        await store.add(owner, "s")
        index = f"a2a:subscribers:{{{owner.replace(' ', '%20')}}}"
        for key in (index, f"{index}:s"):
            assert 0 < await client.pttl(key) <= subscribers.LIFE_SECONDS * 1000
        monkeypatch.setattr(subscribers_redis, "LIFE_SECONDS", 0.001)
        await store.look(owner, "s")
        while await client.exists(f"{index}:s"):
            pass  # a millisecond
        assert await store.look(owner, "s") is None


async def test_without_redis_every_act_says_so() -> None:
    async with Redis.from_url("unix:///nonexistent/redis.sock") as away:
        with pytest.raises(UnavailableError, match="subscriptions"):
            await RedisSubscriberStore(away, unguarded).add("o", "s")

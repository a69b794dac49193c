"""Change events reach subscribers of every instance over Redis, and those of this one when Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.shared.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from redis.asyncio import Redis

from app.a2a.mcp.core import subscriptions
from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.subscriptions import (
    MergingBus,
    RedisSubscriptionBus,
    decode_event,
    encode_event,
    open_listen_handler,
    when_missed,
)
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio

EVENTS = [ToolsListChanged(), PromptsListChanged(), ResourcesListChanged(), ResourceUpdated(uri="sample://a b/ü")]


@pytest.fixture
async def clients(redis_url: str) -> AsyncIterator[list[Redis]]:
    clients = [Redis.from_url(redis_url) for _ in range(2)]
    yield clients
    for client in clients:
        await client.aclose()


class Subscriber:
    """Collects what a bus delivers."""

    def __init__(self, bus: RedisSubscriptionBus) -> None:
        self.events: asyncio.Queue[ServerEvent] = asyncio.Queue()
        self.unsubscribe = bus.subscribe(self.events.put_nowait)

    async def next(self) -> ServerEvent:
        """The next event, within ten seconds."""
        return await asyncio.wait_for(self.events.get(), 10)


async def listening(bus: RedisSubscriptionBus) -> None:
    await asyncio.wait_for(bus.listening.wait(), 10)


async def test_an_event_reaches_the_subscribers_of_every_instance_once(clients: list[Redis]) -> None:
    first, second = (RedisSubscriptionBus("events-a", lambda client=client: client) for client in clients)
    here, there = Subscriber(first), Subscriber(second)
    await listening(first)
    await listening(second)
    for event in EVENTS:
        await first.publish(event)
    assert [await here.next() for _ in EVENTS] == EVENTS
    assert [await there.next() for _ in EVENTS] == EVENTS
    # What the other says next is the next thing heard: nothing came twice.
    await second.publish(ToolsListChanged())
    await second.publish(ResourceUpdated(uri="sample://last"))
    for subscriber in (here, there):
        assert [await subscriber.next(), await subscriber.next()] == [
            ToolsListChanged(),
            ResourceUpdated(uri="sample://last"),
        ]
    here.unsubscribe()
    there.unsubscribe()


async def test_services_do_not_hear_each_other(clients: list[Redis]) -> None:
    first = RedisSubscriptionBus("events-b", lambda: clients[0])
    second = RedisSubscriptionBus("events-c", lambda: clients[1])
    subscriber = Subscriber(second)
    await listening(second)
    await first.publish(ToolsListChanged())
    await second.publish(PromptsListChanged())
    assert await subscriber.next() == PromptsListChanged()
    subscriber.unsubscribe()


async def test_it_listens_only_while_somebody_is_subscribed(clients: list[Redis]) -> None:
    bus = RedisSubscriptionBus("events-d", lambda: clients[0])
    one, two = Subscriber(bus), Subscriber(bus)
    await listening(bus)
    assert await clients[1].pubsub_numsub(bus.channel) == [(bus.channel.encode(), 1)]
    reader = bus.reader
    assert reader is not None
    one.unsubscribe()
    one.unsubscribe()
    assert not reader.cancelled()
    assert bus.listeners == 1
    two.unsubscribe()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reader, 10)
    async with asyncio.timeout(10):
        while await clients[1].pubsub_numsub(bus.channel) != [(bus.channel.encode(), 0)]:
            pass  # Redis closes the connection a moment later
    again = Subscriber(bus)
    await listening(bus)
    again.unsubscribe()


async def test_without_redis_subscribers_of_this_instance_are_still_told() -> None:
    away = Redis.from_url("unix:///nonexistent/redis.sock")
    bus = RedisSubscriptionBus("events-e", lambda: away)
    subscriber = Subscriber(bus)
    await bus.publish(ToolsListChanged())
    assert await subscriber.next() == ToolsListChanged()
    subscriber.unsubscribe()
    await away.aclose()


async def test_redis_that_comes_back_is_listened_to_again(
    clients: list[Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "RETRY_SECONDS", 0.01)
    bus = RedisSubscriptionBus("events-f", lambda: clients[0])
    subscriber = Subscriber(bus)
    await listening(bus)
    bus.listening.clear()
    await clients[1].client_kill_filter(_type="pubsub")
    await listening(bus)
    await RedisSubscriptionBus("events-f", lambda: clients[1]).publish(ToolsListChanged())
    assert await subscriber.next() == ToolsListChanged()
    subscriber.unsubscribe()


async def test_whoever_may_have_missed_events_learns_it_when_redis_is_heard_again(
    clients: list[Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "RETRY_SECONDS", 0.01)
    bus, missed, other = RedisSubscriptionBus("events-g", lambda: clients[0]), asyncio.Event(), asyncio.Event()
    when_missed(bus, missed.set)
    when_missed(bus, other.set)()
    subscriber = Subscriber(bus)
    await listening(bus)
    assert not missed.is_set(), "to begin is no loss"
    await clients[1].client_kill_filter(_type="pubsub")
    await asyncio.wait_for(missed.wait(), 10)
    assert bus.listening.is_set() and not other.is_set()
    subscriber.unsubscribe()


async def test_bursts_are_merged_and_the_last_change_of_each_is_told() -> None:
    bus = InMemorySubscriptionBus()
    heard: asyncio.Queue[ServerEvent] = asyncio.Queue()
    unsubscribe = MergingBus(bus).subscribe(heard.put_nowait)
    burst = [ResourcesListChanged(), ResourceUpdated(uri="a"), ResourceUpdated(uri="b")]
    for _ in range(50):
        for event in burst:
            await bus.publish(event)
    first = [heard.get_nowait() for _ in range(heard.qsize())]
    assert first[:3] == burst
    rest = [await asyncio.wait_for(heard.get(), 10) for _ in burst]
    assert {type(event) for event in rest} == {ResourcesListChanged, ResourceUpdated}
    unsubscribe()


@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_travels_and_comes_back_the_same(event: ServerEvent) -> None:
    assert decode_event(encode_event(event, "a"), "b") == event
    assert decode_event(encode_event(event, "a"), "a") is None


@given(st.binary(max_size=100) | st.sampled_from([b"[]", b'{"kind":"resource"}', b'{"kind":[1]}', b"7"]))
def test_what_nobody_understands_is_no_event(data: bytes) -> None:
    assert decode_event(data, "a") is None


async def test_the_bus_follows_the_settings(make_settings: Callable[..., Settings], redis_url: str) -> None:
    assert isinstance(build_runtime(SERVICE, make_settings()).bus, InMemorySubscriptionBus)
    runtime = build_runtime(SERVICE, make_settings(redis_url=redis_url))
    bus = runtime.bus
    assert isinstance(bus, RedisSubscriptionBus)
    # Not started yet: events stay here, and nothing has been connected that a fork would share.
    subscriber = Subscriber(bus)
    await bus.publish(ToolsListChanged())
    assert await subscriber.next() == ToolsListChanged()
    subscriber.unsubscribe()


async def test_a_drain_closes_the_streams(make_settings: Callable[..., Settings], monkeypatch: Any) -> None:
    runtime = build_runtime(SERVICE, make_settings())
    handler = open_listen_handler(runtime, runtime.bus)
    assert runtime.on_drain == [handler.close]

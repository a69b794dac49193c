"""Circuit breakers: what counts, when they open and close, and how instances learn from each other."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.breaker import FAIL_MAX, RESET_SECONDS, Breaker, DependencyFault
from app.a2a.mcp.core.circuit_breaker import Breakers
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from tests.core.conftest import Clock
from tests.core.redis_process import RedisProcess

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]


async def works() -> str:
    return "an answer"


async def fails() -> str:
    raise ConnectionRefusedError


def failing(error: BaseException) -> Callable[[], Awaitable[str]]:
    """A function that raises the error."""

    async def fail() -> str:
        raise error

    return fail


async def trip(breaker: Breaker) -> None:
    """Fail until it opens."""
    for _ in range(FAIL_MAX):
        with pytest.raises(ConnectionRefusedError):
            await breaker.call(fails)
    assert breaker.state == "open"


@pytest.fixture
def breakers(make_settings: MakeSettings, clock: Clock) -> Breakers:
    metrics = Metrics("sample")
    return Breakers("sample", Stores.open(make_settings(), metrics), metrics, clock)


def gauge(breakers: Breakers, name: str) -> float | None:
    """The exported state."""
    labels = {"service": "sample", "breaker": name}
    return breakers._metrics.registry.get_sample_value("a2a_mcp_circuit_breaker_state", labels)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        ConnectionResetError(),
        FileNotFoundError("no such socket"),
        TimeoutError(),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("left"),
        RedisConnectionError(),
        RedisTimeoutError(),
        OutOfMemoryError(),
        DependencyFault("HTTP 503"),
    ],
)
async def test_lost_connections_timeouts_and_5xx_open_it(breakers: Breakers, error: Exception) -> None:
    breaker = breakers.get("sister")
    for _ in range(FAIL_MAX):
        assert breaker.state == "closed"
        with pytest.raises(type(error)):
            await breaker.call(failing(error))
    assert breaker.state == "open"


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgumentError("bad"),
        NotFoundError("none"),
        RateLimitedError("slow down"),
        UnavailableError("a tool says so"),
        ResponseError("WRONGTYPE"),
        ValueError("a defect"),
    ],
)
async def test_what_a_healthy_dependency_refuses_does_not_count(breakers: Breakers, error: Exception) -> None:
    breaker = breakers.get("sister")
    for _ in range(FAIL_MAX * 2):
        with pytest.raises(type(error)):
            await breaker.call(failing(error))
    assert (breaker.state, breaker.failures) == ("closed", 0)


async def test_only_failures_in_a_row_count(breakers: Breakers) -> None:
    breaker = breakers.get("sister")
    for _ in range(3):
        for _ in range(FAIL_MAX - 1):
            with pytest.raises(ConnectionRefusedError):
                await breaker.call(fails)
        assert await breaker.call(works) == "an answer"
    assert (breaker.state, breaker.failures) == ("closed", 0)


@pytest.mark.parametrize("outcome", [DeadlineExceededError("no time"), asyncio.CancelledError()])
async def test_a_caller_without_time_says_nothing_of_the_dependency(
    breakers: Breakers, clock: Clock, outcome: BaseException
) -> None:
    breaker = breakers.get("sister")
    for _ in range(FAIL_MAX - 1):
        with pytest.raises(ConnectionRefusedError):
            await breaker.call(fails)
    with pytest.raises(type(outcome)):
        await breaker.call(failing(outcome))
    assert breaker.failures == FAIL_MAX - 1, "neither a failure nor a success"
    with pytest.raises(ConnectionRefusedError):
        await breaker.call(fails)
    clock.advance(RESET_SECONDS)
    with pytest.raises(type(outcome)):
        await breaker.call(failing(outcome))
    assert breaker.state == "half-open", "the trial is free for the next"
    assert await breaker.call(works) == "an answer" and breaker.state == "closed"


async def test_an_open_breaker_refuses_at_once_without_asking(breakers: Breakers, clock: Clock) -> None:
    breaker = breakers.get("sister")
    await trip(breaker)
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1

    clock.advance(RESET_SECONDS - 0.001)
    with pytest.raises(UnavailableError, match="the circuit breaker is open"):
        await breaker.call(count)
    assert asked == 0 and breaker.open_seconds == pytest.approx(0.001, abs=1e-6)


async def test_half_open_lets_one_trial_through_at_a_time(breakers: Breakers, clock: Clock) -> None:
    breaker = breakers.get("sister")
    await trip(breaker)
    clock.advance(RESET_SECONDS)
    asked, go_on = 0, asyncio.Event()

    async def slow() -> str:
        nonlocal asked
        asked += 1
        await go_on.wait()
        return "an answer"

    calls = [asyncio.ensure_future(breaker.call(slow)) for _ in range(10)]
    await asyncio.sleep(0)
    assert (asked, breaker.state) == (1, "half-open")
    go_on.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results].count(UnavailableError) == 9 and "an answer" in results
    assert breaker.state == "closed" and await breaker.call(works) == "an answer"


async def test_a_failed_trial_opens_it_again_for_the_whole_time(breakers: Breakers, clock: Clock) -> None:
    breaker = breakers.get("sister")
    await trip(breaker)
    for _ in range(3):
        clock.advance(RESET_SECONDS)
        with pytest.raises(ConnectionRefusedError):
            await breaker.call(fails)
        assert (breaker.state, breaker.open_seconds) == ("open", RESET_SECONDS)


async def test_a_call_that_ends_after_the_breaker_opened_changes_nothing(breakers: Breakers, clock: Clock) -> None:
    breaker = breakers.get("sister")
    go_on = asyncio.Event()

    async def late(error: Exception | None) -> None:
        await go_on.wait()
        if error:
            raise error

    calls = [asyncio.ensure_future(breaker.call(late, error)) for error in (None, TimeoutError())]
    await asyncio.sleep(0)
    await trip(breaker)
    clock.advance(1)
    go_on.set()
    answered, failed = await asyncio.gather(*calls, return_exceptions=True)
    assert answered is None and isinstance(failed, TimeoutError)
    assert (breaker.state, breaker.open_seconds) == ("open", RESET_SECONDS - 1)


async def test_a_state_change_is_logged_once_and_exported(
    breakers: Breakers, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    breaker = breakers.get("sister")
    assert gauge(breakers, "sister") == 0
    await trip(breaker)
    for _ in range(3):
        clock.advance(RESET_SECONDS)
        with pytest.raises(ConnectionRefusedError):
            await breaker.call(fails)
    assert gauge(breakers, "sister") == 2
    clock.advance(RESET_SECONDS)
    await breakers.synchronize()
    assert gauge(breakers, "sister") == 1
    await breaker.call(works)
    assert gauge(breakers, "sister") == 0
    assert [record.getMessage() for record in caplog.records] == [
        "circuit breaker sister is open",
        "circuit breaker sister is closed",
    ]


async def test_states_are_listed_and_reset_by_name_or_all(breakers: Breakers) -> None:
    for name in ("first", "second"):
        await trip(breakers.get(name))
    breakers.get("third")
    assert breakers.states() == {"first": "open", "second": "open", "third": "closed"}
    assert await breakers.reset("first") == ["first"]
    assert breakers.states() == {"first": "closed", "second": "open", "third": "closed"}
    assert await breakers.reset() == ["first", "second", "third"]
    assert set(breakers.states().values()) == {"closed"} and breakers.get("second").failures == 0
    with pytest.raises(NotFoundError, match="there are: first, second, third"):
        await breakers.reset("fourth")


class Instance:
    """One process of a service."""

    def __init__(self, settings: Settings, clock: Clock, service: str = "sample") -> None:
        self.stores = Stores.open(settings, Metrics(service))
        self.breakers = Breakers(service, self.stores, Metrics(service), clock)
        self.breaker = self.breakers.get("sister")


async def test_instances_of_a_service_share_what_they_find(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    settings = make_settings(redis_url=redis_process.url)
    finder, follower = Instance(settings, clock), Instance(settings, clock)
    stranger = Instance(settings, clock, service="another")
    instances = (finder, follower, stranger)
    for instance in instances:
        await instance.stores.start()
    await trip(finder.breaker)
    for instance in instances:
        await instance.breakers.synchronize()
    assert [instance.breaker.state for instance in instances] == ["open", "open", "closed"]
    assert follower.breaker.open_seconds == pytest.approx(RESET_SECONDS, abs=2)
    with pytest.raises(UnavailableError):
        await follower.breaker.call(works)
    clock.advance(RESET_SECONDS)
    assert await follower.breaker.call(works) == "an answer"
    for instance in (follower, finder, follower):
        await instance.breakers.synchronize()
    assert [instance.breaker.state for instance in instances] == ["closed"] * 3
    await trip(finder.breaker)
    await finder.breakers.synchronize()
    assert await follower.breakers.reset("sister") == ["sister"]
    await finder.breakers.synchronize()
    assert finder.breaker.state == "closed", "a reset reaches the other instances"
    for instance in instances:
        await instance.stores.close()


async def test_the_breaker_of_redis_is_each_process_its_own(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    settings = make_settings(redis_url=redis_process.url)
    one, other = Instance(settings, clock), Instance(settings, clock)
    await one.stores.start()
    await other.stores.start()
    await trip(one.breakers.get("redis"))
    with pytest.raises(UnavailableError):
        await one.breakers.synchronize()
    await other.breakers.synchronize()
    assert (one.breakers.states()["redis"], other.breakers.states()["redis"]) == ("open", "closed")
    await one.stores.close()
    await other.stores.close()


async def test_what_was_found_while_redis_was_away_is_told_when_it_is_back(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    settings = make_settings(redis_url=redis_process.url)
    finder, follower = Instance(settings, clock), Instance(settings, clock)
    await finder.stores.start()
    await follower.stores.start()
    redis_process.stop()
    await trip(finder.breaker)
    with pytest.raises(RedisConnectionError):
        await finder.breakers.synchronize()
    assert await finder.breakers.reset("redis") == ["redis"], "a reset does not need Redis"
    redis_process.start()
    await finder.breakers.synchronize()
    await follower.breakers.synchronize()
    assert follower.breaker.state == "open"
    await finder.stores.close()
    await follower.stores.close()


async def test_instances_follow_each_other_in_the_background(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    settings = make_settings(redis_url=redis_process.url)
    finder, follower = Instance(settings, clock), Instance(settings, clock)
    for instance in (finder, follower):
        await instance.stores.start()
        await instance.breakers.start()
    await trip(finder.breaker)
    end = time.monotonic() + 10
    while follower.breaker.state != "open":
        assert time.monotonic() < end, "the state did not arrive"
        await asyncio.sleep(0.02)
    for instance in (finder, follower):
        await instance.breakers.close()
        await instance.stores.close()

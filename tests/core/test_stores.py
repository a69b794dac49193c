"""The stores: which side is chosen, what starts when, and what a sliding window counts."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores, Window
from app.a2a.mcp.core.stores.memory import MemoryRateStore
from tests.core.conftest import Clock
from tests.core.redis_process import RedisProcess

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]


def open_stores(settings: Settings) -> Stores:
    """Stores with metrics of their own."""
    return Stores.open(settings, Metrics("sample"))


def open_files() -> int:
    """How many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_without_a_url_a_process_keeps_its_own_state(make_settings: MakeSettings) -> None:
    stores = open_stores(make_settings())
    await stores.start()
    assert (stores.kind, stores.redis, await stores.ping()) == ("memory", None, True)
    assert stores.rates is stores.local_rates
    await stores.close()


async def test_nothing_is_connected_before_start_so_a_fork_is_safe(
    make_settings: MakeSettings, redis_process: RedisProcess
) -> None:
    before = open_files()
    stores = open_stores(make_settings(redis_url=redis_process.url))
    assert open_files() == before
    assert (stores.kind, stores.redis, await stores.ping()) == ("redis", None, False)
    await stores.start()
    assert await stores.ping()
    await stores.close()
    assert stores.redis is None and open_files() == before


async def test_a_missing_redis_does_not_stop_a_start(make_settings: MakeSettings, tmp_path: Path) -> None:
    stores = open_stores(make_settings(redis_url=f"unix://{tmp_path}/nothing.sock"))
    await stores.start()
    assert not await stores.ping()
    await stores.close()


async def test_the_password_of_the_settings_is_used(make_settings: MakeSettings, tmp_path: Path) -> None:
    process = RedisProcess(tmp_path, password="open-sesame")
    process.start()
    try:
        for password, answers in (("open-sesame", True), ("wrong", False), ("", False)):
            stores = open_stores(make_settings(redis_url=process.url, redis_password=password))
            await stores.start()
            assert await stores.ping() is answers
            await stores.close()
    finally:
        process.stop()


async def test_a_frozen_redis_is_given_up_soon_and_used_again_when_it_goes_on(
    make_settings: MakeSettings, redis_process: RedisProcess
) -> None:
    stores = open_stores(make_settings(redis_url=redis_process.url))
    await stores.start()
    assert await stores.ping()
    redis_process.freeze()
    started = time.monotonic()
    assert not await stores.ping()
    assert 0.4 < time.monotonic() - started < 5
    assert stores.redis is not None
    with pytest.raises((RedisConnectionError, RedisTimeoutError)):
        await stores.redis.get("key")
    redis_process.thaw()
    assert await stores.ping()
    await stores.close()


async def test_a_restarted_redis_is_used_again_without_a_failure(
    make_settings: MakeSettings, redis_process: RedisProcess
) -> None:
    stores = open_stores(make_settings(redis_url=redis_process.url))
    await stores.start()
    first = await stores.rates.take("client", 3, 60)
    redis_process.stop()
    with pytest.raises(RedisConnectionError):
        await stores.rates.take("client", 3, 60)
    redis_process.start()
    again = await stores.rates.take("client", 3, 60)
    assert first.allowed and again.allowed and again.current == 1, "the scripts were loaded again, the count is new"
    await stores.close()


async def test_what_redis_is_asked_is_measured(make_settings: MakeSettings, redis_process: RedisProcess) -> None:
    metrics = Metrics("sample")
    stores = Stores.open(make_settings(redis_url=redis_process.url), metrics)
    await stores.start()
    await stores.ping()
    redis_process.stop()
    await stores.ping()
    page = metrics.exposition("")[0].decode()
    assert 'a2a_mcp_redis_command_duration_seconds_count{command="ping",service="sample"} 2.0' in page
    assert 'a2a_mcp_redis_errors_total{command="ping",service="sample"} 1.0' in page
    await stores.close()


async def test_records_are_opened_when_first_asked_for(make_settings: MakeSettings, tmp_path: Path) -> None:
    stores = open_stores(make_settings())
    await stores.start()
    assert not (tmp_path / "state").exists()
    assert await stores.records.names("owner") == []
    assert stores.records is stores.records
    await stores.close()


async def test_a_window_lets_exactly_the_limit_through_and_slides(clock: Clock) -> None:
    clock.now = 600.0
    store = MemoryRateStore(clock)
    assert [(await store.take("a", 3, 60)).allowed for _ in range(4)] == [True, True, True, False]
    assert (await store.take("b", 3, 60)).allowed, "every client has a budget of its own"
    clock.advance(60 + 20.0)
    assert [(await store.take("a", 3, 60)).allowed for _ in range(2)] == [True, False], "two thirds still weigh"
    clock.advance(120)
    assert [(await store.take("a", 3, 60)).allowed for _ in range(4)] == [True, True, True, False]


@given(
    limit=st.integers(1, 50),
    length=st.integers(1, 600),
    gaps=st.lists(st.floats(0, 200, allow_nan=False), min_size=1, max_size=120),
)
@hypothesis_settings(max_examples=60, deadline=None)
async def test_retry_after_is_the_truth_and_the_limit_is_never_passed_in_a_window(
    limit: int, length: int, gaps: list[float]
) -> None:
    clock = Clock(1_000_000.0)
    store = MemoryRateStore(clock)
    per_window: dict[int, int] = {}
    for gap in gaps:
        clock.advance(gap)
        window = await store.take("client", limit, length)
        index = int(clock.now // length)
        per_window[index] = per_window.get(index, 0) + window.allowed
        assert per_window[index] <= limit and 0 <= window.remaining(limit, length) <= limit
        if not window.allowed:
            clock.advance(window.retry_after(limit, length))
            assert (await store.take("client", limit, length)).allowed
            index = int(clock.now // length)
            per_window[index] = per_window.get(index, 0) + 1


def test_retry_after_for_the_three_shapes_of_a_full_window() -> None:
    full_now = Window(False, previous=0, previous_left=0, current=10, current_left=42.5)
    assert full_now.retry_after(10, 60) == 43
    still_weighing = Window(False, previous=10, previous_left=30, current=5, current_left=30)
    assert still_weighing.retry_after(10, 60) == 1
    half_weighing = Window(False, previous=10, previous_left=60, current=0, current_left=60)
    assert half_weighing.retry_after(10, 60) == 1


async def test_memory_stays_bounded_however_many_clients_come() -> None:
    store = MemoryRateStore(max_clients=1000)
    for number in range(100_000):
        assert (await store.take(f"client-{number}", 1, 60)).allowed
    assert len(store) == 1000
    assert not (await store.take("client-99999", 1, 60)).allowed, "the latest are remembered"

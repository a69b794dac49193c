"""The budget: exact over instances and processes, honest in its headers, and there when Redis is not."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable

import httpx
import pytest

from app.a2a.mcp.core.breaker import RESET_SECONDS
from app.a2a.mcp.core.circuit_breaker import Breakers
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.rate_limit import RateLimiter, RateLimitMiddleware
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores, redis
from app.a2a.mcp.core.stores.memory import MemoryRateStore
from tests.core.conftest import Clock
from tests.core.exchange import browse, layers, runtime_of
from tests.core.redis_process import RedisProcess

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]
INSTANCES = 3


class Instance:
    """What one process has of the limiter."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.metrics = Metrics("sample")
        self.stores = Stores.open(settings, self.metrics)
        self.breakers = Breakers("sample", self.stores, self.metrics, clock)
        self.limiter = RateLimiter(settings, INSTANCES, self.stores, self.breakers, self.metrics)

    async def allowed(self, client: str, calls: int) -> int:
        """How many of so many calls at once are let through."""
        verdicts = await asyncio.gather(*(self.limiter.take(client) for _ in range(calls)))
        return sum(verdict.allowed for verdict in verdicts)

    def fallbacks(self) -> float | None:
        """How many calls were limited without Redis."""
        labels = {"service": "sample"}
        return self.metrics.registry.get_sample_value("a2a_mcp_rate_limit_fallbacks_total", labels)


async def test_instances_share_one_exact_budget_through_redis(
    make_settings: MakeSettings, redis_url: str, clock: Clock
) -> None:
    settings = make_settings(redis_url=redis_url, rate_limit_requests=50)
    instances = [Instance(settings, clock) for _ in range(INSTANCES)]
    for instance in instances:
        await instance.stores.start()
    let_through = await asyncio.gather(*(instance.allowed("exact-over-instances", 40) for instance in instances))
    assert sum(let_through) == 50
    assert await instances[0].allowed("somebody-else", 1) == 1
    assert sum(instance.fallbacks() or 0 for instance in instances) == 0
    for instance in instances:
        await instance.stores.close()


PROCESS = """
import asyncio, sys
from app.a2a.mcp.core.circuit_breaker import Breakers
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.rate_limit import RateLimiter
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores

async def main():
    settings = Settings(redis_url=sys.argv[1], rate_limit_requests=100)
    metrics = Metrics("sample")
    stores = Stores.open(settings, metrics)
    await stores.start()
    limiter = RateLimiter(settings, 3, stores, Breakers("sample", stores, metrics), metrics)
    verdicts = await asyncio.gather(*(limiter.take("exact-over-processes") for _ in range(60)))
    print(sum(verdict.allowed for verdict in verdicts))
    await stores.close()

asyncio.run(main())
"""


async def test_processes_share_one_exact_budget_through_redis(redis_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, redis_url, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = await asyncio.wait_for(asyncio.gather(*(process.communicate() for process in processes)), 60)
    assert sum(int(output) for output, _ in outputs) == 100


async def test_redis_going_and_coming_back_is_survived_counted_and_logged_once(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "app.a2a.mcp.core.rate_limit")
    instance = Instance(make_settings(redis_url=redis_process.url, rate_limit_requests=10), clock)
    await instance.stores.start()
    assert (await instance.limiter.take("client")).remaining == 9
    redis_process.stop()
    verdicts = [await instance.limiter.take("client") for _ in range(12)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 4 + [False] * 8, "ceil(10 / 3) calls in this process"
    assert {verdict.limit for verdict in verdicts} == {4} and instance.fallbacks() == 12
    assert instance.breakers.states() == {"redis": "open"}
    redis_process.start()
    assert not (await instance.limiter.take("client")).allowed, "an open breaker does not ask Redis"
    clock.advance(RESET_SECONDS)
    assert (await instance.limiter.take("client")).limit == 10
    assert instance.breakers.states() == {"redis": "closed"}
    said = [record.getMessage() for record in caplog.records if record.name.endswith("rate_limit")]
    assert len(said) == 2 and said[0].startswith("Redis is away") and said[1].startswith("Redis is back")
    await instance.stores.close()


async def test_a_burst_of_calls_is_no_outage(
    make_settings: MakeSettings, redis_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The many wait for the few connections; how long that takes is the machine's affair.
    monkeypatch.setattr(redis, "OPERATION_SECONDS", 30.0)
    instance = Instance(make_settings(redis_url=redis_url, rate_limit_requests=1000), clock)
    await instance.stores.start()
    assert await instance.allowed("burst", 3000) == 1000
    assert instance.fallbacks() == 0 and instance.breakers.states() == {"redis": "closed"}
    await instance.stores.close()


async def test_a_frozen_redis_keeps_nobody_waiting_for_long(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    instance = Instance(make_settings(redis_url=redis_process.url, rate_limit_requests=1000), clock)
    await instance.stores.start()
    redis_process.freeze()
    started = time.monotonic()
    assert await instance.allowed("client", 500) == 334
    assert time.monotonic() - started < 5, "without the breaker it would be 500 / 16 · 0.5 s"
    assert instance.fallbacks() == 500
    redis_process.thaw()
    await instance.stores.close()


async def test_a_redis_out_of_memory_is_an_outage_not_an_error(
    make_settings: MakeSettings, redis_process: RedisProcess, clock: Clock
) -> None:
    instance = Instance(make_settings(redis_url=redis_process.url), clock)
    await instance.stores.start()
    assert instance.stores.redis is not None
    await instance.stores.redis.config_set("maxmemory", "1")
    assert (await instance.limiter.take("client")).limit == 34
    assert instance.fallbacks() == 1
    await instance.stores.close()


async def ask(runtime_settings: Settings, calls: int, path: str = "/mcp", **headers: str) -> list[httpx.Response]:
    """Calls through every layer with a key of the settings."""
    async with browse(layers(runtime_of(runtime_settings)), "127.0.0.1") as client:
        return [
            await client.post(path, headers={"X-API-Key": "key"} | headers)
            if path == "/mcp"
            else await client.get(path, headers={"X-API-Key": "key"} | headers)
            for _ in range(calls)
        ]


async def test_every_answer_tells_the_budget_and_the_last_is_429(make_settings: MakeSettings) -> None:
    settings = make_settings(api_keys=("key:client:read",), rate_limit_requests=2, rate_limit_window=3600)
    first, second, third = await ask(settings, 3)
    assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in (first, second, third)} == {"2"}
    assert 0 < int(first.headers["ratelimit-reset"]) <= 3600 and "retry-after" not in second.headers
    assert third.headers["retry-after"] == third.headers["ratelimit-reset"]
    error = third.json()["error"]
    assert third.json()["id"] is None and error["data"]["code"] == "rate_limited"


async def test_a_429_is_counted(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(api_keys=("key:client:read",), rate_limit_requests=1))
    async with browse(layers(runtime)) as client:
        for _ in range(3):
            await client.post("/mcp", headers={"X-API-Key": "key"})
    value = runtime.metrics.registry.get_sample_value("a2a_mcp_rate_limited_total", {"service": "sample"})
    assert value == 2


async def test_operator_paths_are_never_limited(make_settings: MakeSettings) -> None:
    settings = make_settings(api_keys=("key:client:read",), rate_limit_requests=1)
    for path in ("/health", "/metrics", "/livez", "/circuit-breakers"):
        answers = await ask(settings, 3, path)
        assert {answer.status_code for answer in answers} == {200}
        assert "ratelimit-limit" not in answers[0].headers


async def test_a_service_token_is_not_counted_and_a_key_cannot_pose_as_one(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(rate_limit_requests=1))
    service, client = (runtime.authenticator.mint(name, ["read"], 60) for name in ("service:sample", "alice"))
    async with browse(layers(runtime)) as browser:
        for token, statuses in ((service, [200, 200]), (client, [200, 429])):
            answers = [await browser.post("/mcp", headers={"X-API-Key": token}) for _ in range(2)]
            assert [answer.status_code for answer in answers] == statuses


async def test_two_keys_of_one_client_share_its_budget(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(api_keys=("one:client:read", "two:client:read"), rate_limit_requests=1))
    async with browse(layers(runtime)) as client:
        statuses = [(await client.post("/mcp", headers={"X-API-Key": key})).status_code for key in ("one", "two")]
    assert statuses == [200, 429]


async def test_without_a_caller_nothing_is_counted(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(rate_limit_requests=1))
    async with browse(layers(runtime, RateLimitMiddleware)) as client:
        answers = [await client.post("/mcp") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert isinstance(runtime.stores.local_rates, MemoryRateStore) and len(runtime.stores.local_rates) == 0

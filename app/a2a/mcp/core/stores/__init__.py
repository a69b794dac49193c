"""The state that instances share, chosen in one place: Redis where REDIS_URL names one, this process otherwise."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores.memory import MemoryRateStore
from app.a2a.mcp.core.stores.rates import RateStore, Window
from app.a2a.mcp.core.stores.records import Guard, RecordStore, open_record_store, unguarded
from app.a2a.mcp.core.stores.redis import RedisRateStore, open_redis
from app.a2a.mcp.core.stores.sessions import MemorySessionStore, SessionStore
from app.a2a.mcp.core.stores.sessions_redis import RedisSessionStore
from app.a2a.mcp.core.stores.streams import MemoryStreamStore, StreamStore
from app.a2a.mcp.core.stores.streams_redis import RedisStreamStore
from app.a2a.mcp.core.stores.subscribers import MemorySubscriberStore, SubscriberStore
from app.a2a.mcp.core.stores.subscribers_redis import RedisSubscriberStore
from app.a2a.mcp.core.stores.tallies import MemoryTallyStore, RedisTallyStore, TallyStore

if TYPE_CHECKING:
    from app.a2a.mcp.core.metrics import Metrics

__all__ = ["RateStore", "Stores", "Window"]


class Stores:
    """Everything a process keeps; `redis` is None in a process that runs alone, and before `start`.

    `guard` is the breaker around Redis, which is made from the stores and therefore set after them.
    """

    def __init__(self, settings: Settings, metrics: "Metrics") -> None:
        self._settings = settings
        self._metrics = metrics
        self.kind: Literal["redis", "memory"] = "redis" if settings.redis_url else "memory"
        self.redis: Redis | None = None
        self.local_rates = MemoryRateStore()
        self.rates: RateStore = self.local_rates
        self.guard: Guard = unguarded
        self.sessions: SessionStore = MemorySessionStore()
        self.streams: StreamStore = MemoryStreamStore()
        self.tallies: TallyStore = MemoryTallyStore()
        self.subscribers: SubscriberStore = MemorySubscriberStore()
        self._records: RecordStore | None = None

    @classmethod
    def open(cls, settings: Settings, metrics: "Metrics") -> "Stores":
        """The stores for these settings; nothing is connected before `start`, so that a fork is safe."""
        return cls(settings, metrics)

    async def start(self) -> None:
        """Make the client; it connects with its first command, so that a missing Redis does not stop a start."""
        if self.kind == "redis":
            self.redis = open_redis(self._settings)
            self.rates = RedisRateStore(self.redis)
            self.sessions = RedisSessionStore(self.redis, self.guard)
            self.streams = RedisStreamStore(self.redis, self.guard)
            self.tallies = RedisTallyStore(self.redis, self.guard)
            self.subscribers = RedisSubscriberStore(self.redis, self.guard)

    @property
    def records(self) -> RecordStore:
        """The durable records, opened when a service first asks for them (after `start`)."""
        if self._records is None:
            self._records = open_record_store(self.redis, self._settings.mcp_state_directory, self.guard)
        return self._records

    async def close(self) -> None:
        """Close every connection and file."""
        if self._records is not None:
            records, self._records = self._records, None
            await records.close()
        if self.redis is not None:
            client, self.redis = self.redis, None
            self.rates = self.local_rates
            await client.aclose(close_connection_pool=True)

    async def ping(self) -> bool:
        """Whether the shared state answers; always true for a process that keeps its own."""
        if self.redis is None:
            return self.kind == "memory"
        try:
            with self.observed("ping"):
                await self.redis.ping()
        except (RedisError, OSError):
            return False
        return True

    @contextmanager
    def observed(self, group: str) -> Iterator[None]:
        """Measure what Redis is asked inside; `group` is a fixed word for the kind of question."""
        started = time.perf_counter()
        try:
            yield
        except BaseException:
            self._metrics.observe_redis(group, time.perf_counter() - started, ok=False)
            raise
        self._metrics.observe_redis(group, time.perf_counter() - started, ok=True)

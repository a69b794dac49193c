"""The stores that instances share: one Redis client of a process, and the fleet-wide rate store on it."""

from collections.abc import Sequence
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage.redis import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores.rates import Window

CONNECT_SECONDS = 0.5
OPERATION_SECONDS = 0.5
"""A healthy answer takes well under a millisecond; what takes 500 times that is an outage, and callers are waiting."""

MAX_CONNECTIONS = 32
KEY_PREFIX = "a2a:rate"


def open_redis(settings: Settings) -> "Redis":
    """A client for REDIS_URL; it connects with its first command."""
    options: dict[str, Any] = {"password": settings.redis_password} if settings.redis_password else {}
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=MAX_CONNECTIONS,
        timeout=OPERATION_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=OPERATION_SECONDS,
        # No health_check_interval: with it redis-py 8.1 recurses without end when Redis wants a password it has not.
        # The pool itself replaces a connection that Redis closed; trying again beyond that would double every outage.
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    return Redis.from_pool(pool)


class RedisRateStore:
    """The budget that all instances share, by limits' own scripts: they count by Redis's clock and are atomic there.

    Taking and reading go in one round trip, where the library's strategy needs two.
    """

    def __init__(self, client: "Redis") -> None:
        self._client = client
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=KEY_PREFIX,
            connection_pool=client.connection_pool,  # type: ignore[arg-type]
        )
        if not isinstance(self._storage.bridge, RedispyBridge):
            raise TypeError("the limits library no longer talks to Redis through redis-py")
        self._acquire = self._storage.bridge.lua_acquire_sliding_window
        self._read = self._storage.bridge.lua_sliding_window

    async def take(self, client: str, limit: int, length: int) -> Window:
        """Count one call fleet-wide; raises redis.exceptions.RedisError when Redis does not answer."""
        key = RateLimitItemPerSecond(limit, length).key_for(client)
        names = self._storage._previous_window_key(key), self._storage._current_window_key(key)
        keys = [self._storage.bridge.prefixed_key(name) for name in names]
        calls = [(self._acquire, keys, [limit, length, 1]), (self._read, keys, [length])]
        allowed, window = await self._run(calls)
        previous, previous_ms, current, current_ms = (int(value or 0) for value in window)
        current_left = max(0.0, current_ms / 1000 - length)
        return Window(bool(allowed), previous, max(0, previous_ms) / 1000, current, current_left)

    async def _run(self, calls: Sequence[tuple[Any, list[str], list[int]]]) -> list[Any]:
        """The scripts' answers in order; a script Redis has forgotten (it restarted) is loaded and run again."""
        answers = await self._evaluate(calls)
        forgotten = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if forgotten:
            for place in forgotten:
                await self._client.script_load(calls[place][0].script)
            again = await self._evaluate([calls[place] for place in forgotten])
            for place, answer in zip(forgotten, again, strict=True):
                answers[place] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _evaluate(self, calls: Sequence[tuple[Any, list[str], list[int]]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for script, keys, arguments in calls:
            pipeline.evalsha(script.sha, len(keys), *keys, *arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

"""Sessions in Redis, shared by every instance; revoked token ids are published, so that no cache has to grow old."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from redis.asyncio import Redis

from app.a2a.mcp.core.stores.guarded import ask
from app.a2a.mcp.core.stores.records import Guard
from app.a2a.mcp.core.stores.sessions import REMEMBERED_SECONDS

REVOKED_CHANNEL = "a2a:revoked"
WHAT = "the store of sessions"


class RedisSessionStore:
    """The `SessionStore` that instances on all hosts share."""

    def __init__(self, redis: Redis, guard: Guard) -> None:
        self._redis = redis
        self._guard = guard
        here = Path(__file__)
        self._add = redis.register_script(here.with_name("sessions_add.lua").read_text(encoding="utf-8"))
        self._swap = redis.register_script(here.with_name("sessions_swap.lua").read_text(encoding="utf-8"))

    async def add(self, owner: str, digest: str, value: bytes, expires_at: float, limit: int) -> bool:
        keys = [_index(owner), _session(owner, digest)]
        args: list[str | bytes | int] = [digest, value, _milliseconds(expires_at), limit]
        return bool(await self._ask(lambda: self._add(keys=keys, args=args)))

    async def get(self, owner: str, digest: str) -> bytes | None:
        found: bytes | None = await self._ask(lambda: self._redis.get(_session(owner, digest)))
        return found

    async def replace(self, owner: str, digest: str, old: bytes, new: bytes, expires_at: float) -> bool:
        keys = [_index(owner), _session(owner, digest)]
        args: list[str | bytes | int] = [digest, old, new, _milliseconds(expires_at)]
        return bool(await self._ask(lambda: self._swap(keys=keys, args=args)))

    async def remove(self, owner: str, digest: str, old: bytes) -> bool:
        return await self.replace(owner, digest, old, b"", 0)

    async def all(self, owner: str) -> dict[str, bytes]:
        digests = [key.decode() for key in await self._ask(lambda: self._redis.zrange(_index(owner), 0, -1))]
        if not digests:
            return {}
        values = await self._ask(lambda: self._redis.mget([_session(owner, digest) for digest in digests]))
        return {digest: value for digest, value in zip(digests, values, strict=True) if value is not None}

    async def revoke(self, tokens: Mapping[str, float]) -> int:
        now = time.time()
        alive = {token: until for token, until in tokens.items() if until > now}
        if not alive:
            return 0

        async def write() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            for token, until in alive.items():
                pipeline.set(_revoked(token), 1, exat=math.ceil(until), nx=True)
            pipeline.publish(REVOKED_CHANNEL, orjson.dumps(alive))
            answers: list[Any] = await pipeline.execute()
            return answers

        return sum(1 for answer in (await self._ask(write))[:-1] if answer)

    async def look_up(self, token_id: str, used: bool = False) -> bool:
        if not used:
            return bool(await self._ask(lambda: self._redis.exists(_revoked(token_id))))

        async def look() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.exists(_revoked(token_id))
            pipeline.set(_used(token_id), repr(time.time()), ex=REMEMBERED_SECONDS)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            # A store too full to note the use can still say what is revoked.
            if isinstance(answers[0], Exception):
                raise answers[0]
            return answers

        return bool((await self._ask(look))[0])

    async def last_used(self, token_ids: list[str]) -> float | None:
        if not token_ids:
            return None
        values = await self._ask(lambda: self._redis.mget([_used(token) for token in token_ids]))
        return max((float(value) for value in values if value is not None), default=None)

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        return await ask(self._guard, WHAT, question)


def _index(owner: str) -> str:
    return f"a2a:sessions:{{{quote(owner, safe='')}}}"


def _session(owner: str, digest: str) -> str:
    return f"{_index(owner)}:{digest}"


def _revoked(token_id: str) -> str:
    return f"a2a:token:revoked:{token_id}"


def _used(token_id: str) -> str:
    return f"a2a:token:used:{token_id}"


def _milliseconds(instant: float) -> int:
    return math.ceil(instant * 1000)

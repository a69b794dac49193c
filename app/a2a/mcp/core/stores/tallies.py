"""Sums that all instances add to; names and fields come from closed lists, so that a caller cannot make new ones."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

from redis.asyncio import Redis

from app.a2a.mcp.core.stores.guarded import ask
from app.a2a.mcp.core.stores.records import Guard

WHAT = "the store of tallies"


class TallyStore(Protocol):
    """Named groups of sums. Both methods raise UnavailableError where the shared state does not answer."""

    async def add(self, name: str, amounts: Mapping[str, float]) -> None:
        """Add to the group's fields."""

    async def read(self, name: str) -> dict[str, float]:
        """The group's sums; empty before the first."""


class MemoryTallyStore:
    """The `TallyStore` of a process that runs alone."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    async def add(self, name: str, amounts: Mapping[str, float]) -> None:
        for field, amount in amounts.items():
            self._sums[name][field] += amount

    async def read(self, name: str) -> dict[str, float]:
        return dict(self._sums[name])


class RedisTallyStore:
    """The `TallyStore` that instances on all hosts share."""

    def __init__(self, redis: Redis, guard: Guard) -> None:
        self._redis = redis
        self._guard = guard

    async def add(self, name: str, amounts: Mapping[str, float]) -> None:
        async def write() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=True)
            for field, amount in amounts.items():
                pipeline.hincrbyfloat(_key(name), field, amount)
            answers: list[Any] = await pipeline.execute()
            return answers

        await ask(self._guard, WHAT, write)

    async def read(self, name: str) -> dict[str, float]:
        found = await ask(self._guard, WHAT, lambda: self._redis.hgetall(_key(name)))
        return {field.decode(): float(value) for field, value in found.items()}


def _key(name: str) -> str:
    return f"a2a:tallies:{name}"

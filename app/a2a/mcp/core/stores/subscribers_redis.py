"""Subscribers of the handshake era in Redis, so that any instance can tell them: one script an act."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis.asyncio import Redis

from app.a2a.mcp.core.stores.guarded import ask
from app.a2a.mcp.core.stores.records import Guard
from app.a2a.mcp.core.stores.subscribers import LIFE_SECONDS, MAX_SUBSCRIBERS, MAX_URIS, Taken, refuse_more

WHAT = "the store of subscriptions"
UNKNOWN, FULL = 0, 2


class RedisSubscriberStore:
    """The `SubscriberStore` that instances on all hosts share."""

    def __init__(self, redis: Redis, guard: Guard) -> None:
        self._guard = guard
        self._script = redis.register_script(Path(__file__).with_name("subscribers.lua").read_text(encoding="utf-8"))

    async def add(self, owner: str, subscriber: str) -> None:
        await self._act("add", owner, subscriber)

    async def subscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        (known,) = await self._act("subscribe", owner, subscriber, uri)
        if known == FULL:
            raise refuse_more()
        return bool(known)

    async def unsubscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        (known,) = await self._act("unsubscribe", owner, subscriber, uri)
        return bool(known)

    async def take(self, owner: str, subscriber: str, stream: str) -> Taken | None:
        known, *rest = await self._act("take", owner, subscriber, stream)
        if known == UNKNOWN:
            return None
        before, fields = rest
        uris = tuple(name[1:].decode() for name in fields if name.startswith(b"+"))
        return Taken(uris, again=bool(before))

    async def look(self, owner: str, subscriber: str, uri: str = "") -> tuple[str, bool] | None:
        known, *rest = await self._act("look", owner, subscriber, uri)
        return None if known == UNKNOWN else (rest[0].decode(), bool(rest[1]))

    async def remove(self, owner: str, subscriber: str) -> bool:
        (known,) = await self._act("remove", owner, subscriber)
        return bool(known)

    async def _act(self, act: str, owner: str, subscriber: str, value: str = "") -> list[Any]:
        # The braces keep an owner's keys together in a cluster.
        index = f"a2a:subscribers:{{{quote(owner, safe='')}}}"
        keys = [index, f"{index}:{subscriber}"]
        args: list[str | int] = [act, subscriber, value, LIFE_SECONDS * 1000, MAX_SUBSCRIBERS, MAX_URIS, f"{index}:"]
        answer: list[Any] = await ask(self._guard, WHAT, lambda: self._script(keys=keys, args=args))
        return answer

"""Streams in Redis: one script a write, so that no reader sees half of one, and one log (a Redis stream) a resource."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis.asyncio import Redis

from app.a2a.mcp.core.stores.guarded import ask
from app.a2a.mcp.core.stores.records import Guard
from app.a2a.mcp.core.stores.streams import (
    EVENT_BYTES,
    IDEMPOTENCY_MS,
    LIST_BYTES,
    TOMBSTONE_MS,
    StreamDocument,
    StreamEvent,
    StreamLimits,
    StreamWrite,
    Written,
    refuse_write,
)

WHAT = "the store of streams"
FIELDS = ["live", "version", "event", "trimmed", "content", "mime", "title", "description"]


class RedisStreamStore:
    """The `StreamStore` that instances on all hosts share."""

    def __init__(self, redis: Redis, guard: Guard) -> None:
        self._redis = redis
        self._guard = guard
        self._script = redis.register_script(Path(__file__).with_name("streams_write.lua").read_text(encoding="utf-8"))

    async def write(self, namespace: str, uri: str, write: StreamWrite, limits: StreamLimits) -> Written:
        reply = await self._run(namespace, uri, write, limits)
        status = reply[0].decode()
        if status == "again":
            version, event_id, change = reply[4].decode().split(" ")
            return Written(int(version), event_id, change == "created", change, deduplicated=True)
        if status != "ok":
            raise refuse_write(status, uri, int(reply[1]))
        change = reply[3].decode()
        return Written(int(reply[1]), reply[2].decode(), change == "created", change, deduplicated=False)

    async def read(self, namespace: str, uri: str, after: str, count: int) -> list[StreamEvent]:
        key = f"{_prefix(namespace)}log:{uri}"
        entries = await self._ask(lambda: self._redis.xrange(key, min=f"({after}", max="+", count=count))
        return [_event(event_id, fields) for event_id, fields in entries]

    async def document(self, namespace: str, uri: str) -> StreamDocument | None:
        await self._purge(namespace, uri)
        key = f"{_prefix(namespace)}doc:{uri}"
        found = await self._ask(lambda: self._redis.hmget(key, FIELDS))
        if found[0] is None:
            return None
        live, version, *texts = (value.decode() if value is not None else "" for value in found)
        return StreamDocument(live == "1", int(version), *texts)

    async def live(self, namespace: str) -> list[str]:
        await self._purge(namespace, "")
        found = await self._ask(lambda: self._redis.zrange(f"{_prefix(namespace)}live", 0, -1))
        return [uri.decode() for uri in found]

    async def _purge(self, namespace: str, uri: str) -> None:
        due = await self._ask(lambda: self._redis.zrange(f"{_prefix(namespace)}due", 0, 0, withscores=True))
        seconds, microseconds = await self._ask(self._redis.time) if due else (0, 0)
        if due and due[0][1] <= seconds * 1000 + microseconds / 1000:
            purge: Any = "purge"
            await self._run(namespace, uri, StreamWrite(purge, "", "{}", "system", ""), StreamLimits())

    async def _run(self, namespace: str, uri: str, write: StreamWrite, limits: StreamLimits) -> Any:
        prefix = _prefix(namespace)
        keys = [prefix + part for part in ("live", "due", "used", "done:", f"doc:{uri}", f"log:{uri}")]
        args = _arguments(prefix, uri, write, limits)
        return await self._ask(lambda: self._script(keys=keys, args=args))

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        return await ask(self._guard, WHAT, question)


def _arguments(prefix: str, uri: str, write: StreamWrite, limits: StreamLimits) -> list[str | bytes | int]:
    named = f"{uri} {write.publisher} {write.idempotency_key}".encode()
    return [
        uri,
        write.operation,
        write.content,
        write.metadata,
        write.publisher,
        write.mime_type,
        "" if write.if_version is None else write.if_version,
        hashlib.sha256(named).hexdigest() if write.idempotency_key is not None else "",
        "" if write.ttl_seconds is None else write.ttl_seconds * 1000,
        write.title,
        write.description,
        limits.events,
        limits.resources,
        limits.bytes,
        TOMBSTONE_MS,
        IDEMPOTENCY_MS,
        LIST_BYTES,
        EVENT_BYTES,
        prefix,
    ]


def _event(event_id: bytes, fields: dict[bytes, bytes]) -> StreamEvent:
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return StreamEvent(event_id.decode(), int(text["v"]), text["t"], text["c"], text["m"], text["p"])


def _prefix(namespace: str) -> str:
    return f"a2a:stream:{{{quote(namespace, safe='')}}}:"

"""Records in Redis: one script per write, so that a write is atomic over all instances.

Durability is Redis's append-only file. All keys of one owner carry one hash tag, as Redis Cluster asks.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.stores.records import Applied, Change, ChangePage, CollectionMeta, Guard, Write
from app.a2a.mcp.core.stores.records_errors import refusal
from app.a2a.mcp.errors import UnavailableError

# Deleted ids remembered at least; more when the collection is larger.
TOMBSTONES = 10_000
# More than one write can change, so that a page always holds a whole version.
PAGE = 2048
SCAN = 500
# Fields per HMGET: larger replies would keep Redis from others for too long.
CHUNK = 1000


class RedisRecordStore:
    """The `RecordStore` that instances on all hosts share."""

    def __init__(self, redis: Redis, guard: Guard) -> None:
        self._redis = redis
        self._guard = guard
        here = Path(__file__)
        self._apply = redis.register_script(here.with_name("records.lua").read_text(encoding="utf-8"))
        self._changes = redis.register_script(here.with_name("records_changes.lua").read_text(encoding="utf-8"))

    async def apply(self, owner: str, name: str, write: Write) -> Applied:
        keys = [_owner_key(owner, part) for part in ("usage", "names")]
        keys += [_key(owner, name, part) for part in ("meta", "data", "log", "dead")]
        reply = await self._ask(self._apply, keys=keys, args=_arguments(name, write))
        status = reply[0].decode()
        if status != "ok":
            raise refusal(status, name, write)
        version, size, inserted, updated, deleted = map(int, reply[1:])
        return Applied(version, size, inserted, updated, deleted)

    async def meta(self, owner: str, name: str) -> CollectionMeta | None:
        fields = ("epoch", "version", "size", "attributes")
        found = await self._ask(self._redis.hmget, _key(owner, name, "meta"), list(fields))
        epoch, version, size, attributes = found
        if epoch is None or version is None or size is None or attributes is None:
            return None
        return CollectionMeta(epoch.decode(), int(version), int(size), attributes.decode())

    async def names(self, owner: str) -> list[str]:
        found = await self._ask(self._redis.hkeys, _owner_key(owner, "names"))
        return sorted(name.decode() for name in found)

    async def get_many(self, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), CHUNK):
            part = list(ids[start : start + CHUNK])
            values = await self._ask(self._redis.hmget, _key(owner, name, "data"), part)
            found |= {key: value for key, value in zip(part, values, strict=True) if value is not None}
        return found

    async def changes(self, owner: str, name: str, epoch: str, since: int) -> ChangePage:
        keys = [_key(owner, name, part) for part in ("meta", "data", "log")]
        reply = await self._ask(self._changes, keys=keys, args=[epoch, since, PAGE])
        pairs = zip(reply[3::2], reply[4::2], strict=True)
        changes = tuple(Change(key.decode(), value) for key, value in pairs)
        return ChangePage(int(reply[1]), bool(reply[2]), reply[0] == b"resync", changes)

    async def snapshot(self, owner: str, name: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        cursor = 0
        while True:
            cursor, batch = await self._ask(self._redis.hscan, _key(owner, name, "data"), cursor, count=SCAN)
            yield [(key.decode(), value) for key, value in batch.items()]
            if cursor == 0:
                return

    async def close(self) -> None:
        """Nothing of its own: the client belongs to who opened it."""

    async def _ask(self, command: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """One round trip behind the breaker; raises UnavailableError, at once while Redis is believed down."""

        async def asked() -> Any:
            return await command(*args, **options)

        try:
            return await self._guard(asked)
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise UnavailableError("the store of collections cannot be reached") from error
        except OutOfMemoryError as error:
            raise UnavailableError("the store of collections is full") from error
        except RedisError as error:
            raise UnavailableError("the store of collections refused the operation") from error


def _arguments(name: str, write: Write) -> list[str | bytes | int]:
    # Told twice, an id would be counted twice.
    puts, deletes = dict(write.puts), list(dict.fromkeys(write.deletes))
    arguments: list[str | bytes | int] = [
        name,
        secrets.token_hex(8),
        "" if write.expected_version is None else write.expected_version,
        int(write.create),
        int(write.replace),
        write.attributes or "",
        write.max_collections,
        write.max_records,
        TOMBSTONES,
        len(puts),
        len(deletes),
    ]
    for record in puts.items():
        arguments.extend(record)
    arguments.extend(deletes)
    return arguments


def _owner_key(owner: str, part: str) -> str:
    return f"a2a:records:{{{quote(owner, safe='')}}}:{part}"


def _key(owner: str, name: str, part: str) -> str:
    return f"{_owner_key(owner, 'c')}:{quote(name, safe='')}:{part}"

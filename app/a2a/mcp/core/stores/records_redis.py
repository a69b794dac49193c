"""Records in Redis: one script per write, so that a write is atomic over all instances.

Durability is Redis's append-only file. All keys of one owner carry one hash tag, as Redis Cluster asks.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.stores.records import Applied, Change, ChangePage, CollectionMeta, Write
from app.a2a.mcp.core.stores.records_errors import refusal
from app.a2a.mcp.errors import UnavailableError

T = TypeVar("T")

# Deleted ids remembered at least; more when the collection is larger.
TOMBSTONES = 10_000
# More than one write can change, so that a page always holds a whole version.
PAGE = 2048
SCAN = 500
# Fields per HMGET: larger replies would keep Redis from others for too long.
CHUNK = 1000


class RedisRecordStore:
    """The `RecordStore` that instances on all hosts share."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        here = Path(__file__)
        self._apply = redis.register_script(here.with_name("records.lua").read_text(encoding="utf-8"))
        self._changes = redis.register_script(here.with_name("records_changes.lua").read_text(encoding="utf-8"))

    async def apply(
        self,
        owner: str,
        name: str,
        *,
        puts: Sequence[tuple[str, bytes]] = (),
        deletes: Sequence[str] = (),
        attributes: str | None = None,
        create: bool = False,
        replace: bool = False,
        expected_version: int | None = None,
        max_collections: int,
        max_records: int,
    ) -> Applied:
        write = Write(puts, deletes, attributes, create, replace, expected_version, max_collections, max_records)
        keys = [_owner_key(owner, part) for part in ("usage", "names")]
        keys += [_key(owner, name, part) for part in ("meta", "data", "log", "dead")]
        reply = await _guard(_reply(self._apply(keys=keys, args=_arguments(name, write))))
        status = reply[0].decode()
        if status != "ok":
            raise refusal(status, name, write)
        version, size, inserted, updated, deleted = map(int, reply[1:])
        return Applied(version, size, inserted, updated, deleted)

    async def meta(self, owner: str, name: str) -> CollectionMeta | None:
        fields = ("epoch", "version", "size", "attributes")
        epoch, version, size, attributes = await _guard(
            _reply(self._redis.hmget(_key(owner, name, "meta"), list(fields)))
        )
        if epoch is None or version is None or size is None or attributes is None:
            return None
        return CollectionMeta(epoch.decode(), int(version), int(size), attributes.decode())

    async def names(self, owner: str) -> list[str]:
        found = await _guard(_reply(self._redis.hkeys(_owner_key(owner, "names"))))
        return sorted(name.decode() for name in found)

    async def get_many(self, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), CHUNK):
            part = list(ids[start : start + CHUNK])
            values = await _guard(_reply(self._redis.hmget(_key(owner, name, "data"), part)))
            found |= {key: value for key, value in zip(part, values, strict=True) if value is not None}
        return found

    async def changes(self, owner: str, name: str, epoch: str, since: int) -> ChangePage:
        keys = [_key(owner, name, part) for part in ("meta", "data", "log")]
        reply = await _guard(_reply(self._changes(keys=keys, args=[epoch, since, PAGE])))
        pairs = zip(reply[3::2], reply[4::2], strict=True)
        changes = tuple(Change(key.decode(), value) for key, value in pairs)
        return ChangePage(int(reply[1]), bool(reply[2]), reply[0] == b"resync", changes)

    async def snapshot(self, owner: str, name: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        cursor = 0
        while True:
            cursor, batch = await _guard(_reply(self._redis.hscan(_key(owner, name, "data"), cursor, count=SCAN)))
            yield [(key.decode(), value) for key, value in batch.items()]
            if cursor == 0:
                return

    async def close(self) -> None:
        """Nothing of its own: the client belongs to who opened it."""


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


def _reply(answer: Any) -> Awaitable[Any]:
    """redis-py types a reply as awaitable or value; the asynchronous client's is awaitable."""
    return cast(Awaitable[Any], answer)


async def _guard(reply: Awaitable[T]) -> T:
    try:
        return await reply
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise UnavailableError("the store of collections cannot be reached") from error
    except OutOfMemoryError as error:
        raise UnavailableError("the store of collections is full") from error
    except RedisError as error:
        raise UnavailableError("the store of collections refused the operation") from error


def _owner_key(owner: str, part: str) -> str:
    return f"a2a:records:{{{quote(owner, safe='')}}}:{part}"


def _key(owner: str, name: str, part: str) -> str:
    return f"{_owner_key(owner, 'c')}:{quote(name, safe='')}:{part}"

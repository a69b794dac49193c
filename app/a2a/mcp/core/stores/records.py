"""Durable, versioned collections of records: the protocol, its values, and the choice of a side.

A record is an id and opaque bytes; a collection belongs to an owner, has attributes fixed at its creation
and a version that rises by one with each write that changes something. A write is atomic and durable
before it is answered, and readers follow it by asking for the changes since the version they know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from redis.asyncio import Redis


@dataclass(frozen=True, slots=True)
class CollectionMeta:
    """A collection as it stands; `epoch` tells it from a dropped one that had the same name."""

    epoch: str
    version: int
    size: int
    attributes: str


class Write(Protocol):
    """One atomic write and the limits of the owner, over all its collections.

    `attributes` are those of a new collection and must equal those of an existing one; None asks nothing.
    With `replace` the collection is emptied (its epoch changes) before the puts; empty, it is gone. A protocol,
    because `domain`, which makes the writes, has the value and imports nothing from here.
    """

    @property
    def puts(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def deletes(self) -> Sequence[str]: ...
    @property
    def attributes(self) -> str | None: ...
    @property
    def create(self) -> bool: ...
    @property
    def replace(self) -> bool: ...
    @property
    def expected_version(self) -> int | None: ...
    @property
    def max_collections(self) -> int: ...
    @property
    def max_records(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write did; puts that equal what is kept count as neither inserted nor updated."""

    version: int
    size: int
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Change:
    """The last state of a record that changed: its bytes, or None when it was deleted."""

    id: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes up to `version`; `resync` says that the past asked for is no longer known: read all."""

    version: int
    complete: bool
    resync: bool = False
    changes: tuple[Change, ...] = field(default=())


class RecordStore(Protocol):
    """Every method raises UnavailableError when the store cannot be reached."""

    async def apply(self, owner: str, name: str, write: Write) -> Applied:
        """Carry out a write of at most 1000 puts and 1000 deletes; what is refused changes nothing.

        Raises NotFoundError without the collection and `create`, ConflictError for another version or
        other attributes, LimitExceededError over the owner's limits.
        """

    async def meta(self, owner: str, name: str) -> CollectionMeta | None: ...

    async def names(self, owner: str) -> list[str]: ...

    async def get_many(self, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]: ...

    async def changes(self, owner: str, name: str, epoch: str, since: int) -> ChangePage:
        """A page of what changed after version `since`; ask again from the page's version until complete."""

    def snapshot(self, owner: str, name: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """All records in batches, at least as new as when asked; a record may come twice."""

    async def close(self) -> None: ...


Guard = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Runs one question to Redis: a circuit breaker's `call`."""


async def unguarded(question: Callable[[], Awaitable[Any]]) -> Any:
    """No breaker: what stores are opened with before there is one."""
    return await question()


def open_record_store(redis: Redis | None, state_directory: Path, guard: Guard = unguarded) -> RecordStore:
    """The Redis side when there is a client (made with `decode_responses=False`), else SQLite on this host."""
    from app.a2a.mcp.core.stores.records_redis import RedisRecordStore
    from app.a2a.mcp.core.stores.records_sqlite import SqliteRecordStore

    if redis is not None:
        return RedisRecordStore(redis, guard)
    return SqliteRecordStore(state_directory / "records.sqlite3")

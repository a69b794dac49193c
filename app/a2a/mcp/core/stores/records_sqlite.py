"""Records in a SQLite file of this host: for a server that runs alone, with the durability of Redis's side.

WAL with full synchronisation: what was answered survives a kill and a power cut. Work runs in a thread
under a lock; several processes may open the file, SQLite orders their writes.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from app.a2a.mcp.core.stores.records import Applied, Change, ChangePage, CollectionMeta, Write
from app.a2a.mcp.core.stores.records_errors import refusal
from app.a2a.mcp.errors import UnavailableError

P = ParamSpec("P")
T = TypeVar("T")

TOMBSTONES = 10_000
PAGE = 2048
BATCH = 500
BUSY_SECONDS = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS collections (
  owner TEXT NOT NULL, name TEXT NOT NULL, epoch TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL,
  version INTEGER NOT NULL, size INTEGER NOT NULL, floor INTEGER NOT NULL, PRIMARY KEY (owner, name));
CREATE TABLE IF NOT EXISTS records (
  epoch TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, value BLOB, UNIQUE (epoch, id));
CREATE INDEX IF NOT EXISTS records_by_version ON records (epoch, version);
"""
PUT = """
INSERT INTO records (epoch, id, version, value) VALUES (?, ?, ?, ?)
ON CONFLICT (epoch, id) DO UPDATE SET version = excluded.version, value = excluded.value
"""


class SqliteRecordStore:
    """The `RecordStore` of one host."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA)

    async def apply(self, owner: str, name: str, write: Write) -> Applied:
        return await self._run(_apply, owner, name, write)

    async def meta(self, owner: str, name: str) -> CollectionMeta | None:
        return await self._run(_meta, owner, name)

    async def names(self, owner: str) -> list[str]:
        return await self._run(_names, owner)

    async def get_many(self, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        return await self._run(_get_many, owner, name, ids)

    async def changes(self, owner: str, name: str, epoch: str, since: int) -> ChangePage:
        return await self._run(_changes, owner, name, epoch, since)

    async def snapshot(self, owner: str, name: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        meta = await self.meta(owner, name)
        last = ""
        while meta is not None:
            batch = await self._run(_scan, meta.epoch, last)
            if not batch:
                return
            yield batch
            last = batch[-1][0]

    async def close(self) -> None:
        await self._run(sqlite3.Connection.close)

    async def _run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def locked() -> T:
            with self._lock:
                return work(self._connection, *args, **kwargs)

        try:
            return await asyncio.to_thread(locked)
        except sqlite3.Error as error:
            raise UnavailableError("the store of collections cannot be used") from error


def _apply(db: sqlite3.Connection, owner: str, name: str, write: Write) -> Applied:
    db.execute("BEGIN IMMEDIATE")
    try:
        applied = _write(db, owner, name, write)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return applied


def _write(db: sqlite3.Connection, owner: str, name: str, write: Write) -> Applied:
    meta = _checked(db, owner, name, write)
    dropped = 0
    if meta is not None and write.replace:
        dropped = meta.size
        db.execute("DELETE FROM records WHERE epoch = ?", (meta.epoch,))
        db.execute("DELETE FROM collections WHERE owner = ? AND name = ?", (owner, name))
        meta = None
    if meta is None:
        if not write.puts:
            return Applied(0, 0, 0, 0, dropped)
        meta = CollectionMeta(secrets.token_hex(8), 0, 0, write.attributes or "")
        row = (owner, name, meta.epoch, meta.attributes)
        db.execute("INSERT INTO collections VALUES (?, ?, ?, ?, 0, 0, 0)", row)
    inserted, updated, deleted = _records(db, meta, write)
    version = meta.version + (1 if inserted + updated + deleted else 0)
    size = meta.size + inserted - deleted
    db.execute("UPDATE collections SET version = ?, size = ? WHERE epoch = ?", (version, size, meta.epoch))
    if size > meta.size - dropped:
        _check_records(db, owner, write)
    if deleted:
        _forget(db, meta.epoch, size)
    return Applied(version, size, inserted, updated, deleted + dropped)


def _checked(db: sqlite3.Connection, owner: str, name: str, write: Write) -> CollectionMeta | None:
    meta = _meta(db, owner, name)
    if meta is None:
        if not write.create:
            raise refusal("absent", name, write)
        (count,) = db.execute("SELECT count(*) FROM collections WHERE owner = ?", (owner,)).fetchone()
        if write.puts and count >= write.max_collections:
            raise refusal("collections", name, write)
    if write.expected_version not in (None, meta.version if meta else 0):
        raise refusal("version", name, write)
    differs = meta is not None and write.attributes not in (None, meta.attributes)
    if differs and not write.replace:
        raise refusal("attributes", name, write)
    return meta


def _records(db: sqlite3.Connection, meta: CollectionMeta, write: Write) -> tuple[int, int, int]:
    version = meta.version + 1
    inserted = updated = deleted = 0
    for key, value in dict(write.puts).items():
        known = _value(db, meta.epoch, key)
        if known == value:
            continue
        db.execute(PUT, (meta.epoch, key, version, value))
        inserted, updated = inserted + (known is None), updated + (known is not None)
    for key in write.deletes:
        if _value(db, meta.epoch, key) is not None:
            db.execute(PUT, (meta.epoch, key, version, None))
            deleted += 1
    return inserted, updated, deleted


def _check_records(db: sqlite3.Connection, owner: str, write: Write) -> None:
    (total,) = db.execute("SELECT sum(size) FROM collections WHERE owner = ?", (owner,)).fetchone()
    if total > write.max_records:
        raise refusal("records", "", write)


def _forget(db: sqlite3.Connection, epoch: str, size: int) -> None:
    cap = max(TOMBSTONES, size)
    dead = "FROM records WHERE epoch = ? AND value IS NULL"
    (count,) = db.execute(f"SELECT count(*) {dead}", (epoch,)).fetchone()
    if count <= cap:
        return
    order = f"SELECT version {dead} ORDER BY version LIMIT 1 OFFSET ?"
    (floor,) = db.execute(order, (epoch, count - cap // 2 - 1)).fetchone()
    db.execute(f"DELETE {dead} AND version <= ?", (epoch, floor))
    db.execute("UPDATE collections SET floor = ? WHERE epoch = ?", (floor, epoch))


def _value(db: sqlite3.Connection, epoch: str, key: str) -> bytes | None:
    row = db.execute("SELECT value FROM records WHERE epoch = ? AND id = ?", (epoch, key)).fetchone()
    return None if row is None else row[0]


def _meta(db: sqlite3.Connection, owner: str, name: str) -> CollectionMeta | None:
    query = "SELECT epoch, version, size, attributes FROM collections WHERE owner = ? AND name = ?"
    row = db.execute(query, (owner, name)).fetchone()
    return None if row is None else CollectionMeta(*row)


def _names(db: sqlite3.Connection, owner: str) -> list[str]:
    rows = db.execute("SELECT name FROM collections WHERE owner = ? ORDER BY name", (owner,))
    return [name for (name,) in rows]


def _get_many(db: sqlite3.Connection, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]:
    meta = _meta(db, owner, name)
    if meta is None:
        return {}
    found = {key: _value(db, meta.epoch, key) for key in ids}
    return {key: value for key, value in found.items() if value is not None}


def _changes(db: sqlite3.Connection, owner: str, name: str, epoch: str, since: int) -> ChangePage:
    query = "SELECT epoch, version, floor FROM collections WHERE owner = ? AND name = ?"
    row = db.execute(query, (owner, name)).fetchone()
    if row is None or row[0] != epoch or not row[2] <= since <= row[1]:
        return ChangePage(0, True, resync=True)
    found = db.execute(
        "SELECT id, value, version FROM records WHERE epoch = ? AND version > ? ORDER BY version LIMIT ?",
        (epoch, since, PAGE),
    ).fetchall()
    if len(found) < PAGE:
        # A writer may have come between the two reads: what it wrote is read again, which changes nothing.
        return ChangePage(row[1], True, changes=tuple(Change(key, value) for key, value, _ in found))
    last = found[-1][2]
    whole = [entry for entry in found if entry[2] < last]
    return ChangePage(whole[-1][2], False, changes=tuple(Change(key, value) for key, value, _ in whole))


def _scan(db: sqlite3.Connection, epoch: str, after: str) -> list[tuple[str, bytes]]:
    return db.execute(
        "SELECT id, value FROM records WHERE epoch = ? AND id > ? AND value IS NOT NULL ORDER BY id LIMIT ?",
        (epoch, after, BATCH),
    ).fetchall()

"""Both sides of the record store keep one contract: every test here runs on Redis and on SQLite."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.a2a.mcp.core.stores import records_redis, records_sqlite
from app.a2a.mcp.core.stores.records import RecordStore, open_record_store
from app.a2a.mcp.domain.vectors.source import Write
from app.a2a.mcp.errors import ConflictError, LimitExceededError, NotFoundError, UnavailableError

pytestmark = pytest.mark.anyio
LIMITS = {"max_collections": 3, "max_records": 50}


@pytest.fixture
def owner() -> str:
    """Of this test alone: the Redis is shared by the session."""
    return f"client:{secrets.token_hex(6)} {{}}:/ü"


@pytest.fixture(params=["redis", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, anyio_backend: str
) -> AsyncIterator[RecordStore]:
    client = Redis.from_url(redis_url) if request.param == "redis" else None
    opened = open_record_store(client, tmp_path)
    yield opened
    await opened.close()
    if client is not None:
        await client.aclose()


async def put(store: RecordStore, owner: str, *puts: tuple[str, bytes], **options: Any) -> Any:
    write = Write(**({"puts": puts, "attributes": "a", "create": True} | LIMITS | options))
    return await store.apply(owner, "c", write)


async def everything(store: RecordStore, owner: str) -> dict[str, bytes]:
    return {key: value async for batch in store.snapshot(owner, "c") for key, value in batch}


async def test_writing_the_same_again_changes_nothing(store: RecordStore, owner: str) -> None:
    first = await put(store, owner, ("a", b"1"), ("b", b"\x00\xff"))
    again = await put(store, owner, ("a", b"1"), ("b", b"\x00\xff"))
    assert (first.inserted, first.version, first.size) == (2, 1, 2)
    assert (again.inserted, again.updated, again.version, again.size) == (0, 0, 1, 2)


async def test_version_rises_by_one_a_write(store: RecordStore, owner: str) -> None:
    await put(store, owner, ("a", b"1"), ("b", b"2"))
    changed = await put(store, owner, ("a", b"3"), ("c", b"4"), deletes=["b", "absent"])
    assert (changed.version, changed.inserted, changed.updated, changed.deleted, changed.size) == (2, 1, 1, 1, 2)
    assert await everything(store, owner) == {"a": b"3", "c": b"4"}
    assert await store.get_many(owner, "c", ["a", "b"]) == {"a": b"3"}


async def test_absent_collection_is_not_made_unless_asked(store: RecordStore, owner: str) -> None:
    with pytest.raises(NotFoundError):
        await put(store, owner, ("a", b"1"), create=False)
    assert await store.meta(owner, "c") is None
    assert await store.names(owner) == []
    assert await store.get_many(owner, "c", ["a"]) == {}


async def test_other_attributes_or_version_conflict_and_write_nothing(store: RecordStore, owner: str) -> None:
    await put(store, owner, ("a", b"1"))
    with pytest.raises(ConflictError):
        await put(store, owner, ("b", b"2"), attributes="other")
    with pytest.raises(ConflictError):
        await put(store, owner, ("b", b"2"), expected_version=7)
    assert (await put(store, owner, ("b", b"2"), expected_version=1)).version == 2
    assert await everything(store, owner) == {"a": b"1", "b": b"2"}


async def test_replace_starts_a_new_epoch_at_version_one(store: RecordStore, owner: str) -> None:
    await put(store, owner, ("a", b"1"), ("b", b"2"))
    before = await store.meta(owner, "c")
    replaced = await put(store, owner, ("x", b"3"), replace=True, attributes="other")
    after = await store.meta(owner, "c")
    assert before and after and before.epoch != after.epoch
    assert (replaced.version, replaced.deleted, replaced.inserted, after.attributes) == (1, 2, 1, "other")
    assert await everything(store, owner) == {"x": b"3"}


async def test_replace_by_nothing_drops_and_frees_the_quota(store: RecordStore, owner: str) -> None:
    await put(store, owner, *((str(i), b"v") for i in range(50)))
    dropped = await put(store, owner, replace=True, attributes=None)
    assert (dropped.version, dropped.size, dropped.deleted) == (0, 0, 50)
    assert await store.names(owner) == []
    assert (await put(store, owner, *((str(i), b"v") for i in range(50)))).size == 50


async def test_quotas_are_of_the_owner_over_all_collections(store: RecordStore, owner: str) -> None:
    for name in "xyz":
        await store.apply(owner, name, Write(puts=[("a", b"1")], attributes="a", create=True, **LIMITS))
    with pytest.raises(LimitExceededError, match="3 collections"):
        await put(store, owner, ("a", b"1"))
    with pytest.raises(LimitExceededError, match="50 records"):
        await store.apply(owner, "x", Write(puts=[(str(i), b"1") for i in range(48)], **LIMITS))
    meta = await store.meta(owner, "x")
    assert meta and (meta.size, meta.version) == (1, 1)
    assert await store.names(owner) == ["x", "y", "z"]


async def test_changes_tell_the_last_state_of_what_changed(store: RecordStore, owner: str) -> None:
    await put(store, owner, ("a", b"1"), ("b", b"2"))
    await put(store, owner, ("c", b"3"))
    await put(store, owner, ("a", b"9"), deletes=["b"])
    meta = await store.meta(owner, "c")
    assert meta
    page = await store.changes(owner, "c", meta.epoch, 1)
    assert {change.id: change.value for change in page.changes} == {"a": b"9", "b": None, "c": b"3"}
    assert (page.version, page.complete, page.resync) == (3, True, False)
    assert (await store.changes(owner, "c", meta.epoch, 3)).changes == ()
    assert (await store.changes(owner, "c", "another epoch", 1)).resync
    assert (await store.changes(owner, "c", meta.epoch, 99)).resync


async def test_pages_never_cut_a_version_in_two(
    store: RecordStore, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records_redis, records_sqlite):
        monkeypatch.setattr(module, "PAGE", 5)
    for start in range(0, 12, 3):
        await put(store, owner, *((str(i), b"v") for i in range(start, start + 3)))
    meta = await store.meta(owner, "c")
    assert meta
    seen: list[str] = []
    since, pages = 0, 0
    while True:
        page = await store.changes(owner, "c", meta.epoch, since)
        seen += [change.id for change in page.changes]
        since, pages = page.version, pages + 1
        if page.complete:
            break
    assert sorted(seen, key=int) == [str(i) for i in range(12)]
    assert (since, pages > 2) == (4, True)


async def test_forgotten_deletes_force_a_resync(
    store: RecordStore, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records_redis, records_sqlite):
        monkeypatch.setattr(module, "TOMBSTONES", 4)
    await put(store, owner, *((str(i), b"v") for i in range(10)))
    for i in range(9):
        await put(store, owner, deletes=[str(i)])
    meta = await store.meta(owner, "c")
    assert meta and meta.size == 1
    assert (await store.changes(owner, "c", meta.epoch, 1)).resync
    late = await store.changes(owner, "c", meta.epoch, 9)
    assert [(change.id, change.value) for change in late.changes] == [("8", None)]


async def test_snapshot_reads_many_records_in_batches(store: RecordStore, owner: str) -> None:
    wanted = {f"id-{i}": bytes([i % 251]) * 40 for i in range(1200)}
    items = list(wanted.items())
    limits = {"max_collections": 1, "max_records": 5000}
    for start in (0, 1000):
        await put(store, owner, *items[start : start + 1000], **limits)
    assert await everything(store, owner) == wanted


async def test_unreachable_redis_is_unavailable(tmp_path: Path) -> None:
    client = Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    with pytest.raises(UnavailableError):
        await open_record_store(client, tmp_path).meta("o", "c")
    await client.aclose()

"""Both sides of the stream store behave alike: versions, conditions, keys, quotas, exact trimming, ends."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from app.a2a.mcp.core.stores.records import unguarded
from app.a2a.mcp.core.stores.streams import MemoryStreamStore, StreamLimits, StreamStore, StreamWrite, parse_id
from app.a2a.mcp.core.stores.streams_redis import RedisStreamStore
from app.a2a.mcp.domain.streams.reader import Filter, read_page
from app.a2a.mcp.errors import A2AError

pytestmark = pytest.mark.anyio
URI = "stream://x/progress"


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[StreamStore]:
    if request.param == "memory":
        yield MemoryStreamStore()
        return
    client = Redis.from_url(request.getfixturevalue("redis_url"))
    yield RedisStreamStore(client, unguarded)
    await client.aclose()


@pytest.fixture
def space() -> str:
    return f"n{secrets.token_hex(6)}"


def put(content: str = "1", **options: Any) -> StreamWrite:
    values: dict[str, Any] = {"operation": "put", "metadata": "{}", "publisher": "p", "mime_type": "application/json"}
    return StreamWrite(content=content, **(values | options))


async def refused(store: StreamStore, space: str, write: StreamWrite, limits: StreamLimits = StreamLimits()) -> str:  # noqa: B008 - a frozen value
    with pytest.raises(A2AError) as error:
        await store.write(space, URI, write, limits)
    return error.value.code


async def versions(store: StreamStore, space: str, after: str = "0", limit: int = 500) -> list[int]:
    page = await read_page(store, space, URI, after, limit, Filter())
    return [entry.version for entry in page.entries]


async def test_writes_are_counted_and_conditions_hold(store: StreamStore, space: str) -> None:
    first = await store.write(space, URI, put(if_version=0), StreamLimits())
    assert (first.version, first.created, first.change_type) == (1, True, "created")
    second = await store.write(space, URI, put("2", if_version=1), StreamLimits())
    assert (second.version, second.created) == (2, False) and parse_id(second.event_id) > parse_id(first.event_id)
    for stale in (1, 0):
        assert await refused(store, space, put("3", if_version=stale)) == "conflict"
    assert await versions(store, space) == [1, 2]
    found = await store.document(space, URI)
    assert found is not None and (found.content, found.version, found.event_id) == ("2", 2, second.event_id)


async def test_a_key_writes_once(store: StreamStore, space: str) -> None:
    first = await store.write(space, URI, put(idempotency_key="k"), StreamLimits())
    again = await store.write(space, URI, put("2", idempotency_key="k", if_version=7), StreamLimits())
    assert again.deduplicated and again.event_id == first.event_id and again.version == 1
    assert await versions(store, space) == [1]


async def test_append_builds_a_list_and_delete_ends_it(store: StreamStore, space: str) -> None:
    assert await refused(store, space, put("", operation="delete")) == "not_found"
    for element in ('"a"', '{"b":1}'):
        await store.write(space, URI, put(element, operation="append"), StreamLimits())
    found = await store.document(space, URI)
    assert found is not None and found.content == '["a",{"b":1}]' and await store.live(space) == [URI]
    gone = await store.write(space, URI, put("", operation="delete"), StreamLimits())
    assert (gone.version, gone.change_type) == (3, "deleted") and await store.live(space) == []
    back = await store.write(space, URI, put("{}", if_version=0), StreamLimits())
    assert (back.version, back.created) == (4, True)
    assert await refused(store, space, put("1", operation="append")) == "invalid_argument"
    assert await versions(store, space) == [1, 2, 3, 4]


async def test_trimming_is_exact_and_the_gap_is_told(store: StreamStore, space: str) -> None:
    first = (await store.write(space, URI, put("0"), StreamLimits())).event_id
    for number in range(1, 1005):
        await store.write(space, URI, put(str(number)), StreamLimits())
    page = await read_page(store, space, URI, first, 500, Filter())
    assert page.gap == page.entries[0].event_id and page.entries[0].version == 6 and page.more
    assert (await read_page(store, space, URI, "0", 1, Filter())).gap is None
    for size in (1, 7, 500):
        seen: list[int] = []
        after, more = "0", True
        while more:
            page = await read_page(store, space, URI, after, size, Filter())
            seen += [entry.version for entry in page.entries]
            after, more = page.after, page.more
            if size == 1 and len(seen) == 60:
                break
        assert seen == list(range(6, 6 + len(seen))) and len(seen) == (60 if size == 1 else 1000)


async def test_quotas_refuse_and_give_back(store: StreamStore, space: str) -> None:
    few = StreamLimits(resources=1)
    await store.write(space, URI + "/other", put(), few)
    assert await refused(store, space, put(), few) == "limit_exceeded"
    await store.write(space, URI + "/other", put("", operation="delete"), few)
    await store.write(space, URI, put(), few)
    small = StreamLimits(bytes=5000)
    assert await refused(store, space, put('"' + "x" * 5000 + '"'), small) == "limit_exceeded"
    for _ in range(20):
        await store.write(space, URI, put('"' + "x" * 1000 + '"'), small)
    kept = await versions(store, space)
    assert kept[-1] == 21 and 1 <= len(kept) <= 4


async def test_filters_pass_over_what_they_skip(store: StreamStore, space: str) -> None:
    for number in range(120):
        kind = '{"kind": "odd"}' if number % 2 else "{}"
        await store.write(space, URI, put(metadata=kind), StreamLimits())
    page = await read_page(store, space, URI, "0", 500, Filter(("updated",), {"kind": "odd"}))
    assert [entry.version for entry in page.entries] == list(range(2, 121, 2)) and not page.more
    nothing = await read_page(store, space, URI, "0", 500, Filter(("deleted",)))
    assert nothing.entries == [] and nothing.after == page.after


async def test_a_resource_ends_with_its_time(store: StreamStore, space: str) -> None:
    await store.write(space, URI, put(ttl_seconds=1), StreamLimits())
    async with asyncio.timeout(10):
        while await store.live(space):
            pass  # each question goes to the store and back
    assert [event.change_type for event in await store.read(space, URI, "0", 10)] == ["created", "deleted"]


async def test_concurrent_conditional_writes_have_one_winner(store: StreamStore, space: str) -> None:
    writes = [store.write(space, URI, put(str(n), if_version=0), StreamLimits()) for n in range(20)]
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in done) == 1

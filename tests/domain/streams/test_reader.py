"""What holds of every log, in memory and in Redis: pages, order, gaps, and writes that count once."""

import asyncio
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.a2a.mcp.core.stores.records import unguarded
from app.a2a.mcp.core.stores.streams import MemoryStreamStore, StreamLimits, StreamStore, StreamWrite, parse_id
from app.a2a.mcp.core.stores.streams_redis import RedisStreamStore
from app.a2a.mcp.domain.streams.reader import Filter, Page, as_pair, read_page
from app.a2a.mcp.errors import A2AError, ConflictError

Run = Callable[[Callable[[StreamStore, str], Awaitable[Any]]], Any]

some = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
operations = st.lists(st.sampled_from(["put", "append", "delete"]), min_size=1, max_size=30)
pages = st.integers(min_value=1, max_value=12)


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a question against a fresh resource; one loop a test, one namespace a run."""
    with asyncio.Runner() as runner:
        client = None
        if request.param == "redis":
            client = Redis.from_url(request.getfixturevalue("redis_url"))
        store: StreamStore = MemoryStreamStore() if client is None else RedisStreamStore(client, unguarded)
        yield lambda question: runner.run(question(store, f"n{secrets.token_hex(8)}"))
        if client is not None:
            runner.run(client.aclose())


def uri_of(namespace: str) -> str:
    return f"stream://{namespace}/log"


def write_of(operation: Any, content: int, **options: Any) -> StreamWrite:
    text = "" if operation == "delete" else json.dumps(content if operation == "append" else [content])
    parity = json.dumps({"parity": str(content % 2)})
    return StreamWrite(operation, text, parity, "publisher", "application/json", **options)


async def write(store: StreamStore, namespace: str, *writes: StreamWrite, kept: int = 1000) -> list[tuple[str, int]]:
    """(event id, version) of each write that was taken."""
    taken = []
    for one in writes:
        try:
            written = await store.write(namespace, uri_of(namespace), one, StreamLimits(events=kept))
        except A2AError:
            continue  # what is refused (a delete of nothing) must leave no event
        taken.append((written.event_id, written.version))
    return taken


async def read_all(store: StreamStore, namespace: str, limit: int, after: str = "0", wanted: Any = None) -> list[Page]:
    found = []
    for _ in range(200):
        page = await read_page(store, namespace, uri_of(namespace), after, limit, wanted or Filter())
        found.append(page)
        after = page.after
        if not page.more:
            return found
    raise AssertionError("a reader never came to the end")


def events_of(found: list[Page]) -> list[tuple[str, int]]:
    return [(entry.event_id, entry.version) for page in found for entry in page.entries]


def numbered(chosen: list[Any]) -> list[StreamWrite]:
    return [write_of(operation, number) for number, operation in enumerate(chosen)]


@given(chosen=operations, limit=pages)
@some
def test_pages_of_any_size_give_exactly_what_was_written_in_its_order(run: Run, chosen: list[Any], limit: int) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen))
        found = await read_all(store, namespace, limit)
        assert events_of(found) == written
        assert all(page.gap is None and len(page.entries) <= limit for page in found)
        assert all(a < b for a, b in itertools.pairwise(parse_id(event_id) for event_id, _ in written))

    run(question)


@given(chosen=operations, more=operations, limit=pages)
@some
def test_a_reader_that_goes_on_where_it_was_sees_what_came_meanwhile_and_nothing_again(
    run: Run, chosen: list[Any], more: list[Any], limit: int
) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen))
        first = await read_page(store, namespace, uri_of(namespace), "0", limit, Filter())
        written += await write(store, namespace, *numbered(more))
        rest = await read_all(store, namespace, limit, first.after)
        assert events_of([first, *rest]) == written
        end = rest[-1].after
        again = await read_page(store, namespace, uri_of(namespace), end, limit, Filter())
        assert (again.entries, again.after, again.more) == ([], end, False)

    run(question)


@given(chosen=operations, kept=st.integers(min_value=1, max_value=8), limit=pages, start=st.integers(0, 29))
@some
def test_a_trimmed_log_says_gap_exactly_where_events_are_lost(
    run: Run, chosen: list[Any], kept: int, limit: int, start: int
) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen), kept=kept)
        if not written:
            return
        cursor = min(start, len(written) - 1)
        found = await read_all(store, namespace, limit, written[cursor][0])
        lost = len(written) - kept > cursor + 1
        assert events_of(found) == written[max(cursor + 1, len(written) - kept) :]
        assert found[0].gap == (written[-kept][0] if lost else None)
        assert all(page.gap is None for page in found[1:])
        oldest = await read_all(store, namespace, limit)
        assert events_of(oldest) == written[-kept:] and oldest[0].gap is None

    run(question)


@given(chosen=operations, limit=pages, parity=st.sampled_from(["0", "1"]))
@some
def test_a_filter_takes_what_fits_and_its_cursor_passes_what_does_not(
    run: Run, chosen: list[Any], limit: int, parity: str
) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen))
        wanted = Filter(metadata={"parity": parity})
        found = await read_all(store, namespace, limit, wanted=wanted)
        every = await read_all(store, namespace, 100)
        fitting = [
            (e.event_id, e.version) for p in every for e in p.entries if json.loads(e.metadata)["parity"] == parity
        ]
        assert events_of(found) == fitting
        if written:
            assert found[-1].after == written[-1][0]

    run(question)


@given(chosen=operations, times=st.integers(min_value=2, max_value=4))
@some
def test_a_write_repeated_under_its_key_is_one_event_and_answers_as_the_first(
    run: Run, chosen: list[Any], times: int
) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        await write(store, namespace, write_of("put", 0))
        before = events_of(await read_all(store, namespace, 100))
        one = write_of("put", 1, idempotency_key="k")
        limits, uri = StreamLimits(), uri_of(namespace)
        answers = [await store.write(namespace, uri, one, limits) for _ in range(times)]
        assert len({(a.event_id, a.version, a.change_type) for a in answers}) == 1
        assert [a.deduplicated for a in answers] == [False] + [True] * (times - 1)
        assert events_of(await read_all(store, namespace, 100)) == [*before, (answers[0].event_id, answers[0].version)]

    run(question)


@given(chosen=operations, guess=st.integers(min_value=0, max_value=40))
@some
def test_a_conditional_write_is_taken_at_its_version_alone(run: Run, chosen: list[Any], guess: int) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen))
        document = await store.document(namespace, uri_of(namespace))
        version = document.version if document is not None and document.live else 0
        try:
            await store.write(namespace, uri_of(namespace), write_of("put", 99, if_version=guess), StreamLimits())
            assert guess == version
        except ConflictError as error:
            assert guess != version and str(version) in error.message
            assert events_of(await read_all(store, namespace, 100)) == written

    run(question)


@given(chosen=operations)
@some
def test_the_document_is_what_the_log_tells(run: Run, chosen: list[Any]) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        written = await write(store, namespace, *numbered(chosen))
        document = await store.document(namespace, uri_of(namespace))
        content: list[int] | None = None
        for page in await read_all(store, namespace, 100):
            for entry in page.entries:
                value = json.loads(entry.content) if entry.content else None
                content = None if value is None else value if isinstance(value, list) else [*(content or []), value]
        if document is None:
            assert not written
            return
        assert (document.event_id, document.version) == written[-1]
        assert document.live is (content is not None)
        assert content is None or json.loads(document.content) == content
        assert await store.live(namespace) == ([uri_of(namespace)] if content is not None else [])

    run(question)


@given(st.tuples(st.integers(0, 10**14), st.integers(0, 10**6)))
def test_an_event_id_is_read_as_two_numbers(pair: tuple[int, int]) -> None:
    text = f"{pair[0]}-{pair[1]}"
    assert as_pair(text) == parse_id(text) == pair
    assert as_pair(str(pair[0])) == (pair[0], 0)


def test_only_new_events_are_asked_for_by_a_dollar(run: Run) -> None:
    async def question(store: StreamStore, namespace: str) -> None:
        nothing = await read_page(store, namespace, uri_of(namespace), "$", 10, Filter())
        assert (nothing.entries, nothing.after) == ([], "0")
        written = await write(store, namespace, *numbered(["put", "put"]))
        page = await read_page(store, namespace, uri_of(namespace), "$", 10, Filter())
        assert (page.entries, page.after) == ([], written[-1][0])
        written = await write(store, namespace, write_of("put", 7))
        assert events_of(await read_all(store, namespace, 10, page.after)) == written

    run(question)

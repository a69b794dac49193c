"""Collections as a client meets them, on both stores, with files small enough to test every path."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.a2a.mcp.core.stores.records import RecordStore, open_record_store
from app.a2a.mcp.domain.vectors.keeper import IndexKeeper, Limits
from app.a2a.mcp.domain.vectors.scan import StoredMetric
from app.a2a.mcp.domain.vectors.vector_collections import Found, Query, VectorCollections, Written
from app.a2a.mcp.domain.vectors.writing import Batch, Item
from app.a2a.mcp.errors import (
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
)
from tests.domain.vectors.fakes import HashEmbedder

pytestmark = pytest.mark.anyio

SMALL = Limits(memory_rows=50, memory_bytes=2**20, ann_from=400, stale_rows=60, stale_share=0.1)


async def run(function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)


@dataclass
class World:
    """One instance of a server: a client writes and searches through it."""

    collections: VectorCollections
    keeper: IndexKeeper
    client: str

    async def write(self, *items: Item, name: str = "c", **options: Any) -> Written:
        wanted: dict[str, Any] = {"delete_ids": (), "metric": None, "create": True, "drop": False} | options
        return await self.collections.upsert(self.client, name, Batch(items, **wanted), run)

    async def find(self, *vector: float, name: str = "c", **options: Any) -> Found:
        blank: dict[str, Any] = {
            "text": None,
            "id": None,
            "top_k": 10,
            "min_similarity": None,
            "filter": None,
            "exact": False,
            "search_k": None,
        }
        return await self.collections.search(self.client, name, Query(vector or None, **(blank | options)), run)


def item(name: str, *vector: float, text: str | None = None, **metadata: Any) -> Item:
    return Item(name, vector or None, text, metadata or None)


def ids(found: Found) -> list[str]:
    return [hit.id for hit in found.hits]


@pytest.fixture(params=["redis", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, anyio_backend: str
) -> AsyncIterator[RecordStore]:
    client = Redis.from_url(redis_url) if request.param == "redis" else None
    opened = open_record_store(client, tmp_path / "state")
    yield opened
    await opened.close()
    if client is not None:
        await client.aclose()


@pytest.fixture
async def instances(store: RecordStore, tmp_path: Path) -> AsyncIterator[Callable[[], World]]:
    """Makes instances of one host: they share the store and the folder of indexes."""
    client, made = secrets.token_hex(6), []

    def make() -> World:
        keeper = IndexKeeper(store, tmp_path / "indexes", SMALL)
        made.append(keeper)
        return World(VectorCollections(store, keeper, HashEmbedder()), keeper, client)

    yield make
    for keeper in made:
        await keeper.close()


@pytest.fixture
def world(instances: Callable[[], World]) -> World:
    return instances()


ABC = (item("a", 1, 0), item("b", 0, 1), item("c", 1, 1))


async def test_upsert_answers_as_the_catalogue_says(world: World) -> None:
    assert await world.write(*ABC) == Written(2, "cosine", 3, 0, 0, 3, 1)
    assert await world.write(*ABC) == Written(2, "cosine", 0, 0, 0, 3, 1)
    with pytest.raises(InvalidArgumentError) as caught:
        await world.write(item("d", 1, 2, 3))
    (detail,) = caught.value.details
    assert (detail.path, detail.reason) == ("/items/0/vector", "dimensions 2 expected, 3 given")


async def test_search_answers_as_the_catalogue_says(world: World) -> None:
    await world.write(*ABC)
    found = await world.find(1, 0, top_k=2)
    assert [(hit.id, round(hit.similarity, 6)) for hit in found.hits] == [("a", 1.0), ("c", 0.707107)]
    assert (found.size, found.version, found.exact, found.searched) == (3, 1, True, 3)
    with pytest.raises(NotFoundError):
        await world.find(1, 0, name="unknown")
    with pytest.raises(InvalidArgumentError):
        await world.find(1, 0, 0)


async def test_a_write_is_seen_by_the_next_search_of_another_instance(instances: Callable[[], World]) -> None:
    one, two = instances(), instances()
    await one.write(*ABC)
    assert ids(await two.find(1, 0)) == ["a", "c", "b"]
    await one.write(item("a", -1, 0), delete_ids=("b",))
    found = await two.find(1, 0)
    assert (ids(found), found.version, found.size) == (["c", "a"], 2, 2)


async def test_a_collection_made_anew_forgets_the_old_one(instances: Callable[[], World]) -> None:
    one, two = instances(), instances()
    await one.write(*ABC)
    await two.find(1, 0)
    assert await one.write(item("z", 1, 2, 3), drop=True, metric="euclidean") == Written(3, "euclidean", 1, 0, 3, 1, 1)
    assert ids(await two.find(1, 2, 3)) == ["z"]
    dropped = await one.write(drop=True)
    assert (dropped.deleted, dropped.size, dropped.version, dropped.dimensions) == (1, 0, 0, None)
    assert await one.write(drop=True) == Written(None, None, 0, 0, 0, 0, 0)
    with pytest.raises(NotFoundError):
        await two.find(1, 2, 3)


async def test_neighbours_of_a_stored_vector_leave_it_out(world: World) -> None:
    await world.write(*ABC)
    assert ids(await world.find(id="a")) == ["c", "b"]
    with pytest.raises(NotFoundError):
        await world.find(id="nobody")


async def test_exactly_one_kind_of_query_is_taken(world: World) -> None:
    await world.write(*ABC)
    with pytest.raises(InvalidArgumentError, match="exactly one"):
        await world.find()
    with pytest.raises(InvalidArgumentError, match="exactly one"):
        await world.find(1, 0, id="a")


async def test_filters_select_on_metadata_by_type_and_value(world: World) -> None:
    await world.write(
        item("a", 1, 0, lang="en", year=2020, open=True),
        item("b", 1, 0.1, lang="de", year=2021.0, open=False),
        item("c", 1, 0.2, lang="en", year=1),
        item("d", 1, 0.3),
    )
    assert ids(await world.find(1, 0, filter={"lang": "en"})) == ["a", "c"]
    assert ids(await world.find(1, 0, filter={"lang": ["en", "de"], "year": 2021})) == ["b"]
    assert ids(await world.find(1, 0, filter={"open": True})) == ["a"]
    assert ids(await world.find(1, 0, filter={"open": 1})) == []
    assert ids(await world.find(1, 0, filter={"year": True})) == []


async def test_ties_break_by_id_and_floor_cuts(world: World) -> None:
    await world.write(*(item(name, 2, 0) for name in "dbca"), item("far", 0, 1), item("zero", 0, 0))
    assert ids(await world.find(1, 0, top_k=3)) == ["a", "b", "c"]
    assert ids(await world.find(1, 0, min_similarity=0.5)) == ["a", "b", "c", "d"]
    assert ids(await world.find(1, 0))[-2:] == ["far", "zero"]


async def test_texts_are_embedded_once_and_models_never_mix(world: World) -> None:
    written = await world.write(item("x", text="red apple"), item("y", text="green pear"))
    assert (written.dimensions, written.inserted) == (HashEmbedder.SIZE, 2)
    assert (await world.find(text="red apple", top_k=1)).hits[0].id == "x"
    calls = HashEmbedder.calls
    again = await world.write(item("x", text="red apple"), item("y", text="green pear"))
    assert (again.inserted, again.updated, again.version) == (0, 0, 1)
    assert HashEmbedder.calls == calls
    with pytest.raises(InvalidArgumentError, match="/items/0/vector"):
        await world.write(item("v", *[1.0] * HashEmbedder.SIZE))
    await world.write(*ABC, name="raw")
    with pytest.raises(InvalidArgumentError, match="/items/0/text"):
        await world.write(item("t", text="hello"), name="raw")
    with pytest.raises(InvalidArgumentError, match="/query_text"):
        await world.find(text="hello", name="raw")
    with pytest.raises(InvalidArgumentError, match="/items/1/text"):
        await world.write(item("s", text="good"), item("t", text="   "))


async def test_another_revision_of_the_model_is_refused(world: World, store: RecordStore) -> None:
    await world.write(item("x", text="red apple"))
    newer = World(VectorCollections(store, world.keeper, HashEmbedder("b" * 64)), world.keeper, world.client)
    with pytest.raises(ConflictError, match="drop true"):
        await newer.write(item("y", text="pear"))
    with pytest.raises(ConflictError):
        await newer.find(text="apple")
    assert (await newer.write(item("y", text="pear"), drop=True)).size == 1


async def test_bad_batches_name_every_place(world: World) -> None:
    for items, options, path in [
        ((item("a", 1, 0), item("a", 0, 1)), {}, "/items/1/id"),
        ((item("a", 1, 0),), {"delete_ids": ("a",)}, "/delete_ids/0"),
        ((Item("a", (1.0,), "text", None),), {}, "/items/0"),
        ((Item("a", None, None, None),), {}, "/items/0"),
        ((item("a", 1, 0), item("b", text="t")), {}, "/items/1/text"),
        ((), {}, "/items"),
        ((item("a", 1e-60, 0),), {}, "/items/0/vector"),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            await world.write(*items, **options)
        assert [detail.path for detail in caught.value.details] == [path]
    with pytest.raises(NotFoundError):
        await world.write(item("a", 1, 0), create=False)
    await world.write(*ABC)
    with pytest.raises(InvalidArgumentError, match="/metric"):
        await world.write(item("a", 1, 0), metric="euclidean")
    with pytest.raises(LimitExceededError):
        await world.write(*(item(str(i), *[1.0] * 600) for i in range(900)), name="big")


async def test_collections_belong_to_their_client_and_shared_ones_to_all(
    instances: Callable[[], World], store: RecordStore
) -> None:
    mine, other = instances(), instances()
    other.client = f"{mine.client}-other"
    name = f"shared/{mine.client}"
    await mine.write(*ABC)
    await mine.write(*ABC, name=name)
    with pytest.raises(NotFoundError):
        await other.find(1, 0)
    assert ids(await other.find(1, 0, name=name, top_k=1)) == ["a"]
    assert await mine.collections.names(mine.client) >= ["c"]
    assert name in await other.collections.names(other.client)
    assert "c" not in await other.collections.names(other.client)


def clustered(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.float64]:
    centres = rng.normal(size=(20, size))
    return centres[rng.integers(20, size=rows)] + 0.3 * rng.normal(size=(rows, size))


async def fill(world: World, vectors: NDArray[np.float64], first: int = 0, **options: Any) -> None:
    for start in range(0, len(vectors), 500):
        block = enumerate(vectors[start : start + 500].tolist(), first + start)
        await world.write(*(item(f"v{number:05}", *row, part=number % 7) for number, row in block), **options)


@pytest.mark.parametrize(
    ("store", "metric"),
    [("redis", "cosine"), ("sqlite", "euclidean"), ("redis", "dot_product")],
    indirect=["store"],
)
async def test_every_way_of_searching_agrees_with_brute_force(
    instances: Callable[[], World], metric: StoredMetric
) -> None:
    """Cold from the store, from files, through annoy with a tail and deletes: the exact answers are the same."""
    rng = np.random.default_rng(3)
    writer, reader = instances(), instances()
    vectors = clustered(rng, 900, 8)
    await fill(writer, vectors, metric=metric)
    await reader.find(*vectors[0])
    await reader.keeper.settled()
    late = clustered(rng, 20, 8)
    await fill(writer, late, first=900)
    await writer.write(delete_ids=tuple(f"v{number:05}" for number in range(100, 140)))
    kept = {f"v{n:05}": vectors[n] for n in range(900) if not 100 <= n < 140}
    kept |= {f"v{900 + n:05}": late[n] for n in range(20)}
    names, matrix = list(kept), np.array(list(kept.values()))
    missed = 0
    for _ in range(30):
        query = clustered(rng, 1, 8)[0]
        wanted = brute_force(names, matrix, query, metric)
        exact = await reader.find(*query, exact=True)
        assert ids(exact) == wanted
        assert exact.exact
        near = await reader.find(*query)
        assert not near.exact
        missed += len(set(wanted) - set(ids(near)))
        some = await reader.find(*query, filter={"part": 3})
        chosen = [place for place, name in enumerate(names) if int(name[1:]) % 7 == 3]
        best = brute_force([names[p] for p in chosen], matrix[chosen], query, metric)
        missed += len(set(best) - set(ids(some)))
    assert missed <= 3


def brute_force(names: list[str], matrix: NDArray[np.float64], query: NDArray[np.float64], metric: str) -> list[str]:
    if metric == "euclidean":
        scores = -np.linalg.norm(matrix - query, axis=1)
    else:
        scores = matrix @ query
        if metric == "cosine":
            scores = scores / np.linalg.norm(matrix, axis=1)
    return [names[place] for place in np.argsort(-scores)[:10]]


async def test_instances_swap_to_a_new_generation_without_a_pause(
    instances: Callable[[], World], tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    one, two = instances(), instances()
    vectors = clustered(rng, 200, 4)
    await fill(one, vectors)
    for world in (one, two):
        await world.find(*vectors[0])
    await fill(one, clustered(rng, 300, 4), first=200)
    await one.find(*vectors[0])
    await one.keeper.settled()
    (manifest,) = (tmp_path / "indexes").glob("*/MANIFEST.json")
    before = manifest.read_text()
    assert '"generation": 2' in before
    found = await two.find(*vectors[0], top_k=1)
    assert (found.hits[0].id, found.size) == ("v00000", 500)
    await two.keeper.settled()
    assert len(two.keeper._entries[(f"client:{two.client}", "c")].index.alive) == 500  # type: ignore[union-attr]
    assert (await two.find(*vectors[0])).size == 500


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
async def test_damaged_files_are_refused_and_made_again(
    instances: Callable[[], World], tmp_path: Path, damage: str
) -> None:
    rng = np.random.default_rng(5)
    vectors = clustered(rng, 600, 6)
    one = instances()
    await fill(one, vectors)
    await one.find(*vectors[0])
    await one.keeper.settled()
    (path,) = (tmp_path / "indexes").glob("*/g*.ann")
    content = path.read_bytes()
    path.unlink()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 40 * 20])
    elif damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    fresh = instances()
    found = await fresh.find(*vectors[7], top_k=1)
    assert (found.hits[0].id, found.exact) == ("v00007", True)
    await fresh.keeper.settled()
    assert not (await fresh.find(*vectors[7], top_k=1)).exact


async def test_files_of_collections_that_are_gone_are_swept(instances: Callable[[], World], tmp_path: Path) -> None:
    one, two = instances(), instances()
    await fill(one, clustered(np.random.default_rng(6), 100, 4))
    await one.find(1, 1, 1, 1)
    assert len(list((tmp_path / "indexes").iterdir())) == 1
    await one.write(drop=True)
    await two.keeper.sweep()
    assert list((tmp_path / "indexes").iterdir()) == []


async def test_a_process_holds_a_bounded_number_of_collections(store: RecordStore, tmp_path: Path) -> None:
    keeper = IndexKeeper(store, None, Limits(indexes=3))
    world = World(VectorCollections(store, keeper, HashEmbedder()), keeper, secrets.token_hex(6))
    for number in range(6):
        await world.write(*ABC, name=f"n{number}")
        await world.find(1, 0, name=f"n{number}")
    assert len(keeper._entries) == 3
    assert ids(await world.find(1, 0, name="n0", top_k=1)) == ["a"]


async def test_a_store_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    client = Redis(unix_socket_path=str(tmp_path / "none.sock"), retry=Retry(NoBackoff(), 0))
    away = open_record_store(client, tmp_path)
    keeper = IndexKeeper(away, None)
    world = World(VectorCollections(away, keeper, HashEmbedder()), keeper, "c")
    with pytest.raises(UnavailableError):
        await world.find(1, 0)
    with pytest.raises(UnavailableError):
        await world.write(*ABC)
    await client.aclose()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_files_too_old_to_catch_up_from_are_written_anew(
    instances: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.a2a.mcp.core.stores.records_sqlite.TOMBSTONES", 5)
    one = instances()
    await fill(one, clustered(np.random.default_rng(8), 100, 4))
    await one.find(1, 1, 1, 1)
    await one.write(delete_ids=tuple(f"v{number:05}" for number in range(70)))
    await one.write(delete_ids=("v00070",))
    await one.write(delete_ids=("v00071",))
    for world in (instances(), one):
        found = await world.find(1, 1, 1, 1, top_k=100)
        assert (found.size, found.version, len(found.hits)) == (28, 4, 28)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_failed_build_leaves_the_scan_in_charge(
    instances: Callable[[], World], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    one = instances()
    vectors = clustered(np.random.default_rng(9), 600, 4)
    await fill(one, vectors)
    await one.find(*vectors[0])
    await one.keeper.settled()
    assert "exit code 1" in caplog.text
    assert (await one.find(*vectors[0])).exact

"""The files behind collections: built, swapped, damaged, swept - and every way of searching agrees with brute force."""

import secrets
from collections.abc import Callable
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
from app.a2a.mcp.domain.vectors.vector_collections import VectorCollections
from app.a2a.mcp.errors import (
    UnavailableError,
)
from tests.domain.vectors.collections_world import ABC, World, ids, item
from tests.domain.vectors.fakes import HashEmbedder

pytestmark = pytest.mark.anyio


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

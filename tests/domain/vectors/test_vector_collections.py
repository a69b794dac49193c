"""Collections as a client meets them, on both stores."""

from collections.abc import Callable

import pytest

from app.a2a.mcp.core.stores.records import RecordStore
from app.a2a.mcp.domain.vectors.vector_collections import VectorCollections, Written
from app.a2a.mcp.domain.vectors.writing import Item
from app.a2a.mcp.errors import (
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
)
from tests.domain.vectors.collections_world import ABC, World, ids, item
from tests.domain.vectors.fakes import HashEmbedder

pytestmark = pytest.mark.anyio


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

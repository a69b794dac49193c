"""The five tools of vector_similarity through the official client: every catalogue example, and its refusals."""

import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.domain.embedding import Embedder, open_embedder
from app.a2a.mcp.domain.embedding.weights import WEIGHTS_SHA256
from app.a2a.mcp.servers import vector_similarity_mcp_server as menu

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]
Ask = Callable[..., Any]
CANDIDATES = [{"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [0, 1]}, {"id": "c", "vector": [1, 1]}]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return open_embedder([tmp_path_factory.mktemp("weights")])


@pytest.fixture
async def connect(
    client_for: Connect, model: Embedder, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> AsyncIterator[Callable[..., Any]]:
    """Makes clients of instances that load no weights of their own."""
    monkeypatch.setattr(menu, "open_embedder", lambda directories: model)
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Ask:
            client = await stack.enter_async_context(client_for(menu.server, **options))

            async def ask(tool: str, **arguments: Any) -> Any:
                result = await client.call_tool(tool, arguments)
                return result.structured_content

            ask.client = client  # type: ignore[attr-defined]
            return ask

        yield make


@pytest.fixture
async def ask(connect: Callable[..., Any]) -> Ask:
    made: Ask = await connect()
    return made


def refusal(answer: Any) -> tuple[str, list[str]]:
    error = answer["error"]
    return error["code"], [detail["path"] for detail in error["details"]]


async def test_pair_examples_of_the_catalogue(ask: Ask) -> None:
    pair = {"vector1": [1, 2, 3], "vector2": [4, 5, 6]}
    cosine = await ask("calculate_vector_similarity", **pair)
    assert cosine["similarity"] == pytest.approx(32 / math.sqrt(1078))
    assert cosine["distance"] == pytest.approx(0.025368, abs=1e-6)
    rest = {key: cosine[key] for key in ("metric", "normalized", "vector_dimensions", "degenerate")}
    assert rest == {"metric": "cosine", "normalized": True, "vector_dimensions": 3, "degenerate": False}
    euclidean = await ask("calculate_vector_similarity", **pair, metric="euclidean")
    assert (euclidean["distance"], euclidean["similarity"]) == pytest.approx((5.196152, 0.161390), abs=1e-6)
    assert euclidean["normalized"] is False
    manhattan = await ask("calculate_vector_similarity", **pair, metric="manhattan")
    assert (manhattan["distance"], manhattan["similarity"]) == pytest.approx((9, 0.1))
    sets = {"vector1": [1, 1, 0, 0], "vector2": [1, 0, 1, 0]}
    assert (await ask("calculate_vector_similarity", **sets, metric="jaccard"))["similarity"] == pytest.approx(1 / 3)
    hamming = await ask("calculate_vector_similarity", **sets, metric="hamming")
    assert (hamming["distance"], hamming["similarity"]) == (2, 0.5)


async def test_pair_refusals_name_the_place(ask: Ask) -> None:
    for arguments, code, paths in [
        ({"vector1": [1], "vector2": [1, 2]}, "invalid_argument", ["/vector2"]),
        ({"vector1": [1, 2], "vector2": [1, 0], "normalize": False}, "invalid_argument", ["/vector1"]),
        ({"vector1": [1], "vector2": [1], "binarize_threshold": 0.5}, "invalid_argument", ["/binarize_threshold"]),
        ({"vector1": ["1"], "vector2": [1]}, "invalid_argument", ["/vector1/0"]),
        ({"vector1": [True], "vector2": [1]}, "invalid_argument", ["/vector1/0"]),
        ({"vector1": [], "vector2": [1]}, "invalid_argument", ["/vector1"]),
        ({"vector1": [1], "vector2": [1], "metric": "minkowski"}, "invalid_argument", ["/metric"]),
        ({"vector1": [1], "vector2": [1], "power": 3}, "invalid_argument", ["/power"]),
        ({"vector1": [1] * 4097, "vector2": [1]}, "limit_exceeded", ["/vector1"]),
        ({"vector1": [1e308], "vector2": [1e308], "metric": "dot_product"}, "invalid_argument", ["/vector2"]),
    ]:
        assert refusal(await ask("calculate_vector_similarity", **arguments)) == (code, paths)


async def test_batch_examples_of_the_catalogue(ask: Ask) -> None:
    wanted = {"query_vector": [1, 0], "candidate_vectors": CANDIDATES, "top_k": 2}
    answer = await ask("batch_vector_similarity", **wanted)
    assert [(r["id"], r["rank"], round(r["similarity"], 6)) for r in answer.pop("results")] == [
        ("a", 1, 1.0),
        ("c", 2, 0.707107),
    ]
    assert answer == {
        "query_vector_dim": 2,
        "candidates_processed": 3,
        "results_returned": 2,
        "metric_used": "cosine",
        "threshold_applied": None,
    }
    above = await ask("batch_vector_similarity", **wanted, threshold=0.8, include_vectors=True)
    assert [(r["id"], r["vector"]) for r in above["results"]] == [("a", [1, 0])]
    twice = await ask("batch_vector_similarity", query_vector=[1, 0], candidate_vectors=CANDIDATES + CANDIDATES[:1])
    assert refusal(twice) == ("invalid_argument", ["/candidate_vectors/3/id"])
    longer = [*CANDIDATES, {"id": "d", "vector": [1, 2, 3]}]
    mixed = await ask("batch_vector_similarity", query_vector=[1, 0], candidate_vectors=longer)
    assert refusal(mixed) == ("invalid_argument", ["/candidate_vectors/3/vector"])


async def test_collection_examples_of_the_catalogue(ask: Ask) -> None:
    first = await ask("upsert_vectors", collection="abc", items=CANDIDATES)
    wanted = {"dimensions": 2, "metric": "cosine", "inserted": 3, "updated": 0, "deleted": 0, "size": 3, "version": 1}
    assert first == {"collection": "abc"} | wanted
    again = await ask("upsert_vectors", collection="abc", items=CANDIDATES)
    assert again == {"collection": "abc"} | wanted | {"inserted": 0}
    other = await ask("upsert_vectors", collection="abc", items=[{"id": "d", "vector": [1, 2, 3]}])
    assert other["error"]["details"] == [{"path": "/items/0/vector", "reason": "dimensions 2 expected, 3 given"}]
    found = await ask("search_vectors", collection="abc", query_vector=[1, 0], top_k=2)
    assert [(r["id"], round(r["similarity"], 6), r["metadata"]) for r in found.pop("results")] == [
        ("a", 1.0, {}),
        ("c", 0.707107, {}),
    ]
    assert found == {"collection_size": 3, "version": 1, "exact": True, "searched": 3}
    assert refusal(await ask("search_vectors", collection="none", query_vector=[1, 0])) == ("not_found", [])
    short = await ask("search_vectors", collection="abc", query_vector=[1, 2, 3])
    assert refusal(short) == ("invalid_argument", ["/query_vector"])
    gone = await ask("upsert_vectors", collection="abc", drop=True)
    assert (gone["deleted"], gone["size"], gone["dimensions"]) == (3, 0, None)


async def test_collection_refusals_name_the_place(ask: Ask) -> None:
    item = {"id": "a", "vector": [1, 0]}
    for arguments, code, paths in [
        ({"collection": "Bad Name", "items": [item]}, "invalid_argument", ["/collection"]),
        ({"collection": "other/c", "items": [item]}, "invalid_argument", ["/collection"]),
        ({"collection": "c", "items": [{"id": "a"}]}, "invalid_argument", ["/items/0"]),
        ({"collection": "c", "items": [item | {"text": "x"}]}, "invalid_argument", ["/items/0"]),
        ({"collection": "c", "items": [item], "metric": "jaccard"}, "invalid_argument", ["/metric"]),
        ({"collection": "c", "items": [item], "if_absent": "error"}, "not_found", []),
        ({"collection": "c", "items": [item] * 1001}, "limit_exceeded", ["/items"]),
        ({"collection": "c", "items": [item], "delete_ids": ["a"]}, "invalid_argument", ["/delete_ids/0"]),
        ({"collection": "c", "items": [{"id": "a", "vector": [1e16]}]}, "invalid_argument", ["/items/0/vector/0"]),
        ({"collection": "c", "items": [item | {"metadata": {"k": [1]}}]}, "invalid_argument", ["/items/0/metadata/k"]),
        (
            {"collection": "c", "items": [item | {"metadata": {"k": "x" * 1001}}]},
            "invalid_argument",
            ["/items/0/metadata/k"],
        ),
        ({"collection": "c", "items": [{"id": "a", "text": " \t"}]}, "invalid_argument", ["/items/0/text"]),
    ]:
        assert refusal(await ask("upsert_vectors", **arguments)) == (code, paths)
    await ask("upsert_vectors", collection="c", items=[item])
    assert refusal(await ask("search_vectors", collection="c"))[0] == "invalid_argument"
    for wrong in ({"k": {}}, {"k": []}, {"k": [None]}):
        answer = await ask("search_vectors", collection="c", query_vector=[1, 0], filter=wrong)
        assert refusal(answer) == ("invalid_argument", ["/filter/k"])
    both = await ask("search_vectors", collection="c", query_vector=[1, 0], query_id="a")
    assert refusal(both)[0] == "invalid_argument"


async def test_texts_are_stored_and_found_by_meaning(ask: Ask, model: Embedder) -> None:
    texts = {"cat": "The cat sleeps on the chair.", "rate": "Interest rates rose again.", "pasta": "Boil the pasta."}
    items = [{"id": key, "text": text, "metadata": {"n": len(text), "ok": True}} for key, text in texts.items()]
    written = await ask("upsert_vectors", collection="texts", items=items)
    assert (written["dimensions"], written["inserted"]) == (512, 3)
    found = await ask("search_vectors", collection="texts", query_text="El gato duerme en la silla.", top_k=1)
    assert found["results"][0]["id"] == "cat"
    assert found["results"][0]["similarity"] == pytest.approx(0.8701, abs=0.002)
    assert found["results"][0]["metadata"] == {"n": 28, "ok": True}
    some = await ask("search_vectors", collection="texts", query_id="cat", filter={"n": [26, 15], "ok": True})
    assert {r["id"] for r in some["results"]} == {"rate", "pasta"}
    again = await ask("upsert_vectors", collection="texts", items=items[:2])
    assert (again["version"], again["updated"]) == (1, 0)


async def test_embedding_examples_of_the_catalogue(ask: Ask) -> None:
    answer = await ask("embed_texts", texts=["car", "automobile", "banana"])
    car, automobile, banana = np.array(answer["vectors"])
    assert np.linalg.norm(answer["vectors"], axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    assert car @ automobile == pytest.approx(0.8969, abs=0.001)
    assert car @ banana == pytest.approx(0.2277, abs=0.001)
    model = {"name": "universal-sentence-encoder-multilingual-v3", "revision_sha256": WEIGHTS_SHA256}
    assert (answer["dimensions"], answer["model"], answer["truncated"]) == (512, model, [])
    half = await ask("embed_texts", texts=["car", "automobile"], dimensions=256)
    assert np.linalg.norm(half["vectors"], axis=1) == pytest.approx([1, 1], abs=1e-6)
    shorter = await ask("embed_texts", texts=["car"], dimensions=256, normalize=False)
    assert 0.5 < np.linalg.norm(shorter["vectors"][0]) < 1
    assert refusal(await ask("embed_texts", texts=[""])) == ("invalid_argument", ["/texts/0"])
    assert refusal(await ask("embed_texts", texts=["ok", " \u200b"])) == ("invalid_argument", ["/texts/1"])
    assert refusal(await ask("embed_texts", texts=["x"] * 257)) == ("limit_exceeded", ["/texts"])
    assert refusal(await ask("embed_texts", texts=["x" * 8000] * 40)) == ("limit_exceeded", ["/texts"])
    assert refusal(await ask("embed_texts", texts=["x"], dimensions=128)) == ("invalid_argument", ["/dimensions"])


async def test_a_reader_sees_all_but_the_writing_tool(connect: Callable[..., Any]) -> None:
    reader = await connect(permissions={"read"})
    listed = [tool.name for tool in (await reader.client.list_tools()).tools]
    assert len(listed) == 4
    assert "upsert_vectors" not in listed
    refused = await reader("upsert_vectors", collection="c", items=CANDIDATES)
    assert refusal(refused)[0] == "permission_denied"


async def test_instances_share_collections_through_redis(
    connect: Callable[..., Any], redis_url: str, tmp_path: Path
) -> None:
    one = await connect(redis_url=redis_url, client_id="sharer", mcp_state_directory=tmp_path / "one")
    await one("upsert_vectors", collection="r", items=CANDIDATES, drop=True)
    two = await connect(redis_url=redis_url, client_id="sharer", mcp_state_directory=tmp_path / "two")
    found = await two("search_vectors", collection="r", query_vector=[0, 1], top_k=1)
    assert found["results"][0]["id"] == "b"
    three = await connect(redis_url=redis_url, client_id="stranger", mcp_state_directory=tmp_path / "three")
    assert refusal(await three("search_vectors", collection="r", query_vector=[0, 1]))[0] == "not_found"


async def test_resources_tell_live_values(ask: Ask) -> None:
    await ask("upsert_vectors", collection="mine", items=CANDIDATES)
    client = ask.client  # type: ignore[attr-defined]
    metrics = json.loads((await client.read_resource("vectorsim://calculator/metrics")).contents[0].text)
    assert metrics["metrics"]["cosine"]["similarity"] == "-1..1"
    assert metrics["collections"] == ["mine"]
    model = json.loads((await client.read_resource("vectorsim://model")).contents[0].text)
    assert (model["revision_sha256"], model["dimensions"]) == (WEIGHTS_SHA256, [512, 256])


async def test_prompt_names_tools_and_completes(ask: Ask) -> None:
    client = ask.client  # type: ignore[attr-defined]
    arguments = {"similarity_results": '{"similarity": 0.5}', "analysis_focus": "threshold"}
    prompt = await client.get_prompt("vector_similarity_analysis", arguments)
    assert "batch_vector_similarity" in prompt.messages[0].content.text
    for wrong in ({"similarity_results": "not json"}, arguments | {"analysis_focus": "mood"}):
        with pytest.raises(MCPError):
            await client.get_prompt("vector_similarity_analysis", wrong)
    reference = PromptReference(type="ref/prompt", name="vector_similarity_analysis")
    completed = await client.complete(reference, {"name": "analysis_focus", "value": "T"})
    assert completed.completion.values == ["threshold"]


async def test_every_example_is_answered(ask: Ask) -> None:
    for name in ("upsert_vectors", *menu.server.tools):
        for example in menu.server.tools[name].examples:
            assert "error" not in await ask(name, **example)


async def test_the_largest_batch_is_ranked_in_time(ask: Ask, make_settings: Callable[..., Settings]) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(1000, 499)).round(4).tolist()
    candidates = [{"id": str(number), "vector": row} for number, row in enumerate(rows)]
    answer = await ask(
        "batch_vector_similarity", query_vector=rows[3], candidate_vectors=candidates, metric="manhattan"
    )
    assert answer["results"][0]["id"] == "3"

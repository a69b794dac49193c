"""The five tools of vector_ranking through the official client: every catalogue example, and its refusals."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.servers import vector_ranking_mcp_server as menu
from tests.servers.asking import Ask, check_tools_named
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio


APPLES = [
    {"id": "d1", "text": "apple pie recipe", "vector": [1, 0]},
    {"docId": "d2", "content": "apple phone", "embedding": [0, 1]},
    {"id": "d3", "text": "banana bread", "vector": [0.6, 0.8]},
]
WORDS_AND_VECTORS = {"vectorSimilarity": 0.4, "bm25Score": 0.3, "pageRankScore": 0, "contextualRelevance": 0}
ABC = [{"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [0.99, 0.1]}, {"id": "c", "vector": [0.6, 0.8]}]
SIZE = 512


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


@pytest.fixture
def sister_answers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """vector_similarity with a model that knows two ideas, without the wire; the batches it was asked."""
    asked: list[list[str]] = []

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        assert (service, tool) == ("vector_similarity", "embed_texts")
        asked.append(arguments["texts"])
        vectors = [[float("car" in t), float("fruit" in t)] + [0.0] * (SIZE - 2) for t in arguments["texts"]]
        return {"vectors": vectors, "model": {"name": "two ideas", "revision_sha256": "0" * 64}, "truncated": []}

    monkeypatch.setattr(Sisters, "call", call)
    return asked


def scores(found: Mapping[str, Any]) -> dict[str, float]:
    return {one["id"]: one["hybridScore"] for one in found["ranked_results"]}


# 18 hybrid_ranking_search


async def test_words_and_vectors_rank_together(ask: Ask) -> None:
    arguments = {"query": "apple", "candidate_documents": APPLES, "query_vector": [1, 0], "apply_diversity": False}
    found = await ask("hybrid_ranking_search", **arguments, ranking_weights=WORDS_AND_VECTORS)
    assert scores(found) == pytest.approx({"d1": 0.932724, "d2": 0.428571, "d3": 0.342857}, abs=1e-6)
    assert [one["rank"] for one in found["ranked_results"]] == [1, 2, 3]
    metadata = found["ranking_metadata"]
    assert metadata["components_used"] == ["vectorSimilarity", "bm25Score"]
    assert {one["name"] for one in metadata["components_skipped"]} == {"pageRankScore", "contextualRelevance"}
    assert (metadata["fusion"], metadata["diversity_applied"], metadata["degraded"]) == ("weighted", False, False)
    assert (metadata["total_candidates"], found["performance_metrics"]["embedded_texts"]) == (3, 0)
    found = await ask("hybrid_ranking_search", **arguments, ranking_weights=WORDS_AND_VECTORS, fusion="rrf")
    assert scores(found) == pytest.approx({"d1": 0.032522, "d2": 0.016393, "d3": 0.016129}, abs=1e-6)


async def test_context_prefers_categories_and_the_recent(ask: Ask) -> None:
    documents = [
        {"id": "old", "text": "x", "timestamp": "2026-01-01", "categories": ["News"]},
        {"id": "new", "text": "x", "timestamp": "2026-06-30T00:00:00Z", "categories": ["sport"]},
    ]
    context = {
        "user_preferences": {"preferred_categories": ["news"]},
        "recency_weight": 0.25,
        "reference_time": "2026-06-30",
    }
    found = await ask("hybrid_ranking_search", query="y", candidate_documents=documents, search_context=context)
    parts = {one["id"]: one["rankingComponents"]["contextualRelevance"] for one in found["ranked_results"]}
    assert parts == pytest.approx({"old": 0.75 + 0.25 * 0.5, "new": 0.25})


async def test_missing_vectors_are_embedded_in_one_call(ask: Ask, sister_answers: list[list[str]]) -> None:
    documents = [{"id": "a", "text": "a car"}, {"id": "b", "text": "some fruit"}, {"id": "c"}]
    found = await ask("hybrid_ranking_search", query="car", candidate_documents=documents, embed_missing=True)
    assert sister_answers == [["car", "a car", "some fruit"]]
    by_id = {one["id"]: one for one in found["ranked_results"]}
    assert by_id["a"]["rankingComponents"]["vectorSimilarity"] == 1.0
    assert by_id["b"]["rankingComponents"]["vectorSimilarity"] == 0.0
    assert by_id["c"]["components_missing"] == ["vectorSimilarity", "bm25Score"]
    assert found["performance_metrics"]["embedded_texts"] == 3
    assert found["ranking_metadata"]["degraded"] is False


async def test_without_the_embedding_server_the_rest_decides(ask: Ask, sister_is_away: None) -> None:
    documents = [{"id": "a", "text": "a car"}, {"id": "b", "text": "some fruit"}]
    found = await ask("hybrid_ranking_search", query="car", candidate_documents=documents, embed_missing=True)
    assert found["ranking_metadata"]["degraded"] is True
    assert found["ranking_metadata"]["weights_used"] == {"bm25Score": 1.0}
    assert scores(found) == {"a": 1.0, "b": 0.0}


async def test_vectors_of_two_models_are_not_mixed(ask: Ask, sister_answers: list[list[str]]) -> None:
    arguments = {"query": "car", "candidate_documents": [*APPLES, {"id": "d4", "text": "a car"}], "embed_missing": True}
    refused = await ask("hybrid_ranking_search", error=True, query_vector=[1, 0], **arguments)
    assert (refused["code"], refused["details"][0]["path"]) == ("invalid_argument", "/embed_missing")


# 19 calculate_bm25_scores


async def test_words_are_scored_by_the_variant_asked_for(ask: Ask) -> None:
    texts = ["the cat sat", "the dog sat", "cat cat dog"]
    documents = [{"id": str(n), "text": text} for n, text in enumerate(texts, 1)]
    found = await ask("calculate_bm25_scores", query="cat", documents=documents)
    assert found["scores"] == pytest.approx({"1": 0.213638, "2": 0, "3": 0.293752}, abs=1e-6)
    assert found["corpus_stats"] == {"total_documents": 3, "avg_doc_length": 3.0, "total_tokens": 9}
    assert "score_details" not in found
    found = await ask("calculate_bm25_scores", query="Cat", documents=documents, variant="atire", return_details=True)
    assert found["scores"] == pytest.approx({"1": 0.405465, "2": 0, "3": 0.557515}, abs=1e-6)
    assert found["score_details"]["3"]["terms"][0]["frequency"] == 2
    assert found["score_details"]["2"]["terms"] == []
    found = await ask("calculate_bm25_scores", query="cat", documents=documents, normalize="max")
    assert found["scores"]["3"] == 1.0


# 20 calculate_pagerank_scores


async def test_authority_comes_from_links(ask: Ask) -> None:
    found = await ask("calculate_pagerank_scores", documents=[{"id": "A", "links": ["B"]}, {"id": "B"}])
    assert found["scores"] == pytest.approx({"A": 0.350877, "B": 0.649123}, abs=1e-6)
    assert found["metadata"]["dangling"] == ["B"]
    documents = [{"id": "A", "links": ["B", {"id": "C"}]}, {"id": "B", "references": ["C"]}]
    documents += [{"id": "C", "related_documents": ["A", "gone"]}, {"id": "D", "links": ["C"]}]
    found = await ask("calculate_pagerank_scores", documents=documents)
    assert list(found["scores"].values()) == pytest.approx([0.372527, 0.195824, 0.394149, 0.0375], abs=1e-6)
    assert (found["metadata"]["num_links"], found["metadata"]["unknown_targets"]) == (5, ["gone"])
    found = await ask("calculate_pagerank_scores", documents=documents, iterations=1, relationship_types=["unknown"])
    assert (found["metadata"]["converged"], found["metadata"]["iterations_run"]) == (False, 1)


# 21 rank_vectors


async def test_vectors_are_ranked_and_diversified(ask: Ask) -> None:
    found = await ask("rank_vectors", query_vector=[1, 0], document_vectors=ABC)
    assert [one["id"] for one in found["results"]] == ["a", "b", "c"]
    assert found["similarities"] == pytest.approx({"a": 1.0, "b": 0.994937, "c": 0.6}, abs=1e-6)
    assert "mmr_score" not in found["results"][0]
    found = await ask("rank_vectors", query_vector=[1, 0], document_vectors=ABC, mmr_lambda=0.3)
    assert [one["id"] for one in found["results"]] == ["a", "c", "b"]
    assert [one["mmr_score"] for one in found["results"]] == pytest.approx([0.3, -0.24, -0.397975], abs=1e-6)
    found = await ask("rank_vectors", query_vector=[1, 0], document_vectors=ABC, mmr_lambda=1, top_k=2)
    assert [one["id"] for one in found["results"]] == ["a", "b"]
    found = await ask("rank_vectors", query_vector=[1, 0], document_vectors=[{"id": "z", "vector": [0, 0]}])
    assert found["metadata"]["degenerate"] == ["z"]


# 22 fuse_rankings


async def test_rankings_are_merged(ask: Ask) -> None:
    ranks = [
        {"name": "x", "results": [{"id": "a"}, {"id": "b"}, {"id": "c"}]},
        {"name": "y", "results": [{"id": "b"}, {"id": "d"}, {"id": "a"}]},
    ]
    found = await ask("fuse_rankings", rankings=ranks, top_k=3)
    assert [one["id"] for one in found["results"]] == ["b", "a", "d"]
    assert [one["score"] for one in found["results"]] == pytest.approx([0.032522, 0.032266, 0.016129], abs=1e-6)
    assert found["results"][2]["contributions"] == {"y": pytest.approx(1 / 62)}
    assert (found["method"], found["lists_fused"]) == ("rrf", 2)
    refused = await ask("fuse_rankings", rankings=ranks, method="combsum", error=True)
    assert refused["details"][0]["path"] == "/rankings/0/results"


# all of them


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "code"),
    [
        (
            "hybrid_ranking_search",
            {"query": "x", "candidate_documents": [{"id": "a"}, {"docId": "a"}]},
            "/candidate_documents/1/docId",
            "invalid_argument",
        ),
        (
            "hybrid_ranking_search",
            {"query": "x", "candidate_documents": [{"id": "a", "vector": [1]}, {"id": "b", "vector": [1, 2]}]},
            "/candidate_documents/1/vector",
            "invalid_argument",
        ),
        (
            "hybrid_ranking_search",
            {"query": "x", "candidate_documents": [{"id": "a", "timestamp": "today"}]},
            "/candidate_documents/0/timestamp",
            "invalid_argument",
        ),
        (
            "hybrid_ranking_search",
            {
                "query": "x",
                "candidate_documents": [{"id": "a"}],
                "ranking_weights": dict.fromkeys(WORDS_AND_VECTORS, 0),
            },
            "/ranking_weights",
            "invalid_argument",
        ),
        ("calculate_bm25_scores", {"query": "x", "documents": [{"text": "x"}]}, "/documents/0", "invalid_argument"),
        ("calculate_bm25_scores", {"query": "x", "documents": [{"id": "a"}] * 1001}, "/documents", "limit_exceeded"),
        ("calculate_bm25_scores", {"query": "x", "documents": [{"id": "a"}], "b": 2}, "/b", "invalid_argument"),
        (
            "calculate_pagerank_scores",
            {"documents": [{"id": "a"}], "personalization": {"b": 1}},
            "/personalization/b",
            "invalid_argument",
        ),
        (
            "rank_vectors",
            {"query_vector": [1], "document_vectors": [{"id": "a"}]},
            "/document_vectors/0",
            "invalid_argument",
        ),
        ("fuse_rankings", {"rankings": [{"name": "x", "results": []}]}, "/rankings", "invalid_argument"),
        (
            "fuse_rankings",
            {"rankings": [{"name": "x", "results": [{"id": "a"}, {"id": "a"}]}, {"name": "y", "results": []}]},
            "/rankings/0/results/1/id",
            "invalid_argument",
        ),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_where_they_lie(
    ask: Ask, tool: str, arguments: dict[str, Any], path: str, code: str
) -> None:
    assert await ask.refusal(tool, **arguments) == (code, path)


async def test_all_five_are_pure_and_their_examples_work(ask: Ask) -> None:
    await ask.check_pure_and_exemplary(menu.server, tools=5)


async def test_largest_ranking_is_made_in_time(ask: Ask) -> None:
    documents = [
        {"id": f"d{n}", "text": f"word{n % 7} " * 40, "vector": [float((n * k) % 11) for k in range(256)]}
        for n in range(1000)
    ]
    found = await ask("hybrid_ranking_search", query="word1 word2", candidate_documents=documents, top_k=1000)
    assert len({one["id"] for one in found["ranked_results"]}) == 1000


async def test_config_shows_the_defaults_in_use(ask: Ask) -> None:
    config = await ask.read("ranking://config/default")
    assert sum(config["ranking_weights"].values()) == pytest.approx(1.0)
    assert config["bm25"] == {"k1": 1.2, "b": 0.75, "variant": "lucene", "variants": ["lucene", "atire", "robertson"]}
    assert config["limits"]["documents"] == 1000


async def test_prompt_names_tools_that_exist(ask: Ask) -> None:
    for kind in ("overview", "weights", "diversity", "relevance"):
        arguments = {"ranked_results": '[{"id": "ä"}]', "analysis_type": kind}
        text = await ask.prompt("ranking_analysis", **arguments)
        assert '[{"id": "ä"}]' in text
        check_tools_named(
            menu.server, text, r"\b(?:calculate_\w+_scores|rank_vectors|fuse_rankings|hybrid_ranking_search)\b"
        )


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"ranked_results": "first: a"}, "/ranked_results"),
        ({"ranked_results": "5"}, "/ranked_results"),
        ({"ranked_results": "[]", "analysis_type": "magic"}, "/analysis_type"),
    ],
)
async def test_prompt_refuses_what_it_cannot_read(ask: Ask, arguments: dict[str, str], path: str) -> None:
    with pytest.raises(MCPError, match=path):
        await ask.prompt("ranking_analysis", **arguments)


async def test_kinds_of_analysis_are_completed(ask: Ask) -> None:
    reference = PromptReference(name="ranking_analysis")
    complete = ask.client.complete
    found = await complete(reference, {"name": "analysis_type", "value": "D"})
    assert found.completion.values == ["diversity"]
    assert (await complete(reference, {"name": "ranked_results", "value": ""})).completion.values == []


async def test_vectors_are_ranked_under_the_former_name_as_well(ask: Ask) -> None:
    arguments = {"query_vector": [1, 0], "document_vectors": [{"docId": "a", "embedding": [1, 0]}]}
    assert (await ask("calculate_vector_similarity", **arguments)) == (await ask("rank_vectors", **arguments))

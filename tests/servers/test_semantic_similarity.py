"""The seven tools of semantic_similarity through the official client: every catalogue example, and its refusals.

Semantic values are pinned to the weights in use (universal-sentence-encoder-multilingual-v3): they are the reference
for a later change of the loader, and their order is the catalogue's.
"""

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.domain.embedding import Embedder, open_embedder
from app.a2a.mcp.errors import UnavailableError
from app.a2a.mcp.servers import semantic_similarity_mcp_server as menu
from tests.servers.asking import Ask, check_tools_named
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]

CAT_PAIR = {"text1": "the cat sat on the mat", "text2": "the cat lay on the rug"}
PASSWORDS_AND_PASTA = [
    "reset my password",
    "change my password",
    "password reset help",
    "best pasta recipe",
    "pasta cooking tips",
    "how to cook pasta",
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for the mapped weights of all tests here."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def model(weights: Path) -> Embedder:
    return open_embedder([weights])


@pytest.fixture
def sister_answers(monkeypatch: pytest.MonkeyPatch, model: Embedder) -> list[list[str]]:
    """vector_similarity as it answers, without the wire; the batches it was asked."""
    asked: list[list[str]] = []

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        assert (service, tool) == ("vector_similarity", "embed_texts")
        asked.append(arguments["texts"])
        name = {"name": model.model.name, "revision_sha256": model.model.revision_sha256}
        return {"vectors": model.embed(arguments["texts"]).vectors.tolist(), "model": name, "truncated": []}

    monkeypatch.setattr(Sisters, "call", call)
    return asked


@pytest.fixture
async def ask(asking: Asking, weights: Path) -> AsyncIterator[Ask]:
    async with asking(menu.server, mcp_state_directory=weights) as ask:
        yield ask


# 45 calculate_text_similarity


async def test_pair_is_scored_by_words_and_by_spelling(ask: Ask) -> None:
    assert (await ask("calculate_text_similarity", **CAT_PAIR, method="jaccard"))["similarity"] == pytest.approx(0.2)
    found = await ask("calculate_text_similarity", **CAT_PAIR, method="cosine")
    assert found["similarity"] == pytest.approx(0.333333, abs=1e-6)
    found = await ask("calculate_text_similarity", text1="kitten", text2="sitting", method="edit")
    assert found["similarity"] == pytest.approx(0.571429, abs=1e-6)
    assert found["degraded"] is False
    assert "model" not in found


async def test_pair_is_scored_by_meaning_and_by_the_mix(
    ask: Ask, sister_answers: list[list[str]], model: Embedder
) -> None:
    found = await ask("calculate_text_similarity", **CAT_PAIR, method="semantic")
    assert found["similarity"] == pytest.approx(0.799608, abs=1e-4)
    assert found["model"] == {"name": model.model.name, "revision_sha256": model.model.revision_sha256}
    assert found["degraded"] is False
    found = await ask("calculate_text_similarity", **CAT_PAIR, return_components=True)
    assert found["similarity"] == pytest.approx(0.479843, abs=1e-4)
    assert list(found["components"]) == ["jaccard", "cosine", "semantic"]
    assert found["common_concepts"] == {"direct_matches": ["cat"], "stem_matches": [], "synonym_matches": []}


async def test_synonyms_and_stems_are_common_concepts(ask: Ask) -> None:
    found = await ask(
        "calculate_text_similarity",
        text1="He repairs the car",
        text2="Repairing an automobile",
        method="cosine",
        return_components=True,
    )
    assert found["common_concepts"]["stem_matches"] == ["repair"]
    assert found["common_concepts"]["synonym_matches"] == [{"word1": "car", "word2": "automobile"}]


async def test_flags_show_what_the_embedding_does_not_see(ask: Ask, sister_answers: list[list[str]]) -> None:
    found = await ask("calculate_text_similarity", text1="this is good", text2="this is not good", method="semantic")
    assert found["similarity"] > 0.7
    assert found["flags"]["negation_mismatch"] is True
    found = await ask("calculate_text_similarity", text1="dog bit man", text2="man bit dog", method="semantic")
    assert found["similarity"] > 0.9
    assert found["flags"]["order_ratio"] == 0.0


async def test_weights_are_proportions_and_not_all_zero(ask: Ask, sister_answers: list[list[str]]) -> None:
    found = await ask("calculate_text_similarity", **CAT_PAIR, weights={"jaccard": 2, "cosine": 2})
    assert found["similarity"] == pytest.approx((0.2 + 1 / 3) / 2)
    refused = await ask("calculate_text_similarity", **CAT_PAIR, weights={"semantic": 0}, error=True)
    assert (refused["code"], refused["details"][0]["path"]) == ("invalid_argument", "/weights")


@pytest.mark.parametrize("method", ["jaccard", "cosine", "semantic", "hybrid", "edit"])
async def test_blank_texts_are_alike_only_when_equal(ask: Ask, sister_answers: list[list[str]], method: str) -> None:
    assert (await ask("calculate_text_similarity", text1="", text2="", method=method))["similarity"] == 1.0
    assert (await ask("calculate_text_similarity", text1="", text2="word", method=method))["similarity"] == 0.0


# 46 find_similar_texts


async def test_query_finds_a_match_without_a_common_word(ask: Ask, sister_answers: list[list[str]]) -> None:
    candidates = [
        "Steps to change your password",
        "Quarterly revenue report",
        "I forgot my login credentials",
        "Best pasta recipes",
    ]
    found = await ask(
        "find_similar_texts",
        query="How do I reset my password?",
        candidates=candidates,
        method="semantic",
        threshold=0.3,
    )
    assert [result["index"] for result in found["results"]] == [0, 2]
    assert [result["similarity"] for result in found["results"]] == pytest.approx([0.506235, 0.502438], abs=1e-4)
    assert (found["above_threshold"], found["total_candidates"]) == (2, 4)
    assert len(sister_answers) == 1, "one embedding batch, not one per pair"


async def test_query_is_ranked_by_shared_words(ask: Ask) -> None:
    candidates = ["red apple pie", "green pear", "apple red"]
    found = await ask("find_similar_texts", query="red apple", candidates=candidates, method="jaccard")
    assert [(result["index"], result["rank"]) for result in found["results"]] == [(2, 1), (0, 2), (1, 3)]
    assert [result["similarity"] for result in found["results"]] == pytest.approx([1.0, 0.666667, 0.0], abs=1e-6)


# 47 calculate_group_similarity


async def test_group_agreement_is_of_all_pairs(ask: Ask) -> None:
    texts = ["red blue", "red blue", "green gold"]
    found = await ask("calculate_group_similarity", texts=texts, method="jaccard", return_matrix=True)
    assert found["average_similarity"] == pytest.approx(0.333333, abs=1e-6)
    assert found["std_deviation"] == pytest.approx(0.471405, abs=1e-6)
    assert (found["min_similarity"], found["max_similarity"], found["comparison_count"]) == (0, 1, 3)
    assert (found["similarity_matrix"], found["medoid"]) == ([[1, 1, 0], [1, 1, 0], [0, 0, 1]], 0)


async def test_one_text_is_no_group(ask: Ask) -> None:
    refused = await ask("calculate_group_similarity", texts=["alone"], error=True)
    assert (refused["code"], refused["details"][0]["path"]) == ("invalid_argument", "/texts")


async def test_contradiction_within_a_group_is_flagged(ask: Ask, sister_answers: list[list[str]]) -> None:
    found = await ask("calculate_group_similarity", texts=["sales rose 5%", "sales did not rise 6%"], method="semantic")
    assert found["flags"] == {"negation_mismatch": True, "number_mismatch": True}


# 48 preprocess_text


async def test_tokens_come_with_their_places(ask: Ask) -> None:
    text = "The runners were RUNNING quickly!"
    found = await ask("preprocess_text", text=text)
    assert found["processed_words"] == ["runners", "running", "quickly"]
    assert [text[start:end] for start, end in found["offsets"]] == ["runners", "RUNNING", "quickly"]
    assert (found["original_word_count"], found["processed_word_count"], found["removed_count"]) == (5, 3, 2)
    assert (await ask("preprocess_text", text=text, stem=True))["processed_words"] == ["runner", "run", "quick"]
    assert (await ask("preprocess_text", text="ﬁne"))["processed_words"] == ["fine"]


async def test_language_without_a_stop_list_is_refused_with_those_on_offer(ask: Ask) -> None:
    refused = await ask("preprocess_text", text="x", language="ja", error=True)
    assert refused["details"][0]["path"] == "/language"
    assert "'de'" in refused["details"][0]["reason"]


# 49 extract_semantic_features


async def test_text_falls_into_the_lexicons_categories(ask: Ask) -> None:
    found = await ask("extract_semantic_features", text="The dog chased the automobile")
    categories = {"noun.animal": ["dog"], "verb.motion": ["chase"], "noun.artifact": ["automobile"]}
    assert found["semantic_categories"] == categories
    automobile = next(match for match in found["synonym_matches"] if match["word"] == "automobile")
    assert automobile["synonyms"] == ["car", "auto", "machine", "motorcar"]
    assert automobile["synset"] == "02958343-n"
    assert found["lexicon"] == {"name": "WordNet", "version": "3.0"}
    found = await ask("extract_semantic_features", text="zzyzx", include_synonyms=False)
    assert (found["unknown_words"], found["semantic_categories"]) == (["zzyzx"], {})
    assert "synonym_matches" not in found


async def test_missing_lexicon_is_unavailable_and_names_its_package(client_for: Connect, tmp_path: Path) -> None:
    async with client_for(menu.server, mcp_wordnet_directory=tmp_path) as client:
        result = await client.call_tool("extract_semantic_features", {"text": "dog"})
        assert result.structured_content["error"]["code"] == "unavailable"
        assert "wordnet-base" in result.structured_content["error"]["message"]
        pair = {"text1": "car", "text2": "automobile", "method": "jaccard", "return_components": True}
        found = await client.call_tool("calculate_text_similarity", pair)
        assert found.structured_content["common_concepts"]["synonym_matches"] is None


# 50 cluster_texts


@pytest.mark.parametrize("cut", [{"num_clusters": 2}, {"distance_threshold": 0.5}])
async def test_texts_are_grouped_by_meaning(ask: Ask, sister_answers: list[list[str]], cut: dict[str, Any]) -> None:
    found = await ask("cluster_texts", texts=PASSWORDS_AND_PASTA, **cut)
    assert found["labels"] == [0, 0, 0, 1, 1, 1]
    assert found["silhouette"] == pytest.approx(0.748560, abs=1e-4)
    assert [cluster["members"] for cluster in found["clusters"]] == [[0, 1, 2], [3, 4, 5]]
    assert all(cluster["medoid"] in cluster["members"] and cluster["keyphrases"] for cluster in found["clusters"])
    assert found["num_clusters"] == 2


@pytest.mark.parametrize(
    "cut", [{"num_clusters": 7}, {}, {"num_clusters": 2, "distance_threshold": 0.5}, {"distance_threshold": 2.5}]
)
async def test_impossible_cut_is_refused(ask: Ask, cut: dict[str, Any]) -> None:
    refused = await ask("cluster_texts", texts=PASSWORDS_AND_PASTA, error=True, **cut)
    assert refused["code"] == "invalid_argument"


async def test_largest_clustering_is_bounded_in_time_and_says_what_it_left_out(
    ask: Ask, sister_answers: list[list[str]]
) -> None:
    words = re.findall(r"\w+", (menu.cluster_texts.__doc__ or "") * 4)
    texts = [f"text number {number} " + " ".join(words[number % 50 :])[:2000] for number in range(500)]
    began = time.process_time()
    found = await ask("cluster_texts", texts=texts, num_clusters=5)
    # Processor time, embedding included: at half a core the call's 30 seconds must do.
    assert time.process_time() - began < 15
    assert found["num_clusters"] == 5
    assert found["truncated"] == list(range(500))
    assert sum(len(text) for batch in sister_answers for text in batch) <= 200_000


# 51 extract_keyphrases


async def test_phrases_are_scored_by_rake(ask: Ask) -> None:
    found = await ask("extract_keyphrases", text="deep learning models and deep networks")
    assert [(phrase["phrase"], phrase["score"]) for phrase in found["keyphrases"]] == [
        ("deep learning models", 8.5),
        ("deep networks", 4.5),
    ]
    assert (found["candidates"], found["method"]) == (2, "rake")


# Degradation


async def test_same_model_here_answers_when_the_sister_is_away(ask: Ask, sister_is_away: None) -> None:
    found = await ask("calculate_text_similarity", **CAT_PAIR, method="semantic")
    assert found["similarity"] == pytest.approx(0.799608, abs=1e-4)
    assert found["degraded"] is True
    assert found["model"]["revision_sha256"]


async def test_words_answer_when_there_is_no_model_at_all(
    ask: Ask, sister_is_away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_model(*_: object) -> Embedder:
        raise UnavailableError("the model's weights are not installed")

    monkeypatch.setattr("app.a2a.mcp.domain.embedding.weights.load", no_model)
    monkeypatch.setattr("app.a2a.mcp.domain.embedding.encoder.weights.load", no_model)
    found = await ask("calculate_text_similarity", **CAT_PAIR, method="semantic")
    assert found["similarity"] == pytest.approx((0.2 + 1 / 3) / 2)
    assert found["components"] == {"jaccard": pytest.approx(0.2), "cosine": pytest.approx(1 / 3), "semantic": None}
    assert found["degraded"] is True
    assert "model" not in found
    found = await ask("cluster_texts", texts=PASSWORDS_AND_PASTA, num_clusters=2)
    assert found["labels"] == [0, 0, 0, 1, 1, 1]
    assert found["degraded"] is True


# Limits, resource, prompt, completion


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "code"),
    [
        ("preprocess_text", {"text": "x" * 20_001}, "/text", "limit_exceeded"),
        ("find_similar_texts", {"query": "x", "candidates": ["x"] * 501}, "/candidates", "limit_exceeded"),
        ("find_similar_texts", {"query": "x", "candidates": []}, "/candidates", "invalid_argument"),
        ("find_similar_texts", {"query": "x", "candidates": ["a", 5]}, "/candidates/1", "invalid_argument"),
        ("calculate_group_similarity", {"texts": ["x"] * 201}, "/texts", "limit_exceeded"),
        ("calculate_text_similarity", {"text1": "x"}, "/text2", "invalid_argument"),
        ("calculate_text_similarity", {"text1": "x", "text2": "y", "method": "bert"}, "/method", "invalid_argument"),
        ("extract_keyphrases", {"text": "x", "top_k": "3"}, "/top_k", "invalid_argument"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_where_they_lie(
    ask: Ask, tool: str, arguments: dict[str, Any], path: str, code: str
) -> None:
    assert await ask.refusal(tool, **arguments) == (code, path)


async def test_all_seven_are_pure_and_their_examples_work(ask: Ask, sister_answers: list[list[str]]) -> None:
    await ask.check_pure_and_exemplary(menu.server, tools=7)


async def test_config_shows_what_is_in_use_now(ask: Ask, sister_answers: list[list[str]], model: Embedder) -> None:
    before = await ask.read("similarity://calculator/config")
    assert (before["model"], before["local_model_loaded"]) == (None, False)
    assert before["stop_words"]["en"] == 174
    assert before["lexicon"] == {"name": "WordNet", "version": "3.0"}
    await ask("calculate_text_similarity", **CAT_PAIR)
    assert (await ask.read("similarity://calculator/config"))["model"]["revision_sha256"] == model.model.revision_sha256


async def test_prompt_names_tools_that_exist(ask: Ask) -> None:
    for kind in ("overview", "duplicates", "groups", "agreement"):
        arguments = {"texts": '["one", "zwei"]', "analysis_type": kind}
        text = await ask.prompt("similarity_analysis", **arguments)
        assert '["one", "zwei"]' in text
        check_tools_named(menu.server, text, r"\b(?:calculate|cluster|extract|find)_\w+")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"texts": "not json"}, "/texts"),
        ({"texts": '{"a": 1}'}, "/texts"),
        ({"texts": '["only one"]'}, "/texts"),
        ({"texts": '["a", " "]'}, "/texts"),
        ({"texts": '["a", "b"]', "analysis_type": "magic"}, "/analysis_type"),
    ],
)
async def test_prompt_refuses_what_it_cannot_read(ask: Ask, arguments: dict[str, str], path: str) -> None:
    with pytest.raises(MCPError, match=path):
        await ask.prompt("similarity_analysis", **arguments)


async def test_kinds_of_analysis_are_completed(ask: Ask) -> None:
    reference = PromptReference(name="similarity_analysis")
    complete = ask.client.complete
    found = await complete(reference, {"name": "analysis_type", "value": "G"})
    assert found.completion.values == ["groups"]
    assert (await complete(reference, {"name": "texts", "value": ""})).completion.values == []

"""Largest inputs of semantic_similarity."""

from typing import Any

from tests.largest.material import generator, prose


def long(name: str) -> str:
    """The longest text a tool takes."""
    return prose(generator(name), 20_000)


def many(count: int) -> list[str]:
    """Different texts that fill a body of 1 MiB."""
    return [prose(generator(f"text {i}"), 960_000 // count) for i in range(count)]


def similar(method: str) -> dict[str, Any]:
    return {"query": long("query"), "candidates": many(480), "top_k": 480, "method": method}


LARGEST = {
    "calculate_text_similarity": lambda: {"text1": long("a"), "text2": long("b"), "method": "hybrid"},
    "find_similar_texts": lambda: similar("hybrid"),
    "calculate_group_similarity": lambda: {"texts": many(200), "method": "edit", "return_matrix": True},
    "preprocess_text": lambda: {"text": long("a"), "stem": True},
    "extract_semantic_features": lambda: {"text": long("a"), "include_synonyms": True, "max_synonyms": 20},
    "cluster_texts": lambda: {"texts": many(500), "num_clusters": 250, "method": "semantic"},
    "extract_keyphrases": lambda: {"text": long("a"), "top_k": 100},
}

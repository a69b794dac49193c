"""Largest inputs of vector_similarity and vector_ranking."""

from typing import Any

from tests.largest.material import generator, numbers, prose

ROWS, WIDTH = 1000, 499
COLLECTION = "largest"


def rows(key: str = "id") -> list[dict[str, Any]]:
    draw = generator("rows")
    return [{key: f"v{i}", "vector": numbers(draw, WIDTH)} for i in range(ROWS)]


def query(width: int = WIDTH) -> list[float]:
    return numbers(generator("query"), width)


def stored() -> dict[str, Any]:
    items = [item | {"metadata": {f"k{i}": "x" * 20 for i in range(4)}} for item in rows()]
    return {"collection": COLLECTION, "items": items}


def documents(characters: int, width: int) -> list[dict[str, Any]]:
    draw = generator("documents")
    return [
        {"id": f"d{i}", "text": prose(draw, characters), "links": [f"d{draw.randrange(ROWS)}" for _ in range(20)]}
        | ({"vector": numbers(draw, width)} if width else {})
        for i in range(ROWS)
    ]


def linked() -> dict[str, Any]:
    """Every document links to two hundred others, and nothing ends the walk early."""
    names = [f"{i:x}" for i in range(ROWS)]
    draw = generator("links")
    made = [{"id": name, "links": draw.sample(names, 200)} for name in names]
    return {"documents": made, "damping_factor": 0.99, "iterations": 1000, "tolerance": 1e-15}


def lists() -> dict[str, Any]:
    made = [{"name": f"l{k}", "results": [{"id": f"{k}-{i}", "score": i} for i in range(1000)]} for k in range(20)]
    return {"rankings": made, "top_k": 20_000}


LARGEST = {
    "calculate_vector_similarity": lambda: {"vector1": query(4096), "vector2": query(4096)},
    "batch_vector_similarity": lambda: {
        "query_vector": query(), "candidate_vectors": rows(), "top_k": 1000, "include_vectors": True
    },
    "upsert_vectors": stored,
    "search_vectors": lambda: {"collection": COLLECTION, "query_vector": query(), "top_k": 100, "exact": True},
    "embed_texts": lambda: {"texts": [prose(generator(f"e{i}"), 1020) for i in range(256)]},
    "hybrid_ranking_search": lambda: {
        "query": prose(generator("q"), 8000), "candidate_documents": documents(4000, 256), "query_vector": query(256),
        "top_k": 1000, "apply_diversity": True,
    },
    "calculate_bm25_scores": lambda: {
        "query": prose(generator("q"), 8000), "documents": documents(7500, 0), "return_details": True,
    },
    "calculate_pagerank_scores": linked,
    "rank_vectors": lambda: {
        "query_vector": query(), "document_vectors": rows(), "top_k": 1000, "mmr_lambda": 0.5
    },
    "fuse_rankings": lists,
}  # fmt: skip

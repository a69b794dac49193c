"""Calls of vector_ranking's tools that work as they stand: documentation, and what contract tests send."""

from collections.abc import Mapping
from typing import Any

Examples = tuple[Mapping[str, Any], ...]

HYBRID: Examples = (
    {
        "query": "apple",
        "candidate_documents": [
            {"id": "d1", "text": "apple pie recipe", "vector": [1, 0]},
            {"id": "d2", "text": "apple phone", "vector": [0, 1]},
            {"id": "d3", "text": "banana bread", "vector": [0.6, 0.8]},
        ],
        "query_vector": [1, 0],
        "ranking_weights": {
            "vectorSimilarity": 0.4,
            "bm25Score": 0.3,
            "pageRankScore": 0,
            "contextualRelevance": 0,
        },
        "apply_diversity": False,
    },
)

BM25: Examples = (
    {
        "query": "cat",
        "documents": [
            {"id": "1", "text": "the cat sat"},
            {"id": "2", "text": "the dog sat"},
            {"id": "3", "text": "cat cat dog"},
        ],
    },
)

PAGERANK: Examples = (
    {"documents": [{"id": "A", "links": ["B"]}, {"id": "B"}]},
    {
        "documents": [
            {"id": "A", "links": [{"id": "B", "relationship_type": "cites", "weight": 2}]},
            {"id": "B", "references": ["A"]},
        ],
        "relationship_types": ["cites"],
    },
)

VECTORS: Examples = (
    {
        "query_vector": [1, 0],
        "document_vectors": [
            {"id": "a", "vector": [1, 0]},
            {"id": "b", "vector": [0.99, 0.1]},
            {"id": "c", "vector": [0.6, 0.8]},
        ],
        "mmr_lambda": 0.3,
    },
)

FUSION: Examples = (
    {
        "rankings": [
            {"name": "words", "results": [{"id": "a"}, {"id": "b"}, {"id": "c"}]},
            {"name": "meaning", "results": [{"id": "b"}, {"id": "d"}, {"id": "a"}]},
        ]
    },
    {
        "rankings": [
            {"name": "x", "results": [{"id": "a", "score": 3}, {"id": "b", "score": 2}, {"id": "c", "score": 1}]},
            {"name": "y", "results": [{"id": "b", "score": 10}, {"id": "d", "score": 5}, {"id": "a", "score": 0}]},
        ],
        "method": "combsum",
    },
)

"""What the prompt of vector_ranking says: which tools to call, and what to make of their answers."""

import json

from app.a2a.mcp.errors import InvalidArgumentError

ANALYSES = {
    "overview": "Explain this ranking: what puts the first documents first, where the scores drop, and which evidence "
    "was missing (components_missing, components_skipped). To see one kind of evidence alone call "
    "calculate_bm25_scores, calculate_pagerank_scores or rank_vectors.",
    "weights": "Test how far the order depends on the weights: call hybrid_ranking_search again with each component "
    "alone, and merge those lists by fuse_rankings with rrf. Name the documents whose rank changes most.",
    "diversity": "Judge whether the first results repeat each other: call hybrid_ranking_search with apply_diversity "
    "false and true, or rank_vectors with mmr_lambda 0.3 and 0.9, and say what moved and why.",
    "relevance": "Judge whether the first results answer the query: call calculate_bm25_scores with return_details for "
    "the words they share with it, and name results that are high for their links or dates alone.",
}
"""The kinds of analysis, each with the words that ask for it."""

_CAUTION = (
    "Scores of two queries do not compare: BM25 and PageRank are divided by their best. A document without some "
    "evidence is judged by the rest of it. Links and dates say nothing about the query."
)


def analysis_message(ranked_results: str, analysis_type: str) -> str:
    """The message for one analysis. Raises InvalidArgumentError for results that are no JSON object or array."""
    if analysis_type not in ANALYSES:
        raise InvalidArgumentError.at("/analysis_type", f"must be one of {', '.join(ANALYSES)}")
    try:
        results = json.loads(ranked_results)
    except (ValueError, RecursionError):
        results = None
    if not isinstance(results, (dict, list)):
        raise InvalidArgumentError.at("/ranked_results", "must be JSON text: the answer of a ranking tool")
    return f"{ANALYSES[analysis_type]}\n{_CAUTION}\n\nThe results:\n{json.dumps(results, ensure_ascii=False)}"

"""What the prompt and the resource of vector_similarity say about its measures."""

import json

from app.a2a.mcp.errors import InvalidArgumentError

METRIC_NOTES = {
    "cosine": {"similarity": "-1..1", "distance": "1 - similarity", "use": "direction: embeddings, profiles"},
    "euclidean": {"similarity": "1 / (1 + distance)", "distance": "0..inf", "use": "positions, measurements"},
    "manhattan": {"similarity": "1 / (1 + distance)", "distance": "0..inf", "use": "sums of differences"},
    "dot_product": {"similarity": "-inf..inf", "distance": "-similarity", "use": "direction and size together"},
    "jaccard": {"similarity": "0..1", "distance": "1 - similarity", "use": "overlap of what is not zero"},
    "hamming": {"similarity": "0..1", "distance": "differing positions", "use": "codes of equal length"},
}

FOCUSES = {
    "overview": "Say what the best and the worst matches have in common with the query, and where the scores drop.",
    "threshold": "Propose a threshold: look for the widest gap between neighbouring scores, and check it by calling "
    "batch_vector_similarity again with it.",
    "outliers": "Name the results that stand apart from the others, and compare each with its neighbours by "
    "calculate_vector_similarity under a second metric.",
    "quality": "Judge whether the metric fits: call batch_vector_similarity with cosine and with euclidean, compare "
    "the two orders, and say which suits these vectors.",
}

_CAUTION = (
    "Cosine runs from -1 to 1, not from 0. A result marked degenerate has no direction and no meaning. Vectors of two "
    "models must never be compared. Text embeddings do not see negation, changed numbers or swapped roles."
)


def analysis_message(similarity_results: str, analysis_focus: str) -> str:
    """The message for one focus. Raises InvalidArgumentError for results that are no JSON object or array."""
    if analysis_focus not in FOCUSES:
        raise InvalidArgumentError.at("/analysis_focus", f"must be one of {', '.join(FOCUSES)}")
    try:
        results = json.loads(similarity_results)
    except ValueError:
        results = None
    if not isinstance(results, (dict, list)):
        reason = (
            "must be JSON text: the result of calculate_vector_similarity, batch_vector_similarity or search_vectors"
        )
        raise InvalidArgumentError.at("/similarity_results", reason)
    return f"{FOCUSES[analysis_focus]}\n{_CAUTION}\n\nThe results:\n{json.dumps(results, ensure_ascii=False)}"

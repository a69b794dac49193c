"""What the prompt of semantic_similarity says: which tools to call, and what to make of their answers."""

import json

from app.a2a.mcp.errors import InvalidArgumentError

MAX_TEXTS = 200

ANALYSES = {
    "overview": "Describe these texts: call cluster_texts (distance_threshold 0.5) for the topics they fall into, "
    "calculate_group_similarity for how far they agree, and extract_keyphrases for what each topic says.",
    "duplicates": "Find texts that say the same: call calculate_group_similarity with return_matrix true, take the "
    "pairs over 0.8, and check each with calculate_text_similarity. A pair whose flags show a negation or number "
    "mismatch is no duplicate.",
    "groups": "Sort these texts into topics: call cluster_texts with distance_threshold 0.5, read the silhouette, try "
    "0.4 and 0.6, keep the best, and name each group from its keyphrases and medoid.",
    "agreement": "Judge whether these texts agree: call calculate_group_similarity, name the medoid and the outliers, "
    "and compare each outlier with the medoid by calculate_text_similarity. Equal wording is not equal truth: read the "
    "flags.",
}
"""The kinds of analysis, each with the words that ask for it."""


def analysis_message(texts: str, analysis_type: str) -> str:
    """The message for one analysis. Raises InvalidArgumentError for texts that are no JSON list of strings."""
    if analysis_type not in ANALYSES:
        raise InvalidArgumentError.at("/analysis_type", f"must be one of {', '.join(ANALYSES)}")
    listed = _text_list(texts)
    return f"{ANALYSES[analysis_type]}\n\nThe {len(listed)} texts:\n{json.dumps(listed, ensure_ascii=False)}"


def _text_list(texts: str) -> list[str]:
    """Prompt arguments are strings in MCP, so a list comes as JSON text."""
    try:
        listed = json.loads(texts)
    except ValueError:
        raise InvalidArgumentError.at("/texts", 'must be a JSON array of strings, such as ["one", "two"]') from None
    if not isinstance(listed, list) or not all(isinstance(text, str) and text.strip() for text in listed):
        raise InvalidArgumentError.at("/texts", "must be a JSON array of strings that are not blank")
    if not 2 <= len(listed) <= MAX_TEXTS:
        raise InvalidArgumentError.at("/texts", f"must hold 2 to {MAX_TEXTS} texts")
    return listed

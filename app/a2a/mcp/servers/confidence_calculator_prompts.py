"""What the prompt of confidence_calculator says: which tools to call, and what to make of their answers."""

import json

from app.a2a.mcp.errors import InvalidArgumentError

FOCUSES = {
    "overview": "Say how sure one may be: call calculate_reasoning_confidence with this context, read the coverage "
    "first, then lower the result by adjust_confidence_for_uncertainty for weaknesses that the factors do not show.",
    "evidence": "Judge the evidence: call calculate_evidence_quality with return_details, name the items that carry "
    "it and those that weaken it, and combine what sources believe by combine_evidence.",
    "alignment": "Check that the answer answers the question: call calculate_semantic_alignment with "
    "analyze_keywords, and name the words of the question that the answer leaves out.",
    "calibration": "Check whether past confidences were honest: call evaluate_calibration with them, read the bins "
    "whose interval misses the mean confidence, and recalibrate by temperature when there are at least 30 cases.",
}
"""What an analysis may look at, each with the words that ask for it."""

_CAUTION = (
    "A confidence of low coverage says little: name what was not assessed. Corroboration and dempster suppose that "
    "sources are independent. Take care with conflict above 0.9: dempster then favours what nobody believes in."
)


def analysis_message(context: str, focus_area: str) -> str:
    """The message for one focus. Raises InvalidArgumentError for a context that is no JSON object or array."""
    if focus_area not in FOCUSES:
        raise InvalidArgumentError.at("/focus_area", f"must be one of {', '.join(FOCUSES)}")
    try:
        given = json.loads(context)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, (dict, list)):
        raise InvalidArgumentError.at("/context", 'must be JSON text, such as {"question": "…", "answer": "…"}')
    return f"{FOCUSES[focus_area]}\n{_CAUTION}\n\nThe context:\n{json.dumps(given, ensure_ascii=False)}"

"""Calls of confidence_calculator's tools that work as they stand: documentation, and what contract tests send."""

from collections.abc import Mapping
from typing import Any

Examples = tuple[Mapping[str, Any], ...]

REASONING: Examples = (
    {
        "reasoning_context": {"historical_data": {"total_attempts": 10, "successful_attempts": 8}},
        "factors": {"evidence_quality": 0.85},
    },
    {
        "reasoning_context": {
            "evidence": ["a note without source", {"source_type": "academic", "source_id": "doi:10.1000/1"}],
            "reasoning_chain": [
                {"conclusion": "p", "type": "observation"},
                {"conclusion": "q", "premises": ["step:0"]},
            ],
        }
    },
)
EVIDENCE: Examples = ({"evidence": [{"source_type": "academic"}, {"source_type": "verified"}], "return_details": True},)
ALIGNMENT: Examples = (
    {
        "question": "What is the capital of France?",
        "answer": "The capital of France is Paris",
        "analyze_keywords": True,
    },
)
ADJUSTMENT: Examples = (
    {"base_confidence": 0.8, "uncertainty_factors": ["contradictory_evidence", "limited_data"]},
    {"base_confidence": 0.8, "uncertainty_factors": ["hurry"], "custom_penalties": {"hurry": 0.9}},
)
COMBINATION: Examples = (
    {
        "frame": ["A", "B"],
        "sources": [
            {"name": "first", "masses": {"A": 0.6, "*": 0.4}},
            {"name": "second", "masses": {"B": 0.7, "*": 0.3}},
        ],
    },
    {
        "frame": ["A", "B"],
        "sources": [
            {"name": "first", "probabilities": {"A": 0.8, "B": 0.2}},
            {"name": "second", "probabilities": {"A": 0.7, "B": 0.3}},
        ],
        "method": "bayes",
    },
)
CALIBRATION: Examples = (
    {"probabilities": [0.9, 0.8, 0.3, 0.1], "outcomes": [1, 1, 0, 0]},
    {
        "probabilities": [0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8],
        "outcomes": [1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
        "recalibration": "temperature",
        "apply_to": [0.8],
    },
)

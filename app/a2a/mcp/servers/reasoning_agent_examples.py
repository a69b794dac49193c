"""Arguments that work as they stand, by tool: what models, documentation and contract tests start from."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "decompose_question": (
        {"question": "What is photosynthesis and why is it important?"},
        {"question": "Compare Redis and Kafka for event streaming"},
    ),
    "reasoning_chain_analysis": (
        {
            "reasoning_steps": [
                {"premises": ["p -> q", "p"], "conclusion": "q", "notation": "formula", "confidence": 0.9},
                {"premises": ["step:0", "q -> r"], "conclusion": "r", "notation": "formula", "confidence": 0.8},
            ]
        },
    ),
    "check_entailment": (
        {"premises": ["p -> q", "p"], "conclusion": "q"},
        {"premises": ["forall x: man(x) -> mortal(x)", "man(socrates)"], "conclusion": "mortal(socrates)"},
    ),
    "check_consistency": (
        {
            "statements": [
                {"id": "s1", "formula": "p"},
                {"id": "s2", "formula": "p -> q"},
                {"id": "s3", "formula": "not q"},
                {"id": "s4", "formula": "r or p"},
            ]
        },
    ),
    "explain_observation": (
        {
            "theory": ["rain -> wet", "sprinkler -> wet"],
            "observation": "wet",
            "hypotheses": [{"id": "rain", "formula": "rain"}, {"id": "sprinkler", "formula": "sprinkler"}],
        },
    ),
    "infer_facts": (
        {
            "facts": ["parent(ann,bob)", "parent(bob,cal)"],
            "rules": ["ancestor(X,Y) :- parent(X,Y)", "ancestor(X,Z) :- parent(X,Y), ancestor(Y,Z)"],
            "query": "ancestor(ann,X)",
        },
    ),
    "solve_constraints": (
        {
            "variables": {"a": {"type": "int", "min": 0, "max": 4}, "b": {"type": "int", "min": 0, "max": 100}},
            "constraints": ["2*a + 3*b <= 12"],
            "objective": {"sense": "maximize", "expression": "3*a + 4*b"},
        },
    ),
    "evaluate_arguments": ({"arguments": ["a", "b", "c"], "attacks": [["a", "b"], ["b", "c"]]},),
    "query_bayesian_network": (
        {
            "nodes": [
                {"name": "rain", "states": ["yes", "no"], "cpt": [[0.2, 0.8]]},
                {"name": "wet", "states": ["yes", "no"], "parents": ["rain"], "cpt": [[0.9, 0.1], [0.1, 0.9]]},
            ],
            "query": ["rain"],
            "evidence": {"wet": "yes"},
        },
    ),
}

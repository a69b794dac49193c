"""What a caller may read about the notations, and what a process has done: taken from the parts themselves."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from app.a2a.mcp.domain.reasoning import constraint_syntax, formulas, logic, rules
from app.a2a.mcp.domain.reasoning.syntax import MAX_CHARACTERS, MAX_DEPTH

NOTATIONS: Mapping[str, Mapping[str, Any]] = {
    "formulas": {
        "tools": "reasoning_chain_analysis, check_entailment, check_consistency, explain_observation",
        "operators_tightest_first": ["not", "and", "or", "xor", "->", "<->"],
        "notes": [
            "-> groups to the right; forall x: and exists x: reach as far to the right as they can",
            "a bound name is a variable; constants begin with a lower-case letter",
            "a predicate or function has one number of arguments throughout a call",
        ],
        "examples": ["p -> q", "forall x: man(x) -> mortal(x)", "exists x, y: likes(x, y) and x != y"],
        "grammar": formulas.GRAMMAR.strip(),
    },
    "rules": {
        "tools": "infer_facts",
        "notes": [
            "capital first letter = variable; _ = any value; texts with other characters in double quotes",
            "every variable of the head, of a negated atom and of a comparison is in a positive atom of the body",
        ],
        "examples": ["ancestor(X,Z) :- parent(X,Y), ancestor(Y,Z)", "root(X) :- person(X), not haspar(X)"],
        "grammar": rules.GRAMMAR.strip(),
    },
    "constraints": {
        "tools": "solve_constraints",
        "notes": [
            "a / b and a % b are whole numbers with 0 <= a % b < |b|; a comparison that divides by zero is false",
            "a truth counts 1 or 0 where a number is wanted; texts of enums compare with = and !=",
        ],
        "examples": ["distinct(a, b, c)", "if(late, cost + 5, cost) <= 20", "colour = red -> size > 2"],
        "grammar": constraint_syntax.GRAMMAR.strip(),
    },
}
"""What each notation may say, with the grammar its parser is built from."""


def formula_guide(max_formulas: int) -> dict[str, Any]:
    """Grammars, the binding of operators, and limits."""
    return {**NOTATIONS, "limits": {"formulas": max_formulas, "characters": MAX_CHARACTERS, "depth": MAX_DEPTH}}


def live_metrics(families: Iterable[Any], tools: Sequence[str]) -> dict[str, Any]:
    """Calls by tool and outcome, their mean time in seconds, and the solver, from Prometheus families."""
    calls: dict[str, dict[str, int]] = {tool: {} for tool in tools}
    seconds = dict.fromkeys(tools, 0.0)
    for family in families:
        for sample in family.samples:
            tool = sample.labels.get("tool")
            if tool not in calls:
                continue
            if sample.name == "a2a_mcp_calls_total" and sample.value:
                calls[tool][sample.labels["outcome"]] = int(sample.value)
            elif sample.name == "a2a_mcp_call_duration_seconds_sum":
                seconds[tool] = sample.value
    counts = {tool: sum(outcomes.values()) for tool, outcomes in calls.items()}
    return {
        "calls": calls,
        "mean_seconds": {tool: seconds[tool] / counts[tool] if counts[tool] else None for tool in tools},
        "solver": {
            "name": "z3",
            "version": version("z3-solver"),
            "memory_mib": logic.MEMORY_MIB,
        },
    }

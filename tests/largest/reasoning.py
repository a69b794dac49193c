"""Largest inputs of reasoning_agent: problems that no procedure decides in the time they are given."""

from itertools import combinations
from typing import Any

from tests.largest.material import generator, prose

TIMEOUT_MS = 10_000


def pigeonhole(holes: int) -> list[str]:
    """One pigeon too many: a proof by resolution needs exponentially many steps (Haken 1985)."""
    birds = range(holes + 1)
    seats = [" or ".join(f"p{b}_{h}" for h in range(holes)) for b in birds]
    alone = [" and ".join(f"not (p{a}_{h} and p{b}_{h})" for h in range(holes)) for a, b in combinations(birds, 2)]
    return [*seats, *alone]


def clashing() -> dict[str, Any]:
    """Sums of products of a hundred wide integers: a non-linear problem over the integers."""
    variables = {f"x{i}": {"type": "int", "min": -1_000_000, "max": 1_000_000} for i in range(100)}
    draw = generator("constraints")
    made = []
    for _ in range(500):
        a, b, c, d = (f"x{draw.randrange(100)}" for _ in range(4))
        made.append(f"{a}*{b}*{c} + {d}*{d}*{a} - {b}*{c} % 97 != {draw.randrange(10**6)}")
    made[:40] = [f"x{i}*x{i}*x{i} + x{i + 1}*x{i + 1}*x{i + 1} + x{i + 2}*x{i + 2}*x{i + 2} = 42" for i in range(40)]
    return {"variables": variables, "constraints": made, "max_solutions": 50, "timeout_ms": TIMEOUT_MS}


def reachable() -> dict[str, Any]:
    draw = generator("facts")
    facts = [f"edge(n{draw.randrange(2000)},n{draw.randrange(2000)})" for _ in range(5000)]
    rules = [f"path{i}(X,Z) :- edge(X,Y), edge(Y,W), edge(W,V), edge(V,Z)" for i in range(200)]
    return {"facts": facts, "rules": rules, "max_derived": 20_000, "timeout_ms": TIMEOUT_MS}


def quarrel() -> dict[str, Any]:
    """Twenty triangles of three arguments that attack each other: 3^20 preferred extensions."""
    names = [f"a{i}" for i in range(60)]
    attacks = [[f"a{3 * k + i}", f"a{3 * k + j}"] for k in range(20) for i in range(3) for j in range(3) if i != j]
    return {
        "arguments": names, "attacks": attacks, "semantics": "preferred", "max_extensions": 200,
        "timeout_ms": TIMEOUT_MS,
    }  # fmt: skip


def network() -> dict[str, Any]:
    """A two-layer network in which every effect has ten of twenty causes: its treewidth is near twenty."""
    draw = generator("network")
    causes = [{"name": f"c{i}", "states": ["y", "n"], "cpt": [[0.5, 0.5]]} for i in range(20)]
    effects = [
        {
            "name": f"e{i}", "states": ["y", "n"], "parents": [f"c{k}" for k in draw.sample(range(20), 10)],
            "cpt": [[0.25, 0.75]] * 1024,
        }
        for i in range(40)
    ]  # fmt: skip
    return {
        "nodes": [*causes, *effects], "query": [f"c{i}" for i in range(20)],
        "evidence": {f"e{i}": "y" for i in range(40)}, "timeout_ms": TIMEOUT_MS, "most_probable_explanation": True,
    }  # fmt: skip


def chain() -> dict[str, Any]:
    holes = pigeonhole(3)
    steps = [
        {"premises": holes[:1], "conclusion": holes[-1 - i % 3], "notation": "formula", "confidence": 0.9}
        for i in range(100)
    ]
    return {"reasoning_steps": steps, "timeout_ms": TIMEOUT_MS}


LARGEST = {
    "decompose_question": lambda: {"question": ("What is this and why is it so, and " * 120)[:4000]},
    "reasoning_chain_analysis": chain,
    "check_entailment": lambda: {
        "premises": pigeonhole(15), "conclusion": "p0_0 and not p0_0", "timeout_ms": TIMEOUT_MS
    },
    "check_consistency": lambda: {
        "statements": [{"id": f"s{i}", "formula": formula} for i, formula in enumerate(pigeonhole(15))],
        "max_conflicts": 20, "timeout_ms": TIMEOUT_MS,
    },
    "explain_observation": lambda: {
        "theory": [f"h{i} and h{(i * 7 + 3) % 30} and h{(i * 11 + 5) % 30} -> goal" for i in range(30)],
        "observation": "goal", "hypotheses": [{"id": f"h{i}", "formula": f"h{i}"} for i in range(30)],
        "max_explanations": 50, "timeout_ms": TIMEOUT_MS,
    },
    "infer_facts": reachable,
    "solve_constraints": clashing,
    "evaluate_arguments": quarrel,
    "query_bayesian_network": network,
    "calculate_reasoning_confidence": lambda: {
        "reasoning_context": {
            "evidence": [prose(generator(f"v{i}"), 900) for i in range(500)],
            "reasoning_chain": [prose(generator(f"s{i}"), 900) for i in range(500)],
            "question": prose(generator("question"), 20_000), "answer": prose(generator("answer"), 20_000),
        }
    },
    "calculate_evidence_quality": lambda: {
        "evidence": [prose(generator(f"v{i}"), 1980) for i in range(500)], "return_details": True
    },
    "calculate_semantic_alignment": lambda: {
        "question": prose(generator("question"), 20_000), "answer": prose(generator("answer"), 20_000),
        "analyze_keywords": True,
    },
    "adjust_confidence_for_uncertainty": lambda: {
        "base_confidence": 0.8, "uncertainty_factors": [f"u{i}" for i in range(20)],
        "custom_penalties": {f"u{i}": 0.9 for i in range(20)},
    },
    "combine_evidence": lambda: {"frame": list("ABCDEFGHIJKL"), "sources": [masses(k) for k in range(8)]},
    "evaluate_calibration": lambda: {
        "probabilities": [i / 10_000 for i in range(10_000)], "outcomes": [i * 7 % 2 for i in range(10_000)],
        "recalibration": "isotonic", "n_bins": 50, "apply_to": [i / 1000 for i in range(1000)],
    },
}  # fmt: skip


def masses(k: int) -> dict[str, Any]:
    """A mass on every subset of twelve: Dempster's rule multiplies each with each."""
    sets = ["|".join(name for bit, name in enumerate("ABCDEFGHIJKL") if mask >> bit & 1) for mask in range(1, 4096)]
    shares = dict.fromkeys(sets, 0.0002)
    return {"name": f"s{k}", "masses": shares | {sets[-1]: 1 - 0.0002 * (len(sets) - 1)}}

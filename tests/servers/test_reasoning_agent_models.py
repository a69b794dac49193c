"""Constraints, arguments and networks of reasoning_agent: puzzles and published reference cases."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.a2a.mcp.servers import reasoning_agent_mcp_server as menu
from tests.servers.asking import Ask
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio

TRUTH = ["true", "false"]


def burglary() -> list[dict[str, Any]]:
    """Russell & Norvig's network."""
    return [
        {"name": "burglary", "states": TRUTH, "cpt": [[0.001, 0.999]]},
        {"name": "earthquake", "states": TRUTH, "cpt": [[0.002, 0.998]]},
        {
            "name": "alarm",
            "states": TRUTH,
            "parents": ["burglary", "earthquake"],
            "cpt": [[0.95, 0.05], [0.94, 0.06], [0.29, 0.71], [0.001, 0.999]],
        },
        {"name": "john", "states": TRUTH, "parents": ["alarm"], "cpt": [[0.9, 0.1], [0.05, 0.95]]},
        {"name": "mary", "states": TRUTH, "parents": ["alarm"], "cpt": [[0.7, 0.3], [0.01, 0.99]]},
    ]


def sprinkler() -> list[dict[str, Any]]:
    """Murphy's network."""
    return [
        {"name": "cloudy", "states": TRUTH, "cpt": [[0.5, 0.5]]},
        {"name": "sprinkler", "states": TRUTH, "parents": ["cloudy"], "cpt": [[0.1, 0.9], [0.5, 0.5]]},
        {"name": "rain", "states": TRUTH, "parents": ["cloudy"], "cpt": [[0.8, 0.2], [0.2, 0.8]]},
        {
            "name": "wet",
            "states": TRUTH,
            "parents": ["sprinkler", "rain"],
            "cpt": [[0.99, 0.01], [0.9, 0.1], [0.9, 0.1], [0.0, 1.0]],
        },
    ]


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


# 31 solve_constraints


async def test_send_more_money_has_one_solution(ask: Ask) -> None:
    digits = {letter: {"type": "int", "min": int(letter in "SM"), "max": 9} for letter in "SENDMORY"}
    equation = "1000*S+100*E+10*N+D + 1000*M+100*O+10*R+E = 10000*M+1000*O+100*N+10*E+Y"
    constraints = ["distinct(S,E,N,D,M,O,R,Y)", equation]
    found = await ask("solve_constraints", variables=digits, constraints=constraints, timeout_ms=10_000)
    assert found["solutions"] == [{"S": 9, "E": 5, "N": 6, "D": 7, "M": 1, "O": 0, "R": 8, "Y": 2}]
    assert (found["status"], found["more_solutions"]) == ("satisfiable", False)


async def test_best_solution_is_proved_best(ask: Ask) -> None:
    variables = {"a": {"type": "int", "min": 0, "max": 4}, "b": {"type": "int", "min": 0, "max": 100}}
    objective = {"sense": "maximize", "expression": "3*a + 4*b"}
    found = await ask("solve_constraints", variables=variables, constraints=["2*a+3*b <= 12"], objective=objective)
    assert (found["status"], found["solutions"], found["objective_value"]) == ("optimal", [{"a": 3, "b": 2}], 17)


async def test_map_of_australia_has_eighteen_colourings(ask: Ask) -> None:
    borders = ["wa-nt", "wa-sa", "nt-sa", "nt-q", "sa-q", "sa-nsw", "sa-v", "q-nsw", "nsw-v"]
    colour = {"type": "enum", "values": ["red", "green", "blue"]}
    variables = dict.fromkeys(["wa", "nt", "sa", "q", "nsw", "v", "t"], colour)
    constraints = [border.replace("-", " != ") for border in borders]
    found = await ask("solve_constraints", variables=variables, constraints=constraints, max_solutions=50)
    assert (len(found["solutions"]), found["more_solutions"]) == (18, False)


async def test_clashing_constraints_are_named(ask: Ask) -> None:
    variables = {"x": {"type": "int", "min": 0, "max": 9}, "b": {"type": "bool"}}
    constraints = ["b", "x > 5", "b -> x < 3", "x != 7"]
    found = await ask("solve_constraints", variables=variables, constraints=constraints)
    assert (found["status"], found["conflict"], found["solutions"]) == ("unsatisfiable", [0, 1, 2], [])


# 32 evaluate_arguments


@pytest.mark.parametrize(
    ("attacks", "semantics", "extensions"),
    [
        ("ab bc", "grounded", [["a", "c"]]),
        ("ab ba", "grounded", [[]]),
        ("ab ba", "preferred", [["a"], ["b"]]),
        ("ab ba", "complete", [[], ["a"], ["b"]]),
        ("ab bc ca", "stable", []),
        ("ab bc ca", "preferred", [[]]),
    ],
)
async def test_reference_frameworks_have_their_extensions(
    ask: Ask, attacks: str, semantics: str, extensions: list[list[str]]
) -> None:
    pairs = [list(pair) for pair in attacks.split()]
    names = sorted(set(attacks) - {" "})
    found = await ask("evaluate_arguments", arguments=names, attacks=pairs, semantics=semantics)
    assert (sorted(found["extensions"]), found["complete"]) == (extensions, True)


async def test_standing_of_each_argument_is_told(ask: Ask) -> None:
    found = await ask("evaluate_arguments", arguments=["a", "b", "c"], attacks=[["a", "b"], ["b", "c"]])
    assert found["status"] == {"a": "accepted", "b": "rejected", "c": "accepted"}
    assert (found["credulous"], found["skeptical"]) == (["a", "c"], ["a", "c"])
    pairs = [[f"{side}{i}", f"{other}{i}"] for i in range(8) for side, other in ("ab", "ba")]
    names = [f"{side}{i}" for i in range(8) for side in "ab"]
    found = await ask("evaluate_arguments", arguments=names, attacks=pairs, semantics="preferred", max_extensions=3)
    assert (len(found["extensions"]), found["complete"], found["reason"]) == (3, False, "max_extensions")
    assert found["status"] is found["skeptical"] is None


# 33 query_bayesian_network


async def test_reference_networks_give_their_published_posteriors(ask: Ask) -> None:
    evidence = {"john": "true", "mary": "true"}
    found = await ask("query_bayesian_network", nodes=burglary(), query=["burglary"], evidence=evidence)
    assert found["posteriors"]["burglary"]["true"] == pytest.approx(0.284172, abs=1e-6)
    assert found["evidence_probability"] == pytest.approx(0.002084100239)
    found = await ask(
        "query_bayesian_network", nodes=sprinkler(), query=["rain", "sprinkler"], evidence={"wet": "true"}
    )
    assert found["posteriors"]["rain"]["true"] == pytest.approx(0.707928, abs=1e-6)
    assert found["posteriors"]["sprinkler"]["true"] == pytest.approx(0.429764, abs=1e-6)


async def test_impossible_evidence_and_oversized_factors_are_refused(ask: Ask) -> None:
    evidence = {"wet": "true", "rain": "false", "sprinkler": "false"}
    refused = await ask("query_bayesian_network", nodes=sprinkler(), query=["rain"], evidence=evidence, error=True)
    assert refused["code"] == "invalid_argument"
    assert "impossible_evidence" in refused["message"]
    causes = [{"name": f"c{i}", "states": TRUTH, "cpt": [[0.5, 0.5]]} for i in range(15)]
    effects = [
        {
            "name": f"e{i}_{j}",
            "states": [str(s) for s in range(20)],
            "parents": [f"c{i}", f"c{j}"],
            "cpt": [[0.05] * 20] * 4,
        }
        for i in range(15)
        for j in range(i)
    ]
    common = {"name": "all", "states": ["0", "1", "2"], "parents": [f"e{i}_{i - 1}" for i in (1, 2, 3, 4)]}
    common["cpt"] = [[0.5, 0.25, 0.25]] * 20**4
    nodes = [*causes, *[e for e in effects if e["name"] in common["parents"]], common]
    found = await ask("query_bayesian_network", nodes=nodes, query=["c0"], evidence={"all": "0"}, error=True)
    assert found["code"] == "limit_exceeded"

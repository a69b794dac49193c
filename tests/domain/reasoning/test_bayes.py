"""Variable elimination against the sum over all joint states."""

import math
from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.bayes import BayesNode, Network, min_fill, query_network
from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.errors import DeadlineExceededError, InvalidArgumentError, LimitExceededError

COIN = ("heads", "tails")


@st.composite
def networks(draw: st.DrawFn) -> list[BayesNode]:
    """Up to five nodes of two or three states, in an order that is not always that of their parents."""
    nodes: list[BayesNode] = []
    for index in range(draw(st.integers(1, 5))):
        states = tuple("uvw"[: draw(st.integers(2, 3))])
        parents = [node for node in nodes if draw(st.booleans())][:3]
        rows = math.prod(len(parent.states) for parent in parents)
        table = []
        for _ in range(rows):
            shares = draw(st.lists(st.integers(0, 4), min_size=len(states), max_size=len(states)))
            total = sum(shares)
            table.append([share / total for share in shares] if total else [1.0] + [0.0] * (len(states) - 1))
        nodes.append(BayesNode(f"n{index}", states, tuple(parent.name for parent in parents), table))
    return draw(st.permutations(nodes))


def joint(nodes: list[BayesNode]) -> Iterator[tuple[dict[str, str], float]]:
    """Every whole assignment with its probability, by the chain rule alone."""
    known = {node.name: node for node in nodes}
    for states in product(*(node.states for node in nodes)):
        case = {node.name: state for node, state in zip(nodes, states, strict=True)}
        probability = 1.0
        for node in nodes:
            row = 0
            for parent in node.parents:
                row = row * len(known[parent].states) + known[parent].states.index(case[parent])
            probability *= node.table[row][node.states.index(case[node.name])]
        yield case, probability


def agrees(case: Mapping[str, str], evidence: Mapping[str, str]) -> bool:
    return all(case[name] == state for name, state in evidence.items())


@settings(max_examples=150)
@given(networks(), st.data())
def test_posteriors_agree_with_enumeration(nodes: list[BayesNode], data: st.DataObject) -> None:
    evidence = {node.name: data.draw(st.sampled_from(node.states)) for node in nodes if data.draw(st.booleans())}
    query = [node.name for node in nodes]
    likely = [(case, p) for case, p in joint(nodes) if agrees(case, evidence)]
    total = math.fsum(p for _, p in likely)
    if total == 0:
        with pytest.raises(InvalidArgumentError, match="impossible_evidence"):
            query_network(Network(nodes), query, evidence, True, Budget(60_000))
        return
    found = query_network(Network(nodes), query, evidence, True, Budget(60_000))
    assert found.evidence_probability == pytest.approx(total)
    for node in nodes:
        for state in node.states:
            wanted = math.fsum(p for case, p in likely if case[node.name] == state) / total
            assert found.posteriors[node.name][state] == pytest.approx(wanted, abs=1e-12)
    assert found.mpe is not None
    best = max(p for _, p in likely)
    assert found.mpe.probability == pytest.approx(best)
    assert dict(likely_case(likely, found.mpe.assignment)) == found.mpe.assignment
    assert next(p for case, p in likely if case == found.mpe.assignment) == pytest.approx(best)
    assert set(found.elimination_order) == set(query) - set(evidence)


def likely_case(likely: list[tuple[dict[str, str], float]], wanted: Mapping[str, str]) -> dict[str, str]:
    return next(case for case, _ in likely if case == wanted)


def test_much_evidence_does_not_sink_to_zero_on_the_way() -> None:
    cause = BayesNode("cause", COIN, (), [[0.5, 0.5]])
    signs = [BayesNode(f"s{i}", COIN, ("cause",), [[1e-9, 1 - 1e-9], [2e-9, 1 - 2e-9]]) for i in range(59)]
    found = query_network(Network([cause, *signs]), ["cause"], {s.name: "heads" for s in signs}, False, Budget(60_000))
    assert found.posteriors["cause"]["heads"] == pytest.approx(1 / (1 + 2.0**59))


def test_long_chain_is_eliminated_in_small_factors() -> None:
    flip = [[0.9, 0.1], [0.2, 0.8]]
    nodes = [BayesNode("n0", COIN, (), [[0.5, 0.5]])]
    nodes += [BayesNode(f"n{i}", COIN, (f"n{i - 1}",), flip) for i in range(1, 60)]
    found = query_network(Network(nodes), [node.name for node in nodes], {"n59": "heads"}, True, Budget(60_000))
    assert found.posteriors["n0"]["heads"] == pytest.approx(0.5, abs=1e-6)
    assert found.mpe is not None and set(found.mpe.assignment.values()) == {"heads"}


def test_min_fill_eliminates_leaves_before_the_hub() -> None:
    assert min_fill([{"hub", leaf} for leaf in ("a", "b", "c")])[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        ([BayesNode("a", COIN, ("z",), [[1, 0]])], "/nodes/0/parents/0"),
        ([BayesNode("a", COIN, (), [[1, 0], [1, 0]])], "/nodes/0/cpt"),
        ([BayesNode("a", COIN, (), [[1, 0, 0]])], "/nodes/0/cpt/0"),
        ([BayesNode("a", COIN, (), [[0.5, 0.5 + 1e-8]])], "/nodes/0/cpt/0"),
        ([BayesNode("a", ("x", "x"), (), [[1, 0]])], "/nodes/0/states"),
        ([BayesNode("a", COIN, (), [[1, 0]])] * 2, "/nodes/1/name"),
        ([BayesNode("a", COIN, ("b",), [[1, 0]] * 2), BayesNode("b", COIN, ("a",), [[1, 0]] * 2)], "/nodes"),
    ],
)
def test_networks_that_are_none_are_refused_where_they_lie(nodes: list[BayesNode], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        Network(nodes)
    assert refused.value.details[0].path == path


@pytest.mark.parametrize(("query", "evidence"), [(["z"], {}), (["a"], {"z": "heads"}), (["a"], {"a": "edge"})])
def test_questions_about_what_is_not_there_are_refused(query: list[str], evidence: dict[str, str]) -> None:
    with pytest.raises(InvalidArgumentError):
        query_network(Network([BayesNode("a", COIN, (), [[1, 0]])]), query, evidence, False, Budget(60_000))


def test_factor_that_would_be_too_large_is_refused() -> None:
    nodes = [BayesNode(f"c{i}", COIN, (), [[0.5, 0.5]]) for i in range(22)]
    nodes += [BayesNode(f"e{i}_{j}", COIN, (f"c{i}", f"c{j}"), [[0.5, 0.5]] * 4) for i in range(22) for j in range(i)]
    evidence = {node.name: "heads" for node in nodes if node.name.startswith("e")}
    with pytest.raises(LimitExceededError):
        query_network(Network(nodes), ["c0"], evidence, False, Budget(60_000))


def test_posterior_that_is_not_finished_in_time_is_none() -> None:
    clock = iter([0.0, *[100.0] * 50])
    network = Network([BayesNode("a", COIN, (), [[1, 0]]), BayesNode("b", COIN, ("a",), [[1, 0], [0, 1]])])
    with pytest.raises(DeadlineExceededError):
        query_network(network, ["a"], {"b": "heads"}, False, Budget(100, lambda: next(clock)))

"""PageRank against the linear system it solves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.ranking.pagerank import Graph, Link, Walk, build_graph, rank_graph
from app.a2a.mcp.errors import InvalidArgumentError


def graph_of(**links: str) -> Graph:
    return build_graph(list(links), [[Link(target) for target in targets] for targets in links.values()])


def solved(weights: np.ndarray, damping: float, restart: np.ndarray) -> np.ndarray:
    """The stationary distribution by a direct solve, dangling rows replaced by the restart."""
    rows = [row / row.sum() if row.any() else restart for row in weights]
    found = np.linalg.solve(np.eye(len(weights)) - damping * np.array(rows).T, (1 - damping) * restart)
    return np.asarray(found / found.sum())


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({"A": "B", "B": ""}, [0.350877, 0.649123]),
        ({"A": "B", "B": "C", "C": "A"}, [1 / 3, 1 / 3, 1 / 3]),
        ({"A": "BC", "B": "C", "C": "A", "D": "C"}, [0.372527, 0.195824, 0.394149, 0.0375]),
    ],
)
def test_reference_graphs_score_as_published(links: dict[str, str], expected: list[float]) -> None:
    found = rank_graph(graph_of(**links), Walk())
    assert found.scores.tolist() == pytest.approx(expected, abs=1e-6)
    assert found.converged


@given(
    size=st.integers(1, 8),
    data=st.data(),
    damping=st.floats(0, 0.99),
)
def test_scores_solve_the_linear_system(size: int, data: st.DataObject, damping: float) -> None:
    cells = st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5]), min_size=size, max_size=size)
    weights = np.array(data.draw(st.lists(cells, min_size=size, max_size=size)))
    names = [f"d{place}" for place in range(size)]
    wanted = data.draw(st.none() | st.lists(st.floats(0.1, 9), min_size=size, max_size=size))
    personal = None if wanted is None else dict(zip(names, wanted, strict=True))
    found = rank_graph(Graph(names, weights, []), Walk(damping, 5000, 1e-13, personal))
    restart = np.full(size, 1 / size) if wanted is None else np.array(wanted) / sum(wanted)
    assert found.scores == pytest.approx(solved(weights, damping, restart), abs=1e-9)
    assert found.scores.sum() == pytest.approx(1.0)


def test_links_of_other_types_and_to_unknown_documents_are_left_out() -> None:
    links = [[Link("B", "cites", 2.0), Link("B"), Link("Z", "cites")], [Link("A")]]
    graph = build_graph(["A", "B"], links, {"cites"})
    assert graph.weights.tolist() == [[0, 2], [0, 0]]
    assert (graph.unknown_targets, graph.dangling, graph.links) == (["Z"], ["B"], 1)


def test_running_out_of_iterations_is_said() -> None:
    found = rank_graph(graph_of(A="BC", B="C", C="A", D="C"), Walk(iterations=1))
    assert (found.converged, found.iterations_run) == (False, 1)


def test_huge_weights_do_not_overflow() -> None:
    graph = build_graph(["A", "B"], [[Link("A", weight=1e308), Link("B", weight=1e308)], []])
    assert np.isfinite(rank_graph(graph, Walk()).scores).all()


@pytest.mark.parametrize(("wanted", "path"), [({"Z": 1.0}, "/personalization/Z"), ({"A": 0.0}, "/personalization")])
def test_impossible_personalization_is_refused(wanted: dict[str, float], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        rank_graph(graph_of(A="", B=""), Walk(personalization=wanted))
    assert caught.value.details[0].path == path

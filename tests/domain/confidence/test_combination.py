"""Combination of beliefs: the published cases, a set-by-set restatement, and the laws that each rule keeps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.confidence.combination import METHODS, Combined, Method, Source, combine_sources
from app.a2a.mcp.errors import InvalidArgumentError

SETS = ("A", "B", "C", "A|B", "A|C", "B|C", "*")


def masses(values: list[int]) -> dict[str, float]:
    return {name: value / sum(values) for name, value in zip(SETS, values, strict=True) if value}


MASSES = st.lists(st.integers(0, 5), min_size=7, max_size=7).filter(any).map(masses)
PROBABILITIES = st.lists(st.integers(1, 9), min_size=3, max_size=3).map(
    lambda values: {name: value / sum(values) for name, value in zip("ABC", values, strict=True)}
)


def combined(*said: dict[str, float], method: Method = "dempster", frame: str = "AB", **more: object) -> Combined:
    sources = [Source(one, f"/sources/{place}/masses") for place, one in enumerate(said)]
    return combine_sources(list(frame), sources, method, **more)  # type: ignore[arg-type]


def by_sets(one: dict[str, float], other: dict[str, float]) -> dict[frozenset[str], float]:
    """The conjunction written with sets of names: agreement on intersections, conflict on the empty set."""
    found: dict[frozenset[str], float] = {}
    for (left, a), (right, b) in product(one.items(), other.items()):
        sets = [frozenset("ABC") if name == "*" else frozenset(name.split("|")) for name in (left, right)]
        key = sets[0] & sets[1]
        found[key] = found.get(key, 0.0) + a * b
    return found


def test_agreeing_sources_strengthen_each_other() -> None:
    found = combined({"A": 0.6, "*": 0.4}, {"A": 0.7, "*": 0.3})
    assert found.masses == pytest.approx({"A": 0.88, "*": 0.12})
    assert (found.conflict, found.ranking) == (0.0, ["A", "B"])
    assert (found.belief["A"], found.plausibility["B"]) == (pytest.approx(0.88), pytest.approx(0.12))
    assert found.pignistic == pytest.approx({"A": 0.94, "B": 0.06})


def test_unreliable_source_counts_less() -> None:
    sources = [Source({"A": 0.6, "*": 0.4}, ""), Source({"A": 0.7, "*": 0.3}, "", reliability=0.5)]
    assert combine_sources(["A", "B"], sources, "dempster").masses["A"] == pytest.approx(0.74)


def test_contradiction_is_left_out_by_dempster_and_ignorance_to_yager() -> None:
    said = {"A": 0.6, "*": 0.4}, {"B": 0.7, "*": 0.3}
    assert combined(*said).masses == pytest.approx({"A": 0.310345, "B": 0.482759, "*": 0.206897}, abs=1e-6)
    assert combined(*said).conflict == pytest.approx(0.42)
    assert combined(*said, method="yager").masses == pytest.approx({"A": 0.18, "B": 0.28, "*": 0.54})


def test_zadehs_case_is_warned_of() -> None:
    said = {"A": 0.99, "B": 0.01}, {"C": 0.99, "B": 0.01}
    found = combined(*said, frame="ABC")
    assert (found.masses, found.warnings) == (pytest.approx({"B": 1.0}), ["high_conflict"])
    assert found.conflict == pytest.approx(0.9999)
    assert combined(*said, frame="ABC", method="yager").masses == pytest.approx({"B": 0.0001, "*": 0.9999})


def test_probabilities_are_pooled_and_multiplied() -> None:
    said = {"A": 0.8, "B": 0.2}, {"A": 0.7, "B": 0.3}
    assert combined(*said, method="bayes").masses["A"] == pytest.approx(0.903226, abs=1e-6)
    assert combined(*said, method="linear_pool").masses["A"] == pytest.approx(0.75)
    three = (*said, {"A": 0.6, "B": 0.4})
    assert combined(*three, method="bayes").masses["A"] == pytest.approx(0.933, abs=1e-3)
    assert combined(*three, method="log_pool").masses["A"] == pytest.approx(0.707, abs=1e-3)
    assert combined(*said, method="bayes", prior={"A": 0.1, "B": 0.9}).masses["A"] == pytest.approx(0.056 / 0.110)


@given(one=MASSES, other=MASSES)
def test_rules_agree_with_sets_of_names(one: dict[str, float], other: dict[str, float]) -> None:
    joint = by_sets(one, other)
    conflict = joint.pop(frozenset(), 0.0)
    found = combined(one, other, frame="ABC", method="yager")
    assert found.conflict == pytest.approx(conflict, abs=1e-12)
    for outcome in "ABC":
        assert found.belief[outcome] == pytest.approx(joint.get(frozenset(outcome), 0.0), abs=1e-12)
    if joint and conflict < 1 - 1e-9:
        normal = combined(one, other, frame="ABC")
        expected = sum(mass for names, mass in joint.items() if "A" in names) / (1 - conflict)
        assert normal.plausibility["A"] == pytest.approx(expected, abs=1e-9)


@given(said=st.lists(PROBABILITIES, min_size=2, max_size=5), method=st.sampled_from(METHODS))
def test_order_of_the_sources_does_not_matter_and_bets_are_probabilities(
    said: list[dict[str, float]], method: Method
) -> None:
    found = combined(*said, frame="ABC", method=method)
    assert combined(*said[::-1], frame="ABC", method=method).pignistic == pytest.approx(found.pignistic, abs=1e-9)
    assert sum(found.pignistic.values()) == pytest.approx(1.0)
    for outcome in "ABC":
        assert found.belief[outcome] <= found.pignistic[outcome] + 1e-12
        assert found.pignistic[outcome] <= found.plausibility[outcome] + 1e-12


@given(one=MASSES, method=st.sampled_from(["dempster", "yager"]))
def test_source_without_any_idea_changes_nothing(one: dict[str, float], method: Method) -> None:
    assert combined(one, {"*": 1.0}, frame="ABC", method=method).masses == pytest.approx(one)


@given(one=PROBABILITIES, other=PROBABILITIES)
def test_bayes_is_dempster_on_single_outcomes(one: dict[str, float], other: dict[str, float]) -> None:
    bayes = combined(one, other, frame="ABC", method="bayes").masses
    assert combined(one, other, frame="ABC").masses == pytest.approx(bayes)


@given(said=st.lists(PROBABILITIES, min_size=2, max_size=5))
def test_linear_pool_stays_between_its_sources(said: list[dict[str, float]]) -> None:
    pooled = combined(*said, frame="ABC", method="linear_pool").masses
    for outcome in "ABC":
        assert pooled[outcome] == pytest.approx(float(np.mean([one[outcome] for one in said])))


def test_source_of_no_weight_has_no_veto() -> None:
    sources = [Source({"A": 1.0}, "", weight=0), Source({"A": 0.3, "B": 0.7}, "")]
    assert combine_sources(["A", "B"], sources, "log_pool").masses["B"] == pytest.approx(0.7)
    assert combine_sources(["A", "B"], sources, "bayes").warnings == ["weights_are_for_pools_only"]


@pytest.mark.parametrize(
    ("frame", "said", "method", "prior", "path"),
    [
        ("AB", ({"A": 1.0}, {"B": 1.0}), "dempster", None, "/sources"),
        ("AB", ({"A": 1.0}, {"B": 1.0}), "bayes", None, "/sources"),
        ("AB", ({"A": 1.0}, {"C": 1.0}), "dempster", None, "/sources/1/masses/C"),
        ("AB", ({"A": 0.5}, {"*": 1.0}), "dempster", None, "/sources/0/masses"),
        ("AA", ({"A": 1.0}, {"A": 1.0}), "dempster", None, "/frame/1"),
        ("A|", ({"A": 1.0}, {"A": 1.0}), "dempster", None, "/frame/1"),
        ("AB", ({"A": 1.0}, {"A": 1.0}), "dempster", {"A": 1.0}, "/prior"),
        ("AB", ({"A": 1.0}, {"A": 1.0}), "bayes", {"Z": 1.0}, "/prior/Z"),
    ],
)
def test_beliefs_that_cannot_be_combined_are_refused_where_they_lie(
    frame: str, said: tuple[dict[str, float], ...], method: Method, prior: dict[str, float] | None, path: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        combined(*said, frame=frame, method=method, prior=prior)
    assert caught.value.details[0].path == path

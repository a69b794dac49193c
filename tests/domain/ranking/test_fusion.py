"""Fusion of rankings: the published examples, each method restated, and its properties."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.ranking.fusion import FUSION_METHODS, Fusion, FusionMethod, Ranking, fuse
from app.a2a.mcp.errors import InvalidArgumentError

RANKS = [Ranking("x", ["a", "b", "c"]), Ranking("y", ["b", "d", "a"])]
SCORES = [Ranking("x", ["a", "b", "c"], [3, 2, 1]), Ranking("y", ["b", "d", "a"], [10, 5, 0])]
LISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), min_size=2, max_size=5)


def order(rankings: list[Ranking], fusion: Fusion) -> dict[str, float]:
    return {one.id: one.score for one in fuse(rankings, fusion)}


def test_reciprocal_ranks_add_up() -> None:
    found = order(RANKS, Fusion())
    assert list(found) == ["b", "a", "d", "c"]
    assert list(found.values()) == pytest.approx([0.032522, 0.032266, 0.016129, 0.015873], abs=1e-6)


def test_scores_add_up_and_are_multiplied_by_the_lists_that_hold_them() -> None:
    assert order(SCORES, Fusion("combsum")) == pytest.approx({"b": 1.5, "a": 1.0, "d": 0.5, "c": 0.0})
    assert order(SCORES, Fusion("combmnz")) == pytest.approx({"b": 3.0, "a": 2.0, "d": 0.5, "c": 0.0})
    assert order(SCORES, Fusion("combsum", normalization="none"))["b"] == 12


def test_borda_gives_the_unlisted_an_even_share_of_the_rest() -> None:
    # Four candidates: x gives a 4, b 3, c 2 and d the last point; y gives b 4, d 3, a 2, c 1.
    assert order(RANKS, Fusion("borda")) == {"b": 7, "a": 6, "d": 4, "c": 3}
    short = [Ranking("x", ["a"]), Ranking("y", ["b", "c"])]
    assert order(short, Fusion("borda")) == {"a": 3 + 1, "b": 1.5 + 3, "c": 1.5 + 2}


@given(lists=LISTS)
def test_every_borda_voter_gives_the_same_points(lists: list[list[str]]) -> None:
    candidates = len({name for one in lists for name in one})
    found = order([Ranking(str(n), names) for n, names in enumerate(lists)], Fusion("borda"))
    assert sum(found.values()) == pytest.approx(len(lists) * candidates * (candidates + 1) / 2)


@given(lists=LISTS, method=st.sampled_from(FUSION_METHODS), seed=st.integers())
def test_order_of_the_lists_does_not_matter(lists: list[list[str]], method: FusionMethod, seed: int) -> None:
    rankings = [Ranking(str(n), names, [-float(i) for i, _ in enumerate(names)]) for n, names in enumerate(lists)]
    shuffled = random.Random(seed).sample(rankings, len(rankings))
    assert fuse(rankings, Fusion(method)) == fuse(shuffled, Fusion(method))


@given(lists=LISTS, method=st.sampled_from(["rrf", "combsum", "borda"]))
def test_contributions_add_up_to_the_score(lists: list[list[str]], method: FusionMethod) -> None:
    rankings = [Ranking(str(n), names, [-float(i) for i, _ in enumerate(names)]) for n, names in enumerate(lists)]
    for one in fuse(rankings, Fusion(method, weights={"0": 2.5})):
        assert sum(one.contributions.values()) == pytest.approx(one.score)


def test_weight_of_a_list_scales_what_it_gives_and_zero_silences_it() -> None:
    assert order(RANKS, Fusion(weights={"x": 2}))["c"] == pytest.approx(2 / 63)
    assert order(SCORES, Fusion("combmnz", weights={"y": 0}))["a"] == 1.0


def test_equal_scores_are_all_the_best_of_their_list() -> None:
    lists = [Ranking("x", ["a"], [7]), Ranking("y", ["b", "c"], [2, 1])]
    assert order(lists, Fusion("combsum")) == {"a": 1, "b": 1, "c": 0}


@pytest.mark.parametrize(
    ("rankings", "fusion", "path"),
    [
        (RANKS, Fusion("combsum"), "/rankings/0/results"),
        (RANKS, Fusion(weights={"z": 1}), "/weights/z"),
        (RANKS, Fusion(weights={"x": 0, "y": 0}), "/weights"),
    ],
)
def test_what_cannot_be_fused_is_refused(rankings: list[Ranking], fusion: Fusion, path: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        fuse(rankings, fusion)
    assert caught.value.details[0].path == path

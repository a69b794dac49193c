"""Extensions against Dung's definitions, tried on every subset."""

from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.argumentation import Semantics, evaluate_arguments
from app.a2a.mcp.domain.reasoning.budget import Budget

Attacks = list[tuple[int, int]]


def by_definition(count: int, attacks: Attacks, semantics: Semantics) -> list[frozenset[int]]:
    """Complete: conflict-free and exactly what it defends; the others are chosen among those."""
    everyone = range(count)
    hostile = {i: {a for a, b in attacks if b == i} for i in everyone}

    def hit(members: frozenset[int]) -> set[int]:
        return {b for a, b in attacks if a in members}

    def defended(members: frozenset[int]) -> set[int]:
        return {i for i in everyone if hostile[i] <= hit(members)}

    every = map(frozenset, chain.from_iterable(combinations(everyone, size) for size in range(count + 1)))
    complete = [s for s in every if not hit(s) & s and defended(s) == s]
    match semantics:
        case "complete":
            return complete
        case "grounded":
            return [min(complete, key=len)]
        case "preferred":
            return [s for s in complete if not any(s < other for other in complete)]
        case "stable":
            return [s for s in complete if s | hit(s) == set(everyone)]


@settings(max_examples=60)
@given(st.integers(1, 6), st.data())
@pytest.mark.parametrize("semantics", ["grounded", "complete", "preferred", "stable"])
def test_extensions_and_standings_agree_with_the_definitions(
    semantics: Semantics, count: int, data: st.DataObject
) -> None:
    ends = st.integers(0, count - 1)
    attacks = data.draw(st.lists(st.tuples(ends, ends), max_size=12))
    found = evaluate_arguments(count, attacks, semantics, 200, Budget(60_000))
    wanted = by_definition(count, attacks, semantics)
    assert found.complete
    assert found.extensions == sorted(map(sorted, wanted))
    assert found.credulous == sorted(set().union(*wanted))
    assert found.skeptical == (sorted(frozenset.intersection(*wanted)) if wanted else [])
    assert found.status is not None
    for index, standing in enumerate(found.status):
        attackers = {a for a, b in attacks if b == index}
        if wanted and all(index in extension for extension in wanted):
            assert standing == "accepted"
        elif wanted and all(attackers & extension for extension in wanted):
            assert standing == "rejected"
        else:
            assert standing == "undecided"


def test_many_extensions_are_cut_and_standings_then_left_open() -> None:
    attacks = [pair for i in range(0, 60, 2) for pair in ((i, i + 1), (i + 1, i))]
    found = evaluate_arguments(60, attacks, "preferred", 20, Budget(60_000))
    assert (len(found.extensions), found.complete, found.reason) == (20, False, "max_extensions")
    assert found.status is found.skeptical is found.credulous is None
    assert all(len(extension) == 30 for extension in found.extensions)


def test_no_time_leaves_the_answer_open() -> None:
    clock = iter([0.0, *[100.0] * 50])
    found = evaluate_arguments(2, [(0, 1)], "stable", 20, Budget(100, lambda: next(clock)))
    assert (found.extensions, found.complete, found.reason) == ([], False, "timeout")

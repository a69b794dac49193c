"""Chains: references, circles, strengths, gaps, and likeness with and without somebody to ask."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.chains import (
    MAX_FORMULAS,
    Step,
    analyze_chain,
    find_cycles,
    find_gaps,
    improvements,
    strength,
)
from app.a2a.mcp.domain.reasoning.wording import JUMP_BELOW, likeness_of_steps, word_overlap
from app.a2a.mcp.errors import LimitExceededError, UnavailableError


def plenty() -> Budget:
    return Budget(20_000)


def formula(conclusion: str, *premises: str, **more: Any) -> Step:
    return Step(conclusion, premises=premises, notation="formula", **more)


def test_steps_are_found_by_number_and_by_id() -> None:
    steps = [formula("p", type="assumption", id="start"), formula("p or q", "step:start"), formula("p or r", "step:0")]
    chain = analyze_chain(steps, True, plenty())
    assert chain.uses == [[], [0], [0]]
    assert (chain.verified.given, chain.verified.entailed, chain.valid) == (1, 2, True)


def test_references_that_lead_nowhere_or_forward_are_issues() -> None:
    steps = [Step("a", dependencies=(1, 7)), Step("b", premises=("step:nobody",))]
    issues = [(issue.step, issue.code) for issue in analyze_chain(steps, True, plenty()).issues]
    assert issues == [(0, "forward_reference"), (0, "unknown_reference"), (1, "unknown_reference")]


def test_contradictory_premises_and_vacuous_steps_are_told_apart() -> None:
    chain = analyze_chain([formula("q", "p", "not p"), formula("p or not p")], True, plenty())
    assert [(issue.step, issue.code) for issue in chain.issues] == [(0, "contradictory_premises")]
    assert (chain.verified.entailed, chain.valid, chain.sound_share) == (2, False, 0.5)


def test_formula_step_on_a_text_step_is_not_formal() -> None:
    chain = analyze_chain([Step("it rains"), formula("p", "step:0")], True, plenty())
    assert (chain.verified.not_formal, chain.verified.refuted) == (2, 0)


def test_undecided_step_makes_the_chain_neither_valid_nor_invalid() -> None:
    order = ["forall x: r(x,s(x))", "forall x, y, z: r(x,y) and r(y,z) -> r(x,z)", "forall x: not r(x,x)"]
    chain = analyze_chain([formula("false", *order)], True, Budget(300))
    assert (chain.verified.unknown, chain.valid) == (1, None)


def test_formulas_are_counted() -> None:
    with pytest.raises(LimitExceededError):
        analyze_chain([formula("p", *["p"] * MAX_FORMULAS)], True, plenty())


@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=6, max_size=6))
def test_cycles_are_the_groups_that_reach_each_other(uses: list[list[int]]) -> None:
    reach = {(i, j) for i, used in enumerate(uses) for j in used}
    for k, i, j in product(range(6), repeat=3):
        if (i, k) in reach and (k, j) in reach:
            reach.add((i, j))
    groups = {tuple(j for j in range(6) if (i, j) in reach and (j, i) in reach) for i in range(6) if (i, i) in reach}
    assert find_cycles(uses) == sorted(map(list, groups))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_strengths_lie_between_their_bounds(confidences: list[float]) -> None:
    found = strength([Step("x", confidence=value) for value in confidences])
    assert found is not None
    assert 0 <= found.lower_bound <= found.product + 1e-9
    assert found.product <= found.weakest_link + 1e-12


def test_gaps_name_missing_evidence_jumps_and_unused_steps() -> None:
    steps = [
        Step("The road is icy", type="observation"),
        Step("Cars are expensive"),
        Step("Drivers slip", dependencies=(0,), confidence=0.3),
    ]
    chain = analyze_chain(steps, True, plenty())
    gaps = find_gaps(steps, chain, {2: 0.1}, JUMP_BELOW)
    assert [(gap.step, gap.type) for gap in gaps] == [
        (0, "missing_evidence"),
        (1, "missing_evidence"),
        (1, "unused_step"),
        (2, "logical_jump"),
    ]
    better = improvements(steps, chain.issues, gaps)
    assert [(part.step, part.priority) for part in better][-1] == (1, "low")
    assert sum(part.step == 2 for part in better) == 2


def test_word_overlap_counts_stems_and_ignores_stop_words() -> None:
    assert word_overlap("The runner was running", "They run") == 1.0
    assert word_overlap("Cats sleep", "Dogs bark") == 0.0
    assert word_overlap("anything", "the of and") == 1.0


@pytest.mark.anyio
async def test_meaning_is_asked_only_where_words_do_not_already_agree() -> None:
    asked: list[tuple[str, str]] = []

    async def ask(support: str, conclusion: str) -> Mapping[str, Any]:
        asked.append((support, conclusion))
        return {"similarity": 0.8, "degraded": False}

    steps = [Step("Cats sleep", evidence=("cats asleep",)), Step("Felines rest", dependencies=(0,)), Step("alone")]
    chain = analyze_chain(steps, False, plenty())
    assert await likeness_of_steps(steps, chain, ask) == ({0: 0.5, 1: 0.8}, False)
    assert asked == [("Cats sleep", "Felines rest")]


@pytest.mark.anyio
@pytest.mark.parametrize("reply", [None, {"similarity": 0.9, "degraded": True}, {"odd": 1}])
async def test_words_stand_in_when_meaning_cannot_be_had(reply: Mapping[str, Any] | None) -> None:
    count = 0

    async def ask(support: str, conclusion: str) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        if reply is None:
            raise UnavailableError("away")
        return reply

    steps = [Step(f"conclusion {'abcdefghijklmnopqrst'[i]}", premise="nothing alike") for i in range(20)]
    found, degraded = await likeness_of_steps(steps, analyze_chain(steps, False, plenty()), ask)
    assert degraded and set(found.values()) == {0.0}
    assert count <= 8

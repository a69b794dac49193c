"""Constraints against enumeration by functions that share no code, and what they mean at the edges."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.constraint_terms import Domain
from app.a2a.mcp.domain.reasoning.constraints import Objective, Solutions, solve_constraints
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

RANGE = range(-2, 4)
DOMAINS = {"x": Domain("int", -2, 3), "y": Domain("int", -2, 3), "b": Domain("bool")}
Case = Mapping[str, int]


class Written(NamedTuple):
    """An expression's text and its value in a case; None where it divides by zero."""

    text: str
    value: Callable[[Case], int | None]


def solve(
    constraints: list[str],
    objective: Objective | None = None,
    most: int = 50,
    domains: Mapping[str, Domain] = DOMAINS,
    timeout_ms: float = 60_000,
) -> Solutions:
    return solve_constraints(domains, constraints, objective, most, Budget(timeout_ms))


def cases() -> list[dict[str, int]]:
    return [dict(zip("xyb", values, strict=True)) for values in product(RANGE, RANGE, (False, True))]


def remainder(a: int, b: int) -> int:
    """0 <= a % b < |b|."""
    return a % abs(b)


def _calculated(sign: str, left: Written, right: Written) -> Written:
    def value(case: Case) -> int | None:
        a, b = left.value(case), right.value(case)
        if a is None or b is None or (sign in "/%" and b == 0):
            return None
        if sign in "/%":
            return remainder(a, b) if sign == "%" else (a - remainder(a, b)) // b
        return {"+": a + b, "-": a - b, "*": a * b}[sign]

    return Written(f"({left.text}) {sign} ({right.text})", value)


def _compared(sign: str, left: Written, right: Written) -> Written:
    def value(case: Case) -> int:
        a, b = left.value(case), right.value(case)
        if a is None or b is None:
            return False
        return {"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]

    return Written(f"{left.text} {sign} {right.text}", value)


def _if(condition: Written, yes: Written, no: Written) -> Written:
    return Written(
        f"if({condition.text}, {yes.text}, {no.text})",
        lambda case: yes.value(case) if condition.value(case) else no.value(case),
    )


def _abs(inner: Written) -> Written:
    def value(case: Case) -> int | None:
        found = inner.value(case)
        return None if found is None else abs(found)

    return Written(f"abs({inner.text})", value)


def _variable(name: str) -> Written:
    return Written(name, lambda case: case[name])


def _constant(number: int) -> Written:
    return Written(str(number), lambda case: number)


SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
NUMBERS = st.recursive(
    st.sampled_from(["x", "y"]).map(_variable) | st.integers(0, 3).map(_constant),
    lambda inner: (
        st.builds(_calculated, st.sampled_from("+-*/%"), inner, inner)
        | inner.map(_abs)
        | st.builds(_if, st.builds(_compared, SIGNS, inner, inner), inner, inner)
    ),
    max_leaves=4,
)
COMPARISONS = st.builds(_compared, SIGNS, NUMBERS, NUMBERS)


def satisfying(constraints: list[Written]) -> list[dict[str, int]]:
    return [case for case in cases() if all(part.value(case) for part in constraints)]


@settings(max_examples=40)
@given(st.lists(COMPARISONS, min_size=1, max_size=3))
def test_solutions_agree_with_enumeration(constraints: list[Written]) -> None:
    found = solve([part.text for part in constraints])
    right = satisfying(constraints)
    assert all(solution in right for solution in found.solutions)
    assert len(found.solutions) == min(50, len(right))
    assert found.more is (len(right) > 50)
    assert found.status == ("satisfiable" if right else "unsatisfiable")
    if found.conflict is not None:
        clash = [constraints[index] for index in found.conflict]
        assert not satisfying(clash)
        assert all(satisfying(clash[:i] + clash[i + 1 :]) for i in range(len(clash)))


@settings(max_examples=30)
@given(st.lists(COMPARISONS, max_size=2), NUMBERS, st.sampled_from(["minimize", "maximize"]))
def test_optimum_agrees_with_enumeration(constraints: list[Written], aim: Written, sense: str) -> None:
    found = solve([part.text for part in constraints], Objective(sense, aim.text))  # type: ignore[arg-type]
    values = [value for case in satisfying(constraints) if (value := aim.value(case)) is not None]
    if not values:
        assert (found.status, found.solutions) == ("unsatisfiable", [])
        return
    best = min(values) if sense == "minimize" else max(values)
    assert (found.status, found.objective_value) == ("optimal", best)
    assert all(aim.value(solution) == best for solution in found.solutions)  # type: ignore[arg-type]


def test_comparisons_chain_and_truths_count() -> None:
    assert solve(["0 <= x < y <= 1", "not b"]).solutions == [{"x": 0, "y": 1, "b": False}]
    assert solve(["sum(b, x = 3, y = 3) = 3"]).solutions == [{"x": 3, "y": 3, "b": True}]
    assert solve(["b xor true", "x = 3 <-> b", "b or x = -2 -> y = 0", "x = -2"]).solutions == [
        {"x": -2, "y": 0, "b": False}
    ]


def test_texts_of_enums_compare_with_each_other() -> None:
    domains = {"a": Domain("enum", values=("red", "New York")), "c": Domain("enum", values=("New York", "green"))}
    found = solve(['a = "New York"', "distinct(a, c)"], domains=domains)
    assert found.solutions == [{"a": "New York", "c": "green"}]
    assert solve(["a = c"], domains=domains).solutions == [{"a": "New York", "c": "New York"}]


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ("z = 1", "'z' is neither a variable nor a value"),
        ("x + y", "must be true or false"),
        ("x and b", "join what is true or false"),
        ("abs(x, y) = 1", "abs takes one argument"),
        ("if(x, 1, 2) = 1", "if takes a condition and two values"),
        ("hue = x", "a text cannot be compared"),
        ("hue < red", "a text cannot be calculated with"),
        ("x = 1.5", "unexpected"),
        ("x ** 2 = 4", "unexpected '*'"),
        ("open('/etc/passwd')", "unexpected"),
    ],
)
def test_constraints_that_make_no_sense_are_refused_where_they_lie(constraint: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        solve(["b", constraint], domains={**DOMAINS, "hue": Domain("enum", values=("red",))})
    assert reason in refused.value.message
    assert refused.value.details[0].path == "/constraints/1"


def test_nesting_is_bounded_and_long_sums_are_not_nesting() -> None:
    with pytest.raises(LimitExceededError):
        solve(["abs(" * 70 + "x" + ")" * 70 + " = 1"])
    assert solve(["+".join(["x"] * 900) + " = 1800"], most=1).solutions[0]["x"] == 2


def test_search_that_takes_too_long_is_unknown() -> None:
    domains = {f"v{i}": Domain("int", 2, 10**9) for i in range(3)}
    found = solve(["v0*v0*v0 + v1*v1*v1 = v2*v2*v2"], domains=domains, timeout_ms=200)
    assert (found.status, found.solutions, found.more) == ("unknown", [], None)


def test_largest_allowed_problem_ends_by_its_deadline() -> None:
    domains = {f"v{i}": Domain("int", 0, 10**6) for i in range(100)}
    long = "+".join(f"v{i}*{i % 7 + 1}" for i in range(100)) + " < 900000"
    constraints = [f"{long} + {number}" for number in range(500)]
    budget = Budget(2_000)
    solve_constraints(domains, constraints, Objective("maximize", "sum(v1, v2)"), 1, budget)
    # Reading alone would take longer than that here: what counts is that it stops.
    assert budget.elapsed_ms < 6_000

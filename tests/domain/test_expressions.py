"""Conditions: the whitelist refuses everything else unread, and what passes means what Python would mean by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.expressions import EvaluationError, parse_condition
from app.a2a.mcp.errors import InvalidArgumentError

UNSAFE = [
    "__import__('os').system('id')",
    "name.__class__",
    "(lambda: 1)()",
    "[x for x in y]",
    "2 ** 9",
    "open('f')",
    "f'{name}'",
    "a if b else c",
    "items[0]",
    "__builtins__",
    "len(x, key=1)",
    "b'bytes'",
    "1j",
    "a is b",
    "a // 2",
    "a | b",
    "{1: 2}",
    "...",
    "(a := 1)",
    "max(*x)",
]


@pytest.mark.parametrize("text", UNSAFE)
def test_what_is_not_on_the_whitelist_is_refused_unread(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        parse_condition(text, "/rules/0/condition")
    assert [(d.path, d.reason) for d in refused.value.details] == [("/rules/0/condition", "unsafe_expression")]


@pytest.mark.parametrize("text", ["", "a ==", "a; b", "(" * 300, "x" * 501, "\x00", "import os", "1" * 499 + "a"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        parse_condition(text)


def test_nesting_is_bounded() -> None:
    parse_condition("not " * 19 + "a")
    with pytest.raises(InvalidArgumentError) as refused:
        parse_condition("not " * 20 + "a")
    assert refused.value.details[0].reason == "unsafe_expression"


@pytest.mark.parametrize(
    ("text", "record", "holds"),
    [
        ("end >= start", {"start": 5, "end": 3}, False),
        ("1 <= n <= 5 and n % 2 == 1", {"n": 3}, True),
        ("status in ['open', 'closed']", {"status": "open"}, True),
        ("'x' not in name", {"name": "abc"}, True),
        ("len(name) > 2 and abs(n) == 4", {"name": "abc", "n": -4}, True),
        ("max(a, b) - min(a, b) < 2", {"a": 1, "b": 2}, True),
        ("max(values) == 7", {"values": [3, 7]}, True),
        ("is_null(gone)", {}, True),
        ("flag == true", {"flag": 1}, False),
        ("a == null", {"a": None}, True),
        ("a / 4 == 0.5", {"a": 2}, True),
    ],
)
def test_condition_is_decided(text: str, record: dict[str, object], holds: bool) -> None:
    assert parse_condition(text).holds(record) is holds


@pytest.mark.parametrize("text", ["end >= start", "a + b > 1", "not gone", "len(gone) > 1", "max(a, b) > 1"])
def test_null_leaves_a_condition_open(text: str) -> None:
    assert parse_condition(text).holds({}) is None


def test_null_does_not_hide_what_is_decided_already() -> None:
    assert parse_condition("gone > 1 and n > 5").holds({"n": 1}) is False
    assert parse_condition("gone > 1 or n > 5").holds({"n": 9}) is True


@pytest.mark.parametrize("text", ["a < 'x'", "a / 0 > 1", "'a' * 1000000000 == b", "'%d' % a == b", "len(a)", "a in 5"])
def test_values_that_do_not_fit_are_an_error_of_the_record(text: str) -> None:
    with pytest.raises(EvaluationError):
        parse_condition(text).holds({"a": 1, "b": 2})


def test_fields_and_size_are_known() -> None:
    condition = parse_condition("a + b > 1")
    assert (condition.fields, condition.size) == ({"a", "b"}, 5)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 50))
def test_arithmetic_is_pythons(a: int, b: int, c: int) -> None:
    record = {"a": a, "b": b, "c": c}
    assert parse_condition("(a + b) * -a - b / c + a % c").value(record) == (a + b) * -a - b / c + a % c


@given(st.text(max_size=80))
def test_any_text_is_refused_or_read_and_never_raises_anything_else(text: str) -> None:
    try:
        parse_condition(text).holds({"a": 1})
    except (InvalidArgumentError, EvaluationError):
        return

"""The flags that stand beside a semantic score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.text.flags import GroupFlags, LexicalFlags, compare, group_flags, signals


def flags(one: str, other: str) -> LexicalFlags:
    return compare(signals(one), signals(other))


@pytest.mark.parametrize(
    ("one", "other", "mismatch"),
    [
        ("The patient has diabetes.", "The patient does not have diabetes.", True),
        ("I like it", "I don’t like it", True),
        ("Nobody came", "No one came", False),
        ("Das ist gut", "Das ist nicht gut", True),
        ("Es bueno", "Nunca es bueno", True),
        ("a sin of youth", "a mistake of youth", False),
    ],
)
def test_negation_on_one_side_alone_is_flagged(one: str, other: str, mismatch: bool) -> None:
    assert flags(one, other).negation_mismatch is mismatch


@pytest.mark.parametrize(
    ("one", "other", "mismatch"),
    [
        ("The total is $500.", "The total is $5,000.", True),
        ("The total is $5,000.00.", "The total is 5000 dollars.", False),
        ("1.234,50 Euro", "1234.5 Euro", False),
        ("two cats", "2 cats", False),
        ("sales rose", "sales rose 5%", True),
        ("007", "7", False),
        ("1.25 m", "1.2 m", True),
        ("version 1.2.3", "version 1.2.3", False),
    ],
)
def test_other_numbers_are_flagged_and_other_spellings_are_not(one: str, other: str, mismatch: bool) -> None:
    assert flags(one, other).number_mismatch is mismatch


def test_order_ratio_tells_swapped_roles_from_equal_ones() -> None:
    assert flags("The dog bit the man", "The man bit the dog").order_ratio == 0.0
    assert flags("The dog bit the man", "A dog once bit some man").order_ratio == 1.0
    assert flags("alpha beta gamma", "beta alpha gamma").order_ratio == pytest.approx(2 / 3)


def test_order_ratio_is_absent_with_fewer_than_two_shared_words() -> None:
    assert flags("red apple", "red pear").order_ratio is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_flags_are_symmetric_and_none_is_raised_by_a_text_against_itself(one: str, other: str) -> None:
    assert flags(one, other) == flags(other, one)
    alone = flags(one, one)
    assert not alone.negation_mismatch
    assert not alone.number_mismatch
    assert alone.order_ratio in (1.0, None)


def test_a_group_is_flagged_when_any_two_members_differ() -> None:
    texts = ["sales rose 5%", "sales rose by 5 %", "sales did not rise by 5"]
    assert group_flags(texts) == GroupFlags(negation_mismatch=True, number_mismatch=False)
    assert group_flags(["alone"]) == GroupFlags(negation_mismatch=False, number_mismatch=False)

"""Random propositional formulas as text with the function that evaluates them: an oracle that shares no code."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st

NAMES = ("p", "q", "r", "s")
Case = Mapping[str, bool]


class Proposition(NamedTuple):
    """A formula's text and its truth in a case."""

    text: str
    holds: Callable[[Case], bool]


def _name(name: str) -> Proposition:
    return Proposition(name, lambda case: case[name])


def _not(a: Proposition) -> Proposition:
    return Proposition(f"not ({a.text})", lambda case: not a.holds(case))


def _binary(symbol: str, a: Proposition, b: Proposition) -> Proposition:
    tables: dict[str, Callable[[bool, bool], bool]] = {
        "and": lambda x, y: x and y,
        "or": lambda x, y: x or y,
        "xor": lambda x, y: x != y,
        "->": lambda x, y: not x or y,
        "<->": lambda x, y: x == y,
    }
    return Proposition(f"({a.text}) {symbol} ({b.text})", lambda case: tables[symbol](a.holds(case), b.holds(case)))


def propositions(leaves: int = 6) -> st.SearchStrategy[Proposition]:
    """Formulas over NAMES."""
    return st.recursive(
        st.sampled_from(NAMES).map(_name),
        lambda inner: (
            inner.map(_not) | st.builds(_binary, st.sampled_from(["and", "or", "xor", "->", "<->"]), inner, inner)
        ),
        max_leaves=leaves,
    )


def cases() -> Iterator[Case]:
    """Every assignment of truth to NAMES."""
    for values in product((False, True), repeat=len(NAMES)):
        yield dict(zip(NAMES, values, strict=True))

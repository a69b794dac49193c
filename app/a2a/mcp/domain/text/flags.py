"""What no sentence embedding sees: a negation, another number, another order of the same words.

The flags stand beside a semantic score so that a caller does not read 0.9 as "means the same".
"""

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.a2a.mcp.domain.text.language import stop_words
from app.a2a.mcp.domain.text.words import find_words

# English, and those of German, Spanish and French that are no English word ("sin", "pas" would be).
_NEGATION_WORDS = """
no not never none nobody nothing neither nor nowhere without cannot
nicht nichts nie niemals kein keine keinen keinem keiner keines niemand ohne
nunca nada nadie ningún ninguna ninguno jamás jamais aucun aucune
"""
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
# "one" is left out: it is a pronoun more often than a number.
_NUMBER_WORDS = {
    **{"zero": "0", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
    **{"eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12"},
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")


@dataclass(frozen=True, slots=True)
class Claims:
    """Whether a text denies something, and the numbers it states."""

    negated: bool
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Signals:
    """What the flags of a text are read from, taken once per text."""

    claims: Claims
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LexicalFlags:
    """Where a pair differs whatever its cosine says; `order_ratio` is None with fewer than two shared words."""

    negation_mismatch: bool
    number_mismatch: bool
    order_ratio: float | None


@dataclass(frozen=True, slots=True)
class GroupFlags:
    """Whether any two members of a group differ in negation, and whether any two differ in their numbers."""

    negation_mismatch: bool
    number_mismatch: bool


def signals(text: str) -> Signals:
    """The negations, numbers and order of content words of `text`."""
    words = [word.text for word in find_words(text)]
    order = tuple(dict.fromkeys(word for word in words if word not in stop_words("en")))
    return Signals(_claims(words), order)


def compare(one: Signals, other: Signals) -> LexicalFlags:
    """The flags of a pair."""
    return LexicalFlags(
        negation_mismatch=one.claims.negated != other.claims.negated,
        number_mismatch=one.claims.numbers != other.claims.numbers,
        order_ratio=_order_ratio(one.order, other.order),
    )


def group_flags(texts: Iterable[str]) -> GroupFlags:
    """The flags of a group."""
    claims = {_claims([word.text for word in find_words(text)]) for text in texts}
    return GroupFlags(
        negation_mismatch=len({claim.negated for claim in claims}) > 1,
        number_mismatch=len({claim.numbers for claim in claims}) > 1,
    )


def _claims(words: Sequence[str]) -> Claims:
    return Claims(any(map(_negates, words)), frozenset(_numbers(words)))


def _negates(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't")


def _numbers(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        if word in _NUMBER_WORDS:
            yield _NUMBER_WORDS[word]
        else:
            yield from map(_plain_number, _NUMBER.findall(word))


def _plain_number(written: str) -> str:
    """`1,000.50` and `1000.5` as one spelling; a lone separator before three digits groups thousands."""
    if _THOUSANDS.fullmatch(written):
        written = re.sub("[.,]", "", written)
    whole, _, part = written.replace(",", ".").rpartition(".")
    if not whole:
        return part.lstrip("0") or "0"
    plain = whole.replace(".", "").lstrip("0") or "0"
    return f"{plain}.{part}".rstrip("0").rstrip(".")


def _order_ratio(one: tuple[str, ...], other: tuple[str, ...]) -> float | None:
    """The share of pairs of shared words that come in the same order in both texts."""
    place = {word: index for index, word in enumerate(other)}
    order = [place[word] for word in one if word in place]
    pairs = len(order) * (len(order) - 1) // 2
    if not pairs:
        return None
    seen: list[int] = []
    concordant = 0
    for index in order:
        concordant += bisect_left(seen, index)
        insort(seen, index)
    return concordant / pairs

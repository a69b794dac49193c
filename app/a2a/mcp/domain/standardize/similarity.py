"""How alike two values of a field are, 0 to 1, many pairs at a time; NaN where one of the two is missing."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, Levenshtein
from rapidfuzz.process import cdist

from app.a2a.mcp.domain.standardize.quality import is_empty, json_text, parse_time

Comparator: TypeAlias = Literal["exact", "jaro_winkler", "levenshtein", "token_set", "numeric", "date"]
COMPARATORS: tuple[Comparator, ...] = get_args(Comparator)

COMPARED_CHARACTERS = 64
"""Texts are compared by their beginning: a pair costs the product of the lengths, and 64 fit a machine word."""

DATE_DAYS = 30.0
"""Dates this many days apart have nothing in common."""

Matrix: TypeAlias = NDArray[np.float64]

_SCORERS: Mapping[Comparator, tuple[Callable[..., float], float]] = {
    "jaro_winkler": (JaroWinkler.similarity, 1.0),
    "levenshtein": (Levenshtein.normalized_similarity, 1.0),
    "token_set": (fuzz.token_set_ratio, 100.0),
}


class Column:
    """The values of one field, made ready for its comparator."""

    def __init__(self, values: Sequence[Any], comparator: Comparator) -> None:
        self._comparator = comparator
        self._texts: list[str] = []
        self._numbers: Matrix = np.zeros(0)
        if comparator in _SCORERS:
            self._texts = [plain_text(value) for value in values]
            known = [bool(text) for text in self._texts]
        else:
            self._numbers = _as_numbers(values, comparator)
            known = list(~np.isnan(self._numbers))
        self._known = np.array(known, dtype=bool)

    def compare(self, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
        """The similarity of every row with every column, by index."""
        if self._comparator in _SCORERS:
            found = self._compare_texts(rows, columns)
        else:
            found = self._compare_numbers(rows, columns)
        found[~np.outer(self._known[rows], self._known[columns])] = np.nan
        return found

    def _compare_texts(self, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
        scorer, most = _SCORERS[self._comparator]
        left, right = [self._texts[row] for row in rows], [self._texts[column] for column in columns]
        found: Matrix = cdist(left, right, scorer=scorer, dtype=np.float64)
        return np.asarray(found / most, dtype=np.float64)

    def _compare_numbers(self, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
        left, right = self._numbers[rows][:, None], self._numbers[columns][None, :]
        if self._comparator == "exact":
            return np.asarray(left == right, dtype=np.float64)
        if self._comparator == "date":
            return np.asarray(np.maximum(0.0, 1.0 - np.abs(left - right) / DATE_DAYS), dtype=np.float64)
        scale = np.maximum(np.abs(left), np.abs(right))
        with np.errstate(invalid="ignore", divide="ignore"):
            near = 1.0 - np.abs(left / scale - right / scale)
        return np.where(scale == 0.0, 1.0, np.maximum(0.0, near))


def plain_text(value: Any) -> str:
    """A value as text to compare: compatibility form, no case, single spaces; empty where it is missing."""
    if is_empty(value):
        return ""
    text = value if isinstance(value, str) else json_text(value)
    return " ".join(unicodedata.normalize("NFKC", text[: 4 * COMPARED_CHARACTERS]).casefold().split())[
        :COMPARED_CHARACTERS
    ]


def _as_numbers(values: Sequence[Any], comparator: Comparator) -> Matrix:
    if comparator == "exact":
        codes: dict[str, int] = {}
        return np.array(
            [np.nan if is_empty(value) else float(codes.setdefault(json_text(value), len(codes))) for value in values]
        )
    read = _number if comparator == "numeric" else _day
    return np.array([read(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return float("nan")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def _day(value: Any) -> float:
    moment: datetime | None = parse_time(value)
    return float("nan") if moment is None else moment.timestamp() / 86_400

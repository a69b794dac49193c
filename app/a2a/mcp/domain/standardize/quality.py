"""How good a set of records is, on the six usual dimensions (DAMA UK 2013; ISO/IEC 25012): counting, no opinions.

A dimension whose input was not given is not assessed, and its weight is shared out among the others.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, TypeAlias, get_args

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.standardize.rules import Rule, bound_rules, broken_rules
from app.a2a.mcp.domain.standardize.schema_check import SchemaCheck
from app.a2a.mcp.errors import InvalidArgumentError

Dimension: TypeAlias = Literal["completeness", "validity", "uniqueness", "consistency", "timeliness", "accuracy"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
Record: TypeAlias = Mapping[str, Any]

DEFAULT_WEIGHTS: Mapping[Dimension, float] = {
    "accuracy": 0.30,
    "completeness": 0.25,
    "consistency": 0.20,
    "timeliness": 0.10,
    "validity": 0.10,
    "uniqueness": 0.05,
}
DEFAULT_THRESHOLD = 0.7
LEVELS = ((0.9, "excellent"), (0.8, "good"), (0.7, "acceptable"), (0.6, "below_standard"), (0.0, "poor"))
MAX_ISSUES = 200


@dataclass(frozen=True, slots=True)
class Questions:
    """What to measure a data set against; a dimension needs its own part and is not assessed without."""

    dimensions: Sequence[Dimension] = DIMENSIONS
    schema: Mapping[str, Any] | None = None
    required_fields: Sequence[str] = ()
    key_fields: Sequence[str] = ()
    timestamp_field: str | None = None
    max_age_days: float | None = None
    reference_time: datetime | None = None
    reference_dataset: Sequence[Record] | None = None
    rules: Sequence[Rule] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that cost score; `record` is an index, None for the whole set."""

    dimension: Dimension
    record: int | None
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """numerator / denominator, or null where the dimension could not be assessed."""

    score: float | None
    assessed: bool
    numerator: int
    denominator: int


@dataclass(slots=True)
class Assessment:
    """The scores by dimension and what cost them; of each dimension the first `MAX_ISSUES` are kept."""

    scores: dict[Dimension, DimensionScore] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    truncated: bool = False
    noted: Counter[str] = field(default_factory=Counter)

    def note(self, issue: Issue) -> None:
        """Keep an issue while there is room."""
        self.noted[issue.dimension] += 1
        if self.noted[issue.dimension] <= MAX_ISSUES:
            self.issues.append(issue)
        else:
            self.truncated = True


def json_text(value: object) -> str:
    """A JSON value as text, the same for equal values; unlike faster writers it takes integers of any size."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def is_empty(value: object) -> bool:
    """No information: null, blank text, an empty list or object."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def assess(records: Sequence[Record], questions: Questions) -> Assessment:
    """Score `records` on the dimensions asked for. Raises what a schema that cannot be used raises."""
    bound_rules(questions.rules, len(records))
    found = Assessment()
    measures = {
        "completeness": _completeness,
        "validity": _validity,
        "uniqueness": _uniqueness,
        "consistency": _consistency,
        "timeliness": _timeliness,
        "accuracy": _accuracy,
    }
    for dimension in DIMENSIONS:
        if dimension in questions.dimensions:
            good, of = measures[dimension](records, questions, found)
            found.scores[dimension] = DimensionScore(good / of if of else None, bool(of), good, of)
    return found


def weights_of(scores: Mapping[Dimension, DimensionScore], given: Mapping[Dimension, float]) -> dict[Dimension, float]:
    """The shares of the assessed dimensions, summing to 1; what `given` leaves out keeps its default proportion."""
    weights = {name: given.get(name, DEFAULT_WEIGHTS[name]) for name, score in scores.items() if score.assessed}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} if total else {}


def overall(scores: Mapping[Dimension, DimensionScore], weights: Mapping[Dimension, float]) -> float:
    """The weighted mean of the assessed dimensions, 0 where there is none."""
    return sum(weight * (scores[name].score or 0.0) for name, weight in weights.items())


def level_of(score: float) -> str:
    """The word for a score."""
    return next(word for least, word in LEVELS if score >= least - 1e-12)


def parse_time(text: object) -> datetime | None:
    """An ISO 8601 date or time as UTC; without an offset it is UTC. None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


Count: TypeAlias = tuple[int, int]


def _completeness(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Filled cells of all cells; a cell is a record's field of those required, or of all that occur."""
    wanted = dict.fromkeys(questions.required_fields or (name for record in records for name in record))
    filled = sum(name in wanted and not is_empty(value) for record in records for name, value in record.items())
    total = len(records) * len(wanted)
    empty = ((index, name) for index, record in enumerate(records) for name in wanted if is_empty(record.get(name)))
    # There may be millions of empty cells; they are named until the list is full and counted by what is filled.
    for index, name in islice(empty, min(total - filled, MAX_ISSUES + 1)):
        found.note(Issue("completeness", index, name, "is empty"))
    return filled, total


def _validity(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Filled cells that the schema accepts; an error of a whole record counts against all its cells."""
    if questions.schema is None:
        return 0, 0
    check = SchemaCheck(questions.schema)
    good = total = 0
    for index, record in enumerate(attended(records)):
        filled = {name: value for name, value in record.items() if not is_empty(value)}
        wrong: set[str] = set()
        for error in check.errors(filled):
            if error.keyword == "required" and not error.path:
                continue
            named = [_field_of(error.path)] if error.path else list(error.fields)
            wrong.update(named or filled)
            listed: list[str | None] = [*named] or [None]
            for name in listed:
                found.note(Issue("validity", index, name, error.message))
        total += len(filled)
        good += len(filled.keys() - wrong)
    return good, total


def _field_of(path: str) -> str:
    return path.split("/")[1].replace("~1", "/").replace("~0", "~")


def _uniqueness(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Distinct keys of all records; without key fields the whole record is its key."""
    first: dict[str, int] = {}
    for index, record in enumerate(attended(records)):
        key = _key(record, questions.key_fields)
        before = first.setdefault(key, index)
        if before != index:
            found.note(Issue("uniqueness", index, None, f"has the key of record {before}"))
    return len(first), len(records)


def _key(record: Record, fields: Sequence[str]) -> str:
    chosen = [record.get(name) for name in fields] if fields else record
    return json_text(chosen)


def _consistency(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Pairs of record and rule that hold; rules of severity info are reported and not counted."""
    counted = sum(rule.severity != "info" for rule in questions.rules)
    broken = 0
    for index, record in enumerate(attended(records)):
        for rule, reason in broken_rules(questions.rules, record):
            broken += rule.severity != "info"
            found.note(Issue("consistency", index, None, f"{rule.rule_id}: {reason}"))
    return counted * len(records) - broken, counted * len(records)


def _timeliness(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Records no older than allowed, and none from the future, as seen from the reference time."""
    name, age = questions.timestamp_field, questions.max_age_days
    if name is None or age is None:
        return 0, 0
    moments = [parse_time(record.get(name)) for record in records]
    known = [moment for moment in moments if moment is not None]
    # The same call must give the same answer tomorrow, so the newest record stands in for "now", not the clock.
    now = questions.reference_time or max(known, default=datetime.max.replace(tzinfo=UTC))
    good = 0
    for index, moment in enumerate(moments):
        reason = _staleness(moment, now, age)
        good += reason is None
        if reason:
            found.note(Issue("timeliness", index, name, reason))
    return good, len(records)


def _staleness(moment: datetime | None, now: datetime, days: float) -> str | None:
    if moment is None:
        return "holds no ISO 8601 time"
    if moment > now:
        return "lies after the reference time"
    return f"is older than {days:g} days" if now - moment > timedelta(days=days) else None


def _accuracy(records: Sequence[Record], questions: Questions, found: Assessment) -> Count:
    """Cells equal to those of the reference record with the same key."""
    if questions.reference_dataset is None:
        return 0, 0
    if not questions.key_fields:
        raise InvalidArgumentError.at("/key_fields", "is needed to find the reference record of each record")
    truths = {_key(record, questions.key_fields): record for record in questions.reference_dataset}
    good = total = 0
    for index, record in enumerate(attended(records)):
        truth = truths.get(_key(record, questions.key_fields))
        if truth is None:
            found.note(Issue("accuracy", index, None, "has no reference record"))
            continue
        for name in sorted(truth.keys() - set(questions.key_fields)):
            total += 1
            good += (equal := record.get(name) == truth[name])
            if not equal:
                found.note(Issue("accuracy", index, name, "differs from the reference"))
    return good, total


def below(scores: Mapping[Dimension, DimensionScore], thresholds: Mapping[Dimension, float]) -> Iterable[Issue]:
    """An issue for each assessed dimension under its threshold."""
    for name, score in scores.items():
        least = thresholds.get(name, DEFAULT_THRESHOLD)
        if score.score is not None and score.score < least:
            yield Issue(name, None, None, f"scores {score.score:.6f}, under the threshold {least:g}")

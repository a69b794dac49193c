"""Lists of records in one canonical shape: a rule for each field, a type for each list, and no silent guesses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.standardize.dispatch import options_for
from app.a2a.mcp.domain.standardize.field_rules import FieldRule, Outcome, clean_text, compile_rule
from app.a2a.mcp.domain.standardize.quality import is_empty
from app.a2a.mcp.domain.standardize.record_types import DataType, Draft, record_type, schema_of
from app.a2a.mcp.domain.standardize.schema_check import SchemaCheck, pointer
from app.a2a.mcp.domain.standardize.values import Status
from app.a2a.mcp.errors import InvalidArgumentError

OnError: TypeAlias = Literal["keep", "null", "drop"]
ON_ERROR: tuple[OnError, ...] = get_args(OnError)
FOUND_TOGETHER = frozenset({"country", "subdivision", "state", "province"})
LEVELS = ("l1", "l2", "l3", "l4")
RuleSpecs: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FieldIssue:
    """Why a field is not canonical."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class StandardRecord:
    """One record: before, after, its place, how complete it is (0..1), and what was wrong with it."""

    index: int
    original: Mapping[str, Any]
    standardized: Mapping[str, Any]
    hierarchy: dict[str, str | None]
    hierarchy_path: str | None
    completeness: float
    issues: list[FieldIssue]
    status: Status


@dataclass(frozen=True, slots=True)
class Plan:
    """How a list is to be standardized. `path` is where the field rules stand among the arguments."""

    data_type: DataType
    field_rules: RuleSpecs = field(default_factory=dict)
    validate: bool = True
    on_error: OnError = "keep"
    path: str = "/options/field_rules"


def standardize_records(items: Sequence[Mapping[str, Any]], plan: Plan) -> list[StandardRecord]:
    """Standardize every record. Raises InvalidArgumentError for rules that cannot be meant, never for a bad value."""
    if plan.data_type == "record" and not plan.field_rules:
        raise InvalidArgumentError.at(plan.path, "is required for the type record, which has no rules of its own")
    own = {name: compile_rule(spec, plan.path + pointer(name)) for name, spec in plan.field_rules.items()}
    check = SchemaCheck(schema_of(plan.data_type)) if plan.validate else None
    place = _location_options(plan)
    return [_standardize(index, item, plan, own, check, place) for index, item in enumerate(attended(items))]


def _location_options(plan: Plan) -> dict[str, Any]:
    """A location's country and subdivision are found together, so its country rule says in which languages."""
    spec = plan.field_rules.get("country", {})
    if plan.data_type != "location":
        return {}
    for name in plan.field_rules.keys() & FOUND_TOGETHER:
        if name != "country" or spec.get("type") != "country":
            reason = "is found with its country: the only rule taken is country's, of the type country"
            raise InvalidArgumentError.at(plan.path + pointer(name), reason)
    if not spec:
        return {}
    return {"location_options": options_for("country", {k: v for k, v in spec.items() if k != "type"})}


def _standardize(
    index: int,
    item: Mapping[str, Any],
    plan: Plan,
    own: Mapping[str, FieldRule],
    check: SchemaCheck | None,
    place: Mapping[str, Any],
) -> StandardRecord:
    kind = record_type(plan.data_type)
    draft = Draft(item, {}, details=dict(place))
    skipped = FOUND_TOGETHER if plan.data_type == "location" else frozenset()
    rules = {**kind.rules, **{name: rule for name, rule in own.items() if name not in skipped}}
    for name, value in item.items():
        _apply(draft, name, value, rules.get(name))
    kind.derive(draft)
    if check is not None:
        _validate(draft, check)
    for name in draft.issues:
        _settle(draft, name, plan.on_error)
    return StandardRecord(
        index=index,
        original=item,
        standardized=draft.fields,
        hierarchy=dict(zip(LEVELS, [*draft.levels, *[None] * 4][:4], strict=True)),
        hierarchy_path="/".join(draft.levels) or None,
        completeness=_completeness(draft, [*kind.expected, *(own if not skipped else ())]),
        issues=[FieldIssue(name, outcome.reason or outcome.status) for name, outcome in draft.issues.items()],
        status=_status(draft.issues.values()),
    )


def _completeness(draft: Draft, expected: Sequence[str]) -> float:
    """Filled fields without an issue, of those expected and those there are."""
    wanted = dict.fromkeys([*expected, *draft.issues, *draft.fields])
    filled = sum(not is_empty(draft.fields.get(name)) and name not in draft.issues for name in wanted)
    return filled / len(wanted) if wanted else 0.0


def _apply(draft: Draft, name: str, value: Any, rule: FieldRule | None) -> None:
    """One field: what is empty becomes null, and what has no rule is only cleaned."""
    if is_empty(value) and not isinstance(value, list | dict):
        draft.fields[name] = None
        return
    if rule is None:
        draft.fields[name] = clean_text(value) if isinstance(value, str) else value
        return
    outcome = rule(value)
    draft.fields[name] = value
    if outcome.status == "ok":
        draft.fields[name] = None if outcome.value == "" else outcome.value
        draft.details[name] = outcome.details
    else:
        draft.issues[name] = outcome


def _validate(draft: Draft, check: SchemaCheck) -> None:
    for error in check.errors(draft.fields):
        name = error.path.split("/")[1].replace("~1", "/").replace("~0", "~") if error.path else ""
        if name not in draft.issues:
            draft.issues[name] = Outcome("invalid", reason=f"{error.keyword}: {error.message}")


def _settle(draft: Draft, name: str, on_error: OnError) -> None:
    """A field that could not be standardized stays as given, becomes null, or goes."""
    if on_error == "drop":
        draft.fields.pop(name, None)
    elif on_error == "null":
        draft.fields[name] = None


def _status(outcomes: Any) -> Status:
    found = {outcome.status for outcome in outcomes}
    return "invalid" if "invalid" in found else "ambiguous" if "ambiguous" in found else "ok"

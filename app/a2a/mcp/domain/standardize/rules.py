"""Rules over a whole record: a condition with a name and a severity, and what a record breaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from app.a2a.mcp.domain.expressions import Condition, EvaluationError
from app.a2a.mcp.errors import LimitExceededError

Severity: TypeAlias = Literal["error", "warning", "info"]
MAX_RULES = 50
MAX_STEPS = 3_000_000
"""Nodes of conditions walked in one call: about five seconds of one core."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that every record should meet."""

    rule_id: str
    condition: Condition
    severity: Severity = "error"


def bound_rules(rules: Sequence[Rule], records: int) -> None:
    """Raises LimitExceededError where checking the rules on so many records would take too long."""
    if sum(rule.condition.size for rule in rules) * records > MAX_STEPS:
        raise LimitExceededError.at("/rules", f"ask for more than {MAX_STEPS} steps: give fewer records or rules")


def broken_rules(rules: Sequence[Rule], record: Mapping[str, Any]) -> Iterator[tuple[Rule, str]]:
    """The rules that a record does not meet, each with why; a rule that null leaves open is met, as in SQL's CHECK."""
    for rule in rules:
        try:
            if rule.condition.holds(record) is False:
                yield rule, f"does not meet {rule.condition.text}"
        except EvaluationError as error:
            yield rule, f"cannot be checked by {rule.condition.text}: it {error}"

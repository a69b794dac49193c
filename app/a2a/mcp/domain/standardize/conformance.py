"""Records against a schema and cross-field rules: every finding with its place, and how many records comply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.standardize.rules import Rule, Severity, bound_rules, broken_rules
from app.a2a.mcp.domain.standardize.schema_check import Level, SchemaCheck

MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong where: `path` is a JSON Pointer that begins with the item's index."""

    path: str
    keyword: str
    message: str
    severity: Severity
    rule_id: str | None = None


@dataclass(slots=True)
class Conformance:
    """How many items comply (have no finding of severity error), and the first `MAX_FINDINGS` findings."""

    total: int
    valid: int = 0
    findings: list[Finding] = field(default_factory=list)
    truncated: bool = False

    def add(self, finding: Finding) -> None:
        """Keep a finding while there is room."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)
        else:
            self.truncated = True


def check_records(
    items: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], level: Level, rules: Sequence[Rule] = ()
) -> Conformance:
    """Check every item. Raises InvalidArgumentError or LimitExceededError for a schema that cannot be used."""
    bound_rules(rules, len(items))
    check = SchemaCheck(schema, level)
    found = Conformance(len(items))
    for index, item in enumerate(attended(items)):
        valid = True
        for error in check.errors(item):
            valid = False
            found.add(Finding(f"/{index}{error.path}", error.keyword, error.message, "error"))
        for rule, reason in broken_rules(rules, item):
            valid = valid and rule.severity != "error"
            found.add(Finding(f"/{index}", "rule", reason, rule.severity, rule.rule_id))
        found.valid += valid
    return found

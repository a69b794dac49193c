"""What rules and dashboards ask of Prometheus, read by a parser of PromQL."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from tests.node import venv_environment

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
MONITORING = ROOT / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
UNIT_TESTS = sorted((MONITORING / "prometheus" / "tests").glob("*.yml"))
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))

INTERVAL = re.compile(r"\$\{?__(rate_interval|interval|range)\}?")
VARIABLE = re.compile(r"\$\{?(\w+)(?::\w+)?\}?")
LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)")
ALTERNATIVES = re.compile(r"[\w-]+(\|[\w-]+)*")


@dataclass(frozen=True)
class Rule:
    """A recording rule or an alert, `name` whichever it is."""

    file: str
    name: str
    expr: str
    alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class Selector:
    """One metric as an expression selects it: `matchers` are (label, operator, value), `needed` what it is grouped
    or joined by."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    needed: frozenset[str] = field(default=frozenset())

    def __str__(self) -> str:
        parts = [f"{label}{operator}{json.dumps(value)}" for label, operator, value in self.matchers]
        return f"{self.metric}{{{', '.join(parts)}}}"

    def alternatives(self) -> Iterator[tuple[str, str]]:
        """Every label value that is named: of `a="x"` and of `a=~"x|y"`."""
        for label, operator, value in self.matchers:
            if operator == "=" and value:
                yield label, value
            elif operator == "=~" and ALTERNATIVES.fullmatch(value):
                yield from ((label, each) for each in value.split("|"))


def rules() -> list[Rule]:
    """Every rule of monitoring/prometheus/rules."""
    found = []
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or rule["record"]
                texts = rule.get("annotations", {})
                found.append(Rule(path.name, name, rule["expr"], "alert" in rule, rule.get("labels", {}), texts))
    return found


def queries(dashboard: Path) -> list[str]:
    """Every expression of a dashboard, its variables filled in so that all are meant."""
    return [filled(text) for key, text in strings(dashboard) if key == "expr" and text]


def page_queries(service: str) -> list[str]:
    """Every expression that the fleet page asks, of one service where it shows one; told by the page's own module."""
    module = MONITORING / "fleet" / "queries.js"
    script = """
      const page = await import(process.argv[1]);
      const figures = Object.values(page).map((it) => (typeof it === 'object' ? it : {}));
      figures.push(page.serviceLines(process.argv[2]), page.toolsOf(process.argv[2]));
      console.log(JSON.stringify(figures.flatMap(Object.values)));
    """
    command = ["node", "--input-type=module", "--no-warnings", "--eval", script, module.as_uri(), service]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=venv_environment())
    found: list[str] = json.loads(done.stdout)
    return found


def commands() -> list[str]:
    """Every expression that docs/operations.md has an operator ask."""
    return re.findall(r"^ *q '([^']+)'", OPERATIONS.read_text(), re.M)


def strings(dashboard: Path) -> list[tuple[str, str]]:
    """Every text of a dashboard with the key it stands under."""
    found: list[tuple[str, str]] = []
    pending: list[tuple[str, Any]] = [("", json.loads(dashboard.read_text()))]
    while pending:
        key, node = pending.pop()
        if isinstance(node, dict):
            pending += node.items()
        elif isinstance(node, list):
            pending += ((key, each) for each in node)
        elif isinstance(node, str):
            found.append((key, node))
    return found


def filled(expr: str) -> str:
    """The expression without Grafana's variables: an interval is 5 minutes, any other matches everything."""
    return VARIABLE.sub(".*", INTERVAL.sub("5m", expr))


def selectors(expr: str) -> list[Selector]:
    """What the expression selects, with the labels that it groups or joins by."""
    found: list[Selector] = []
    _collect(promql_parser.parse(expr), frozenset(), found)
    return found


def labels_in_text(text: str) -> set[str]:
    """The labels that an annotation or a legend shows."""
    return set(re.findall(r"\$labels\.(\w+)", text)) | set(re.findall(r"{{\s*(\w+)\s*}}", text))


OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def _collect(node: Any, needed: frozenset[str], found: list[Selector]) -> None:
    match node:
        case promql_parser.VectorSelector():
            found.append(_selector(node, needed))
        case promql_parser.MatrixSelector():
            found.append(_selector(node.vector_selector, needed))
        case promql_parser.AggregateExpr():
            by = node.modifier is not None and str(node.modifier.type).endswith("By")
            _collect(node.expr, frozenset(node.modifier.labels) if by else frozenset(), found)
        case promql_parser.BinaryExpr():
            joined, lent = _joined(node.modifier), _lent(node.modifier)
            _collect(node.lhs, needed - lent | joined, found)
            # What the right side only filters or divides by need not carry what the result is grouped by.
            _collect(node.rhs, (joined or needed) | lent, found)
        case promql_parser.Call():
            for argument in node.args:
                _collect(argument, needed, found)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            _collect(node.expr, needed, found)


def _joined(modifier: Any) -> frozenset[str]:
    matching = modifier.matching if modifier is not None else None
    return frozenset(matching.labels) if matching is not None else frozenset()


def _lent(modifier: Any) -> frozenset[str]:
    """The labels that the left side takes over from the right one."""
    taken = modifier is not None and str(modifier.card).endswith("ManyToOne")
    return frozenset(modifier.group_labels or ()) if taken else frozenset()


def _selector(node: Any, needed: frozenset[str]) -> Selector:
    matchers = [(m.name, OPERATORS[str(m.op).rpartition(".")[2]], m.value) for m in node.matchers.matchers]
    metric = node.name or next(value for name, _, value in matchers if name == "__name__")
    return Selector(metric, tuple(m for m in matchers if m[0] != "__name__"), needed)

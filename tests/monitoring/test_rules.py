"""The rules by themselves: promtool takes them, each alert is tested both ways, and each has a runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from app.a2a.mcp.core.metrics import CALL_SECONDS
from app.a2a.mcp.core.registry import load_registry
from tests.monitoring.promql import OPERATIONS, RULES, UNIT_TESTS, Rule, labels_in_text, page_queries, rules, selectors

ALERTS = [rule for rule in rules() if rule.alert]
RECORDS = [rule for rule in rules() if not rule.alert]

SCOPES = {"instance", "service", "edge", "state", "host", "monitoring"}
WORKBOOK = {
    ("page", "1h", "5m", 14.4),
    ("page", "6h", "30m", 6.0),
    ("ticket", "1d", "2h", 3.0),
    ("ticket", "3d", "6h", 1.0),
}
"""SRE workbook, chapter 5, for 30 days: severity, long window, short window, times the budget."""


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    binary = shutil.which("promtool")
    assert binary, "promtool is missing: apt-get install prometheus (make packages does)"
    return subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, check=False)


def heading_of(rule: Rule) -> str:
    return rule.annotations["runbook_url"].rpartition("#")[2]


def ids(rule: Rule) -> str:
    return "-".join([rule.name, *filter(None, [rule.labels.get("window")])])


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_their_unit_tests_say(path: Path) -> None:
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def stories(alert: str) -> list[list[dict[str, Any]]]:
    """Of each unit test that looks for the alert: the alerts it expects, at any time."""
    found = []
    for path in UNIT_TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            looks = [check for check in test["alert_rule_test"] if check["alertname"] == alert]
            if looks:
                found.append([expected for look in looks for expected in look["exp_alerts"]])
    return found


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_is_seen_firing(rule: Rule) -> None:
    fired = [expected["exp_labels"] for story in stories(rule.name) for expected in story]
    assert any(rule.labels.items() <= labels.items() for labels in fired)


@pytest.mark.parametrize("rule", [rule for rule in ALERTS if rule.expr != "vector(1)"], ids=ids)
def test_each_alert_is_seen_staying_silent_all_through_a_story(rule: Rule) -> None:
    assert [] in stories(rule.name)


def test_only_the_dead_mans_switch_fires_always() -> None:
    assert [rule.name for rule in ALERTS if rule.expr == "vector(1)"] == ["DeadMansSwitch"]


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_says_who_is_woken_what_it_is_and_where_to_read_on(rule: Rule) -> None:
    assert rule.labels["severity"] in ("page", "ticket") or rule.name == "DeadMansSwitch"
    assert rule.labels["scope"] in SCOPES
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    assert rule.annotations["runbook_url"].startswith("docs/operations.md#")


def runbooks() -> dict[str, str]:
    """Heading → text of each section that explains an alert."""
    parts = re.split(r"^### (.+)$", OPERATIONS.read_text(), flags=re.M)
    return {name: text for name, text in zip(parts[1::2], parts[2::2], strict=True) if "**Means**" in text}


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_has_a_runbook_under_its_name(rule: Rule) -> None:
    assert heading_of(rule) == rule.name.lower()
    text = runbooks()[rule.name]
    for part in ("**Means**", "**Clients notice**", "**Look**", "**Do**", "**Escalate**"):
        assert part in text, f"{rule.name}: the runbook lacks {part}"


def test_each_runbook_belongs_to_an_alert() -> None:
    assert set(runbooks()) == {rule.name for rule in ALERTS}


@pytest.mark.parametrize("rule", RECORDS, ids=ids)
def test_recorded_names_are_level_metric_operations(rule: Rule) -> None:
    assert re.fullmatch(r"(fleet|service|instance):[a-z0-9_]+:[a-z0-9_]+", rule.name)


def test_whatever_is_read_from_a_record_is_recorded() -> None:
    recorded = {rule.name for rule in RECORDS}
    read = {selector.metric for rule in rules() for selector in selectors(rule.expr) if ":" in selector.metric}
    assert read <= recorded


def test_the_fleet_page_asks_in_promql_and_for_records_that_there_are() -> None:
    asked = [selector for expr in page_queries("sample") for selector in selectors(expr)]
    assert len(asked) > 40 and any(("service", "=", "sample") in selector.matchers for selector in asked)
    assert {it.metric for it in asked if ":" in it.metric} <= {rule.name for rule in RECORDS}


def burn_alerts(slo: str) -> list[tuple[str, str, str, float]]:
    """Of each alert of a budget: severity, long window, short window and factor, read from the expression."""
    found = []
    for rule in ALERTS:
        node = promql_parser.parse(rule.expr)
        if f"service:{slo}_burn" not in rule.expr:
            continue
        windows, factors = [], set()
        while isinstance(node, promql_parser.BinaryExpr) and node.op.__str__() == "and":
            windows.append(node.rhs)
            node = node.lhs
        comparisons = [node, *reversed(windows)]
        burns = [c for c in comparisons if f"{slo}_burn" in c.lhs.name]
        factors = {c.rhs.val for c in burns}
        long, short = (c.lhs.name.rpartition("ratio_rate")[2] for c in burns)
        assert len(factors) == 1 and rule.labels["window"] == long
        found.append((rule.labels["severity"], long, short, factors.pop()))
    return found


@pytest.mark.parametrize("slo", ["availability", "latency"])
def test_budgets_are_watched_with_the_figures_of_the_workbook(slo: str) -> None:
    found = burn_alerts(slo)
    assert set(found) == WORKBOOK and len(found) == len(WORKBOOK)


@pytest.mark.parametrize("window", ["30m", "1h", "2h", "6h", "1d", "3d"])
@pytest.mark.parametrize("slo", ["availability", "latency"])
def test_a_burn_rate_covers_the_window_that_its_name_says(slo: str, window: str) -> None:
    rule = next(rule for rule in RECORDS if rule.name == f"service:{slo}_burn:ratio_rate{window}")
    assert set(re.findall(r"\[(\w+)\]", rule.expr)) == {window}


def test_promised_latencies_are_bounds_that_are_measured() -> None:
    bounds = [float(rule.labels["le"]) for rule in RECORDS if rule.name == "service:latency:objective"]
    assert bounds and set(bounds) <= set(CALL_SECONDS)


def test_exceptions_from_an_objective_are_services_that_exist_and_no_service_is_left_out() -> None:
    named = {
        (operator, value)
        for rule in RECORDS
        if rule.name.endswith(":objective")
        for selector in selectors(rule.expr)
        for label, operator, value in selector.matchers
        if label == "service"
    }
    excepted = {value for operator, value in named if operator == "=~"}
    assert {value for operator, value in named if operator == "!~"} == {"|".join(sorted(excepted))}
    assert {name for value in excepted for name in value.split("|")} <= set(load_registry().names)


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_texts_show_only_labels_that_the_alert_can_have(rule: Rule) -> None:
    shown = set().union(*(labels_in_text(text) for text in rule.annotations.values()))
    grouped = set().union(*(selector.needed for selector in selectors(rule.expr)))
    if grouped and re.match(r"\s*(sum|max|min|count) by", rule.expr):
        assert shown <= grouped

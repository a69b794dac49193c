"""Every metric and label that a rule or a dashboard names is exposed by the running fleet: nothing watches thin air."""

import json
import re
import shlex
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module

import pytest

from tests.fleet import Fleet, until
from tests.monitoring.promql import (
    DASHBOARDS,
    LABEL_VALUES,
    Selector,
    commands,
    filled,
    labels_in_text,
    page_queries,
    queries,
    rules,
    selectors,
    strings,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

API = "http://127.0.0.1:9090/prometheus/api/v1"
RECENT_SECONDS = 600
"""Series that ended earlier are of an older release and prove nothing."""

BACKUPS = {
    "a2a_backup_last_success_timestamp_seconds",
    'node_systemd_unit_state{name="a2a-backup.timer", state="active"}',
}
"""Exposed by hosts that have backups switched on, and by no other."""

LABELS_OF_ALERTS = {"alertname", "alertstate", "severity", "scope", "window"}

Labels = dict[str, str]
Series = Callable[[Iterable[str]], dict[str, list[Labels]]]


@pytest.fixture(scope="module")
def series(fleet: Fleet) -> Series:
    """The series that selectors match, as the live Prometheus tells, in one trip to the host."""

    def ask(wanted: Iterable[str]) -> dict[str, list[Labels]]:
        names = list(wanted)
        start = f"start={int(time.time()) - RECENT_SECONDS}"
        lines = [
            f"curl -sG {API}/series --data-urlencode {shlex.quote('match[]=' + name)} -d {start}; echo"
            for name in names
        ]
        answers = [json.loads(line) for line in fleet.sh("\n".join(lines), timeout=120).splitlines()]
        wrong = {name: answer for name, answer in zip(names, answers, strict=True) if answer["status"] != "success"}
        assert not wrong
        return {name: answer["data"] for name, answer in zip(names, answers, strict=True)}

    return ask


@pytest.fixture(scope="module", autouse=True)
def traffic(fleet: Fleet, series: Series) -> None:
    """One call of every service, so that there is something to record: then every record has series."""
    with fleet.http() as client:
        for service in fleet.registry.services:
            tools = import_module(service.module).server.tools.values()
            tool = next(tool for tool in tools if tool.permission == "read" and tool.examples)
            ask = partial(fleet.call, client, service.name, tool.name, dict(tool.examples[0]))
            until(lambda ask=ask: ask().status_code == 200, 60, f"{service.name} does not answer")
    records = {rule.name for rule in rules() if not rule.alert}
    until(lambda: all(series(records).values()), 150, "not all records are recorded", records)


def is_backup(selector: Selector) -> bool:
    return selector.metric in BACKUPS or str(selector) in BACKUPS


def missing(asked: list[Selector], series: Series, backups: bool) -> list[str]:
    """What a list of selectors names and nobody exposes."""
    found = series({str(selector) for selector in asked})
    wrong = []
    for selector in asked:
        matched = found[str(selector)]
        if is_backup(selector) and not backups:
            continue
        if not matched:
            wrong.append(f"nothing matches {selector}")
        for label, value in selector.alternatives():
            # A value that matched once is named rightly; regular expressions without a known value prove nothing.
            if matched and not any(labels.get(label) == value for labels in matched):
                wrong.append(f"{selector.metric} has no {label}={value!r}")
        for label in selector.needed:
            if matched and not all(label in labels for labels in matched):
                wrong.append(f"{selector} lacks the label {label}")
        for label, operator, _ in selector.matchers:
            if operator.startswith("!") and matched and not any(label in labels for labels in matched):
                wrong.append(f"{selector.metric} has no label {label}")
    return wrong


@pytest.fixture(scope="module")
def backups(fleet: Fleet) -> bool:
    """Whether the host has backups switched on."""
    return fleet.sh("systemctl is-enabled a2a-backup.timer 2>/dev/null || true") == "enabled"


def test_rules_ask_for_what_is_exposed(series: Series, backups: bool) -> None:
    wrong = {}
    for rule in rules():
        if problems := missing(selectors(rule.expr), series, backups):
            wrong[f"{rule.file}: {rule.name}"] = problems
    assert not wrong


def test_the_operations_page_asks_for_what_is_exposed(series: Series, backups: bool) -> None:
    asked = [selector for expr in commands() for selector in selectors(expr) if selector.metric != "ALERTS"]
    assert len(asked) > 40
    assert missing(asked, series, backups) == []


def test_texts_of_alerts_show_labels_that_are_exposed(series: Series) -> None:
    alerts = [rule for rule in rules() if rule.alert]
    found = series({str(selector) for rule in alerts for selector in selectors(rule.expr)})
    wrong = {}
    for rule in alerts:
        shown = set().union(*(labels_in_text(text) for text in rule.annotations.values())) - set(rule.labels)
        exposed = {label for selector in selectors(rule.expr) for labels in found[str(selector)] for label in labels}
        if shown - exposed and not all(is_backup(selector) for selector in selectors(rule.expr)):
            wrong[rule.name] = shown - exposed
    assert not wrong


def test_dashboards_ask_for_what_is_exposed(series: Series, backups: bool) -> None:
    wrong = {}
    for dashboard in DASHBOARDS:
        asked = [it for query in queries(dashboard) for it in selectors(query) if it.metric != "ALERTS"]
        assert asked, dashboard.name
        if problems := missing(asked, series, backups):
            wrong[dashboard.name] = problems
    assert not wrong


def test_the_fleet_page_asks_for_what_is_exposed(series: Series, fleet: Fleet, backups: bool) -> None:
    asked = [selector for expr in page_queries(fleet.registry.names[0]) for selector in selectors(expr)]
    assert missing(asked, series, backups) == []


def test_dashboards_show_and_choose_by_labels_that_are_exposed(series: Series) -> None:
    wrong = set()
    for dashboard in DASHBOARDS:
        asked = {str(selector) for query in queries(dashboard) for selector in selectors(query)}
        exposed = {label for found in series(asked).values() for labels in found for label in labels}
        for key, text in strings(dashboard):
            if key == "legendFormat":
                shown = labels_in_text(text) - exposed - LABELS_OF_ALERTS
                wrong |= {(dashboard.name, text)} if shown else set()
            elif (choice := LABEL_VALUES.fullmatch(text.strip())) and (selector := choice["selector"]):
                (found,) = series([filled(selector)]).values()
                wrong |= set() if any(choice["label"] in labels for labels in found) else {(dashboard.name, text)}
    assert not wrong


def test_counters_of_failures_are_there_before_the_first_failure(fleet: Fleet) -> None:
    # As they are now: a series that a deployment has ended is no second one.
    ask = shlex.quote('query=count(a2a_mcp_calls_total{outcome="internal"})')
    answer = json.loads(fleet.sh(f"curl -fsSG {API}/query --data-urlencode {ask}"))
    tools = sum(service.tools for service in fleet.registry.services)
    assert int(answer["data"]["result"][0]["value"][1]) == tools * fleet.registry.instances


def test_the_release_that_runs_is_told(series: Series, fleet: Fleet) -> None:
    release = re.sub(r".*/", "", fleet.sh("readlink /opt/a2a-mcp/current"))
    name = "a2a_mcp_build_info"
    assert {labels["release"] for labels in series([name])[name]} >= {release}

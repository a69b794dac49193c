"""Every query of every dashboard is answered by the live Prometheus, with series where there is something to tell."""

import json
import shlex
from functools import partial
from importlib import import_module

import pytest

from tests.fleet import Fleet, until
from tests.monitoring.promql import DASHBOARDS, filled, strings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

API = "http://127.0.0.1:9090/prometheus/api/v1"
QUIET = ("ALERTS{", "> 0", "redis_db_keys_expiring", '!="active"} == 1')
"""What may have nothing to show on a fleet that is well: alerts, and panels that leave zeros out."""


def asked(name: str, service: str) -> list[str]:
    """The expressions of a dashboard and its marks, its service chosen and everything else left at All."""
    (path,) = [path for path in DASHBOARDS if path.stem == name]
    return [filled(text.replace("$service", service)) for key, text in strings(path) if key == "expr" and text]


def answers(fleet: Fleet, exprs: list[str]) -> dict[str, list[object]]:
    """The result of each expression, over five minutes as a chart asks for it."""
    arguments = "-d start=$(($(date +%s) - 300)) -d end=$(date +%s) -d step=15"
    lines = [
        f"curl -sG {API}/query_range {arguments} --data-urlencode {shlex.quote('query=' + expr)}; echo"
        for expr in exprs
    ]
    replies = [json.loads(line) for line in fleet.sh("\n".join(lines), timeout=200).splitlines()]
    wrong = {expr: reply for expr, reply in zip(exprs, replies, strict=True) if reply["status"] != "success"}
    assert not wrong
    return {expr: reply["data"]["result"] for expr, reply in zip(exprs, replies, strict=True)}


@pytest.fixture(scope="module", autouse=True)
def traffic(fleet: Fleet) -> None:
    """A call of every service whose examples a reader may try."""
    with fleet.http() as client:
        for service in fleet.registry.services:
            tools = import_module(service.module).server.tools.values()
            tool = next(tool for tool in tools if tool.permission == "read" and tool.examples)
            ask = partial(fleet.call, client, service.name, tool.name, dict(tool.examples[0]))
            until(lambda ask=ask: ask().status_code == 200, 60, f"{service.name} does not answer")


@pytest.mark.parametrize("name", [path.stem for path in DASHBOARDS])
def test_queries_are_answered_without_error_and_with_series(fleet: Fleet, name: str) -> None:
    service = fleet.registry.services[0].name
    exprs = asked(name, service)
    assert len(exprs) > 15

    def silent() -> list[str]:
        found = answers(fleet, exprs)
        return [
            expr
            for expr, result in found.items()
            if not result and "unless" not in expr and not any(quiet in expr for quiet in QUIET)
        ]

    until(lambda: not silent(), 120, f"{name}: nothing to show", silent)

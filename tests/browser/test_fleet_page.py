"""The fleet page of the deployed host: it shows what Prometheus says, to everybody, in any light and at any width."""

import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.fleet import Fleet, until

from .conftest import OpenPage
from .visit import WIDTHS, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SERVICE_FIGURES = {
    "calls": "sum by (service) (rate(a2a_mcp_call_duration_seconds_count[5m]))",
    "restarts": 'sum by (service) (changes(process_start_time_seconds{job="a2a-mcp"}[1h]))',
    "errors": "service:a2a_mcp_failures:ratio_rate5m",
    "p95": "service:a2a_mcp_call_duration_seconds:p95_rate5m",
}
RECORDED = {"calls": "service:a2a_mcp_calls:rate5m"}

GROUND = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"

Asked = Callable[[str], dict[str, float]]


@pytest.fixture
def ask_at(fleet: Fleet) -> Callable[[float, str], Asked]:
    """What Prometheus says at a moment through the edge: value by the label named."""
    auth = ("operator", fleet.operator_password)

    def ask(moment: float, label: str) -> Asked:
        def values(query: str) -> dict[str, float]:
            with fleet.http(auth=auth) as client:
                answer = client.get("/prometheus/api/v1/query", params={"query": query, "time": moment})
            answer.raise_for_status()
            return {it["metric"][label]: float(it["value"][1]) for it in answer.json()["data"]["result"]}

        return values

    return ask


def refreshed(visit: Visit) -> float:
    """Refresh once; the moment that the page now shows."""
    with visit.page.expect_response(lambda it: it.url.endswith("/api/v1/query"), timeout=60_000):
        visit.page.click("#refresh")
    visit.see()
    found = visit.page.locator("#as-of time").get_attribute("datetime")
    return float(visit.page.evaluate("text => Date.parse(text) / 1000", found))


def shown(visit: Visit, name: str) -> dict[str, float]:
    """A figure of every service, exactly; those that there is nothing to tell of are left out."""
    script = """name => Object.fromEntries([...document.querySelectorAll('#grid [data-service]')].map(
        (row) => [row.dataset.service, row.querySelector(`[data-figure="${name}"]`).value]))"""
    return {service: float(value) for service, value in visit.page.evaluate(script, name).items() if value}


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    known = {name: value for name, value in other.items() if math.isfinite(value)}
    return one.keys() == known.keys() and all(math.isclose(one[it], known[it], rel_tol=1e-9) for it in one)


def test_grid_shows_what_prometheus_says_at_the_moment_it_names(
    fleet: Fleet, visit: OpenPage, ask_at: Callable[[float, str], Asked]
) -> None:
    with fleet.http() as client:
        fleet.call(client, "confidence_calculator", "calculate_evidence_quality", {"evidence": ["a", "b"]})
    page = visit()
    page.see()
    page.page.click("#pause")
    last: dict[str, Any] = {}

    def agrees() -> bool:
        # A sample of a moment can be stored after it: then the page's answer and ours differ, and both are right.
        moment = refreshed(page)
        script = "cells => Object.fromEntries(cells.map((it) => [it.dataset.instance, it.dataset.state]))"
        states = page.page.eval_on_selector_all("#grid [data-instance]", script)
        said = ask_at(moment, "instance")('up{job="a2a-mcp"}')
        last.update(states=states, said=said)
        of_service = ask_at(moment, "service")
        figures = {name: (shown(page, name), of_service(query)) for name, query in (SERVICE_FIGURES | RECORDED).items()}
        last.update(figures=figures)
        up = {name: "up" if value else "down" for name, value in said.items()}
        return states == up and all(same(*pair) for pair in figures.values())

    until(agrees, 60, "the page and Prometheus differ", last)
    registry = fleet.registry
    assert len(last["states"]) == len(registry.services) * registry.instances
    assert page.texts("#grid .service a") == list(registry.names)
    assert page.texts(".as-of")[0].endswith("paused")


def test_service_shows_each_of_its_tools_and_instances(fleet: Fleet, visit: OpenPage) -> None:
    service = fleet.registry.services[-1]
    page = visit(f"#service/{service.name}")
    page.see()
    assert page.texts("#service-title") == [service.name]
    expect(page.page.locator("#service [data-instance]")).to_have_count(fleet.registry.instances)
    expect(page.page.locator("#service [data-tool]")).to_have_count(service.tools)
    expect(page.page.locator("#charts:not([hidden]) canvas")).to_have_count(4)
    assert "last hour" in str(page.page.locator("#charts .canvas").first.get_attribute("aria-label"))


def test_alerts_that_fire_are_named_with_their_number(fleet: Fleet, visit: OpenPage) -> None:
    page = visit()
    page.see()
    last: dict[str, Any] = {}

    def agrees() -> bool:
        refreshed(page)
        with fleet.http(auth=("operator", fleet.operator_password)) as client:
            alerts = client.get("/prometheus/api/v1/alerts").json()["data"]["alerts"]
        firing = [it["labels"] for it in alerts if it["state"] == "firing" and it["labels"]["severity"] != "none"]
        wanted: dict[str, int] = {}
        for labels in firing:
            wanted[labels["alertname"]] = wanted.get(labels["alertname"], 0) + 1
        script = "rows => rows.map((it) => [it.dataset.alert, Number(it.dataset.number)])"
        found = dict(page.page.eval_on_selector_all("#alerts > ul > li", script))
        last.update(wanted=wanted, found=found)
        return bool(found == wanted)

    until(agrees, 60, "the page and Prometheus differ", last)


@pytest.mark.parametrize("view", ["fleet", "service"])
def test_page_is_accessible_and_fits_in_any_light_and_at_any_width(
    fleet: Fleet, visit: OpenPage, axe: str, view: str
) -> None:
    page = visit(f"#service/{fleet.registry.services[0].name}" if view == "service" else "")
    page.see()
    expect(page.page.locator("#charts:not([hidden]) canvas")).to_have_count(4)
    for width, pixels in WIDTHS.items():
        page.page.set_viewport_size({"width": pixels, "height": 900})
        for scheme in ("light", "dark"):
            page.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.picture(f"{view}-{width}-{scheme}")
            assert page.violations(axe) == [], (width, scheme)
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"too wide: {width}"
            ground = page.page.evaluate(GROUND)
            assert (sum(ground) < 3 * 64) == (scheme == "dark")


def test_keyboard_reaches_everything_and_is_not_lost_on_the_way(fleet: Fleet, visit: OpenPage) -> None:
    page = visit()
    page.see()
    reached: list[str] = []
    while len(reached) < 12:
        page.page.keyboard.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.textContent.replaceAll('\\u200b', '').trim()"))
        if reached[-1] == fleet.registry.names[0]:
            break
    assert [it for it in reached if it in ("Pause", "Refresh now")] == ["Pause", "Refresh now"]
    assert reached[-1] == fleet.registry.names[0], reached
    before = refreshed_by_itself(page)
    assert page.page.evaluate("document.activeElement.textContent.replaceAll('\\u200b', '')") == reached[-1], before
    page.page.keyboard.press("Enter")
    expect(page.page.locator("#service-title")).to_be_focused(timeout=60_000)
    page.page.go_back()
    expect(page.page.locator("#grid-title")).to_be_focused(timeout=60_000)
    page.page.focus("#pause")
    page.page.keyboard.press("Space")
    expect(page.page.locator("#pause")).to_have_attribute("aria-pressed", "true")


def refreshed_by_itself(visit: Visit) -> str:
    """Wait until the page has refreshed without being asked; the moment it showed before."""
    time = visit.page.locator("#as-of time")
    before = str(time.get_attribute("datetime"))
    expect(time).not_to_have_attribute("datetime", before, timeout=60_000)
    return before


def test_nobody_sees_the_page_without_the_password(fleet: Fleet) -> None:
    with httpx.Client(verify=fleet.tls, base_url=f"https://{fleet.address}") as stranger:
        assert stranger.get("/fleet/").status_code == 401
        assert stranger.get("/fleet/main.js").status_code == 401
        answer = stranger.get("/fleet/", auth=("operator", fleet.operator_password))
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert fleet.operator_password not in answer.text

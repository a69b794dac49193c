"""The fleet page while something breaks on the deployed host: red in time, and never old figures shown as current."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.fleet import Fleet

from .conftest import OpenPage

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]

SEEN_SECONDS = 15
BACK_MS = 120_000
OPERATORS = "/etc/nginx/operators.htpasswd"


@contextmanager
def broken(fleet: Fleet, breaks: str, mends: str) -> Iterator[None]:
    """The host with something broken, mended afterwards whatever happens."""
    fleet.sh(breaks, timeout=120)
    try:
        yield
    finally:
        fleet.sh(mends, timeout=240)


def test_stopped_instance_turns_red_within_a_quarter_of_a_minute(fleet: Fleet, visit: OpenPage) -> None:
    unit = fleet.units(fleet.registry.names[-1])[0]
    instance = f"{fleet.name}:{unit.split('@')[1].removesuffix('.service')}"
    page = visit()
    page.see()
    cell = page.page.locator(f'#grid [data-instance="{instance}"]')
    expect(cell).to_have_attribute("data-state", "up", timeout=BACK_MS)
    with broken(fleet, f"systemctl stop {unit}", f"systemctl start {unit}"):
        stopped = time.monotonic()
        expect(cell).to_have_attribute("data-state", "down", timeout=SEEN_SECONDS * 1000)
        print(f"red after {time.monotonic() - stopped:.1f} s")  # noqa: T201 - the figure belongs to the report
        red, green, _ = page.page.evaluate(
            "cell => getComputedStyle(cell.querySelector('.word')).color.match(/\\d+/g).map(Number)",
            cell.element_handle(),
        )
        assert red > 2 * green
        assert "down" in cell.inner_text()
        assert "All is well" not in page.page.inner_text("#verdict")
        page.picture("instance-stopped")
    expect(cell).to_have_attribute("data-state", "up", timeout=BACK_MS)


def test_silent_prometheus_is_told_of_and_what_was_seen_is_marked_as_old(
    fleet: Fleet, visit: OpenPage, axe: str
) -> None:
    page = visit()
    page.see()
    with broken(fleet, "systemctl stop prometheus", "systemctl start prometheus"):
        page.see("stale")
        notice = page.page.inner_text("#notice")
        assert "Prometheus does not answer" in notice and "may no longer be true" in notice
        assert "old" in page.page.inner_text("#as-of")
        assert page.violations(axe) == []
        page.picture("prometheus-stopped")
        late = visit()
        late.see("absent")
        assert "nothing to show yet" in late.page.inner_text("#notice")
        late.page.context.close()
        late.complaints.clear()
    page.page.wait_for_selector('body[data-freshness="fresh"]', timeout=BACK_MS)
    expect(page.page.locator("#notice")).to_be_hidden()
    # The browser itself notes each failed request.
    page.complaints[:] = [it for it in page.complaints if "Failed to load resource" not in it]


def test_refused_sign_in_is_told_of(fleet: Fleet, visit: OpenPage) -> None:
    page = visit()
    page.see()
    with broken(fleet, f"cp -p {OPERATORS} {OPERATORS}.kept && : > {OPERATORS}", f"mv {OPERATORS}.kept {OPERATORS}"):
        page.see("stale")
        expect(page.page.locator("#notice")).to_contain_text("sign-in was refused", timeout=60_000)
    page.complaints[:] = [it for it in page.complaints if "Failed to load resource" not in it]

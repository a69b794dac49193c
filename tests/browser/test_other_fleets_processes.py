"""The fleet page before fleets that the deployed host is not: larger, empty, and with names that mean mischief."""

import pytest
from playwright.sync_api import Browser, expect

from tests.core.processes import free_port

from .other_fleets import Target, shown_fleet
from .visit import Visit, open_page

pytestmark = pytest.mark.timeout(180)

MISCHIEF = "<img src=x onerror=alert(1)>\"'&amp;"
BREAKER = 'a2a_mcp_circuit_breaker_state{{breaker="redis"}} {state}\nprocess_start_time_seconds 1000000\n'


def instances(services: list[str], hosts: list[str], each: int) -> list[Target]:
    """Every service on every host, in an order that is not that of the ports."""
    first = free_port() // 2
    return [
        Target(service, host, first + 100 * number + place, BREAKER.format(state=0))
        for place, service in reversed(list(enumerate(services)))
        for host in hosts
        for number in range(each)
    ]


def opened(browser: Browser, url: str) -> Visit:
    visit = open_page(browser, url)
    visit.see()
    return visit


def test_grid_grows_with_hosts_and_follows_the_ports(browser: Browser, axe: str) -> None:
    services, hosts = ["zeta", "alpha", "mid"], ["app1", "app2", "app10"]
    targets = instances(services, hosts, 2)
    targets.remove(next(it for it in targets if it.service == "mid" and it.host == "app10"))
    with shown_fleet(targets) as url:
        visit = opened(browser, url)
        assert visit.texts("#grid .service a") == services
        assert visit.texts("#grid th.host") == hosts
        expect(visit.page.locator("#grid [data-instance]")).to_have_count(len(targets))
        expect(visit.page.locator("#grid .instance.empty")).to_have_count(1)
        assert visit.violations(axe) == []
        visit.picture("three-hosts")
        assert visit.complaints == []


def test_names_are_text_whatever_they_hold(browser: Browser) -> None:
    with shown_fleet([Target(MISCHIEF, MISCHIEF, 1, BREAKER.format(state=2))]) as url:
        visit = opened(browser, url)
        assert visit.texts("#grid .service a") == [MISCHIEF]
        assert visit.texts("#grid th.host") == [MISCHIEF]
        visit.page.click("#grid .service a")
        expect(visit.page.locator("#service-title")).to_be_focused()
        assert visit.texts("#service-title") == [MISCHIEF]
        expect(visit.page.locator("#service tr[data-instance]")).to_contain_text("redis open")
        expect(visit.page.locator("main img")).to_have_count(0)
        assert visit.complaints == []


def test_service_that_nobody_knows_is_said_to_be_unknown(browser: Browser) -> None:
    with shown_fleet(instances(["alpha"], ["app1"], 1)) as url:
        visit = opened(browser, f"{url}#service/beta")
        expect(visit.page.locator("#service")).to_contain_text("knows of no such service")
        assert visit.complaints == []


def test_empty_fleet_says_what_to_do(browser: Browser, axe: str) -> None:
    with shown_fleet([]) as url:
        visit = opened(browser, url)
        expect(visit.page.locator("#grid")).to_contain_text("Prometheus knows of no instance")
        assert visit.texts("#verdict .words") == []
        assert visit.violations(axe) == []
        assert visit.complaints == []


def test_service_without_any_instance_up_is_the_verdict(browser: Browser) -> None:
    gone = Target("omega", "app1", 2, None)
    with shown_fleet([*instances(["alpha"], ["app1"], 2), gone]) as url:
        visit = opened(browser, url)
        assert visit.texts("#verdict .words") == ["omega: no instance answers"]
        expect(visit.page.locator('#grid [data-service="omega"]')).to_have_attribute("data-state", "down")


def test_last_deploy_is_of_the_release_that_began_last_whatever_it_is_called(browser: Browser) -> None:
    began = {"z-older": 1_000_000, "a-newer": 2_000_000}
    targets = [
        Target(
            "alpha", "app1", number, f'a2a_mcp_build_info{{release="{release}"}} 1\nprocess_start_time_seconds {at}\n'
        )
        for number, (release, at) in enumerate(began.items(), 1)
    ]
    with shown_fleet(targets) as url:
        visit = opened(browser, url)
        deploy = visit.page.locator("#grid .deploy time")
        expect(deploy).to_have_attribute("datetime", "1970-01-24T03:33:20.000Z")
        expect(visit.page.locator("#grid td.deploy")).to_contain_text("2 releases")
        assert visit.complaints == []

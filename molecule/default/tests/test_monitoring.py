"""What watches the fleet: running, confined, told what to scrape, and open to nobody without the password."""

import json
from typing import Any

import pytest
from deployed import INSTANCES, REGISTRY, Show
from testinfra.host import Host

from tests.fleet import Fleet, until

EXPORTERS = tuple(f"prometheus-{name}-exporter.service" for name in ("node", "nginx", "redis", "blackbox"))
SERVERS = ("prometheus.service", "prometheus-alertmanager.service")
EXPOSURE_BUDGET = {**dict.fromkeys(EXPORTERS, 2.0), **dict.fromkeys(SERVERS, 3.0)}
PORTS = {9080, 9090, 9093, 9100, 9113, 9115, 9121}
API = "http://localhost:9090/prometheus/api/v1"


def ask(host: Host, path: str) -> dict[str, Any]:
    """The data of one answer of Prometheus's API."""
    data: dict[str, Any] = json.loads(host.check_output(f"curl -gfsS '{API}/{path}'"))["data"]
    return data


def test_everything_is_active_enabled_and_bounded(show: Show) -> None:
    units = show(*EXPOSURE_BUDGET)
    assert set(units) == set(EXPOSURE_BUDGET)
    for unit, properties in units.items():
        assert (properties["ActiveState"], properties["UnitFileState"]) == ("active", "enabled"), unit
        assert 2**20 < int(properties["MemoryHigh"]) < int(properties["MemoryMax"]) <= 2**30, unit


def test_everything_is_confined(exposure: dict[str, float]) -> None:
    assert {unit: exposure[unit] for unit, budget in EXPOSURE_BUDGET.items() if exposure[unit] > budget} == {}


def test_everything_listens_on_loopback_alone(host: Host) -> None:
    sockets = [line.split()[3].rsplit(":", 1) for line in host.check_output("ss -Hltn").splitlines()]
    mine = {(address, int(port)) for address, port in sockets if int(port) in PORTS}
    assert mine == {("127.0.0.1", port) for port in PORTS}


def test_no_process_carries_a_secret_in_its_arguments_or_environment(host: Host, show: Show) -> None:
    password = json.loads(host.file("/etc/prometheus/redis-exporter.json").content_string)
    for secret in {*password.values()}:
        assert len(secret) > 20
        for properties in show(*EXPOSURE_BUDGET).values():
            process = f"/proc/{properties['MainPID']}"
            assert host.run(f"cat {process}/cmdline {process}/environ | grep -aqF '{secret}'").rc == 1


@pytest.mark.parametrize(
    ("path", "mode", "group"),
    [
        ("/etc/prometheus/redis-exporter.json", 0o600, "root"),
        ("/etc/prometheus/alertmanager.yml", 0o640, "prometheus"),
        ("/etc/nginx/operators.htpasswd", 0o640, "www-data"),
    ],
)
def test_files_with_secrets_are_for_those_who_need_them(host: Host, path: str, mode: int, group: str) -> None:
    file = host.file(path)
    assert (file.user, file.group, file.mode) == ("root", group, mode)


def test_every_target_is_up(host: Host) -> None:
    def down() -> list[tuple[object, object]]:
        targets = ask(host, "targets?state=active")["activeTargets"]
        assert len(targets) == len(INSTANCES) + 6 + len(REGISTRY.services)
        return [(target["scrapeUrl"], target["lastError"]) for target in targets if target["health"] != "up"]

    until(lambda: not down(), 60, "not every target is up", down)


def test_every_probe_through_the_edge_succeeds_with_its_certificate_checked(host: Host) -> None:
    results = ask(host, "query?query=probe_success")["result"]
    assert {it["metric"].get("service", "") for it in results} == {"", *REGISTRY.names}
    assert {it["value"][1] for it in results} == {"1"}
    assert "insecure" not in host.file("/etc/prometheus/blackbox.yml").content_string


def test_live_files_pass_the_tools_of_their_makers(host: Host) -> None:
    host.check_output("promtool check config /etc/prometheus/prometheus.yml")
    host.check_output("amtool check-config /etc/prometheus/alertmanager.yml")
    for part in ("prometheus.yml", "rules", "file_sd"):
        host.check_output(f"diff -r /etc/prometheus/staging/{part} /etc/prometheus/{part}")
    state = ask(host, "status/runtimeinfo")
    assert state["reloadConfigSuccess"] is True
    assert state["storageRetention"].replace("GiB", "GB") == "30d or 4GB"


def test_every_rule_of_the_repository_is_loaded_and_healthy(host: Host) -> None:
    def sick() -> list[object]:
        groups = ask(host, "rules")["groups"]
        assert {group["file"].rsplit("/", 1)[1] for group in groups} == {
            line.rsplit("/", 1)[1] for line in host.check_output("ls /etc/prometheus/rules/*.yml").split()
        }
        return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] != "ok"]

    until(lambda: not sick(), 60, "rules that were not evaluated", sick)


def test_alertmanager_is_known_and_hears_of_the_alert_that_fires_always(host: Host) -> None:
    assert len(ask(host, "alertmanagers")["activeAlertmanagers"]) == 1
    heard = "curl -fsS http://localhost:9093/alertmanager/api/v2/alerts | grep -c DeadMansSwitch"
    until(lambda: host.run(heard).rc == 0, 60, "the dead man's switch does not arrive")


def test_user_of_the_exporter_may_read_counters_and_nothing_else(host: Host) -> None:
    password = next(iter(json.loads(host.file("/etc/prometheus/redis-exporter.json").content_string).values()))
    cli = f"REDISCLI_AUTH={password} redis-cli --no-auth-warning -s /run/a2a-redis/redis.sock --user exporter"
    assert "redis_version" in host.check_output(f"{cli} info server")
    for command in ("get check:kept", "set check:kept 1", "keys '*'", "config get dir", "slowlog get 1", "acl list"):
        assert "NOPERM" in host.run(f"{cli} {command}").stdout, command
    assert host.run(f"runuser -u nobody -- {cli} ping").rc != 0


def test_units_of_the_fleet_are_told_of_with_their_restarts(host: Host) -> None:
    metric = "node_systemd_service_restart_total"
    names = {it["metric"]["name"] for it in ask(host, f"query?query={metric}")["result"]}
    assert names >= {*INSTANCES, "nginx.service", "redis-server.service", *EXPORTERS, *SERVERS}
    filesystems = ask(host, 'query?query=node_filesystem_readonly{mountpoint="/"}')["result"]
    assert [it["value"][1] for it in filesystems] == ["0"]


@pytest.mark.parametrize("path", ["/prometheus/api/v1/query?query=up", "/alertmanager/api/v2/status"])
def test_pages_open_with_the_password_alone(host: Host, fleet: Fleet, path: str) -> None:
    with fleet.http() as edge:
        assert edge.get(path).status_code == 401
        assert edge.get(path, auth=("operator", "wrong")).status_code == 401
        assert edge.get(path, auth=("operator", fleet.operator_password)).status_code == 200


def test_prometheus_is_found_where_the_guide_says(host: Host) -> None:
    address = host.check_output("curl -fsSL -o /dev/null -w '%{url_effective}' http://localhost:9090")
    assert address.startswith("http://localhost:9090/prometheus/")

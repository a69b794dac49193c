"""What watches the fleet: targets follow the inventory, and Prometheus's own tools accept what the roles write."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.a2a.mcp.core.registry import load_registry

from .conftest import ROOT, Evaluate

PRODUCTION = ROOT / "inventory" / "production"
RULES = ROOT / "monitoring" / "prometheus" / "rules"
INHIBITIONS = ROOT / "monitoring" / "alertmanager" / "inhibitions.yml"
WEBHOOK = {"url": "https://hooks.internal/x", "bearer_token": "t0ken"}

LIVE = """{
  'targets': a2a_prometheus_targets, 'run': a2a_exporters_run, 'address': a2a_exporters_address,
  'readers': a2a_exporters_allowed_networks, 'ops': a2a_mcp_ops_networks, 'pages': a2a_nginx_operator_pages,
  'peers': a2a_prometheus_allowed_networks, 'probe_verify': a2a_exporters_probe_verify}"""


def role_files(role: str) -> tuple[Path, ...]:
    return tuple(ROOT / "roles" / role / part / "main.yml" for part in ("defaults", "vars"))


def template(role: str, name: str) -> str:
    return f"lookup('ansible.builtin.template', '{ROOT / 'roles' / role / 'templates' / name}')"


@pytest.fixture(scope="module")
def one_host(evaluate: Evaluate) -> dict[str, Any]:
    host: dict[str, Any] = evaluate(PRODUCTION / "hosts.yml", LIVE)["fleet1"]
    return host


@pytest.fixture(scope="module")
def cluster(evaluate: Evaluate) -> dict[str, dict[str, Any]]:
    return evaluate(PRODUCTION / "cluster.example.yml", LIVE)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of one host without any variables, so that a role has nothing but its defaults."""
    inventory = tmp_path_factory.mktemp("plain") / "hosts.yml"
    inventory.write_text("all: {hosts: {here: }}\n")
    return inventory


def targets(job: list[dict[str, Any]]) -> list[str]:
    return [target for entry in job for target in entry["targets"]]


def test_every_instance_of_the_registry_is_scraped_under_its_service_and_host(one_host: dict[str, Any]) -> None:
    registry = load_registry()
    expected = {
        (service.name, "fleet1", f"fleet1:{port}", f"127.0.0.1:{port}")
        for service in registry
        for port in service.instance_ports(registry.instances)
    }
    found = {
        (entry["labels"]["service"], entry["labels"]["host"], entry["labels"]["instance"], *entry["targets"])
        for entry in one_host["targets"]["a2a-mcp"]
    }
    assert found == expected


def test_one_host_runs_every_exporter_on_loopback(one_host: dict[str, Any]) -> None:
    assert (one_host["run"], one_host["address"]) == (["node", "nginx", "redis", "blackbox"], "127.0.0.1")
    assert (one_host["readers"], one_host["peers"]) == ([], [])


def test_hosts_of_a_cluster_run_what_they_have_something_to_tell_of(cluster: dict[str, dict[str, Any]]) -> None:
    assert {name: host["run"] for name, host in cluster.items()} == {
        "edge1": ["node", "nginx"],
        "edge2": ["node", "nginx"],
        "app1": ["node"],
        "app2": ["node"],
        "app3": ["node"],
        "state1": ["node", "redis"],
        "watch1": ["node", "blackbox"],
    }
    assert {host["readers"][0] for host in cluster.values()} == {"198.51.100.41"}


def test_a_cluster_is_watched_over_its_private_network(cluster: dict[str, dict[str, Any]]) -> None:
    jobs = cluster["watch1"]["targets"]
    registry = load_registry()
    assert len(targets(jobs["a2a-mcp"])) == 3 * registry.instances * len(registry.services)
    assert len(targets(jobs["node"])) == 7
    assert targets(jobs["nginx"]) == ["198.51.100.11:9113", "198.51.100.12:9113"]
    assert (targets(jobs["redis"]), targets(jobs["prometheus"])) == (["198.51.100.31:9121"], ["198.51.100.41:9090"])
    assert all(
        target.startswith(("198.51.100.", "https://198.51.100.")) for job in jobs.values() for target in targets(job)
    )
    assert "198.51.100.41" in cluster["app1"]["ops"]
    assert {page.get("server") for page in cluster["edge1"]["pages"]} >= {"198.51.100.41:9090", "198.51.100.41:9093"}


def test_each_edge_is_probed_for_itself_and_for_every_service(cluster: dict[str, dict[str, Any]]) -> None:
    probes = cluster["watch1"]["targets"]["blackbox"]
    for edge in ("edge1", "edge2"):
        mine = [entry["labels"] for entry in probes if entry["labels"]["instance"] == edge]
        assert [label["__param_module"] for label in mine].count("edge") == 1
        assert {label["service"] for label in mine if "service" in label} == set(load_registry().names)


def test_a_self_made_certificate_of_another_host_is_not_judged_and_a_given_one_is(
    evaluate: Evaluate, cluster: dict[str, dict[str, Any]]
) -> None:
    assert cluster["watch1"]["probe_verify"] is False
    given = {"a2a_nginx_tls_certificate_source": "/secure/mcp.crt"}
    assert evaluate(PRODUCTION / "cluster.example.yml", LIVE, given)["watch1"]["probe_verify"] is True


def staged(evaluate: Evaluate, plain: Path, directory: Path, jobs: dict[str, Any], **extra: Any) -> str:
    """What promtool says of a staging directory as the role would fill it; empty when it accepts it."""
    variables = {
        "ansible_managed": "managed",
        "__a2a_prometheus_jobs": [{"key": key, "value": value} for key, value in jobs.items()],
        "__a2a_prometheus_etc": str(directory),
    }
    files = role_files("a2a_prometheus")
    text = evaluate(plain, template("a2a_prometheus", "prometheus.yml.j2"), variables | extra, files)["here"]
    (directory / "prometheus.yml").write_text(text)
    (directory / "file_sd").mkdir(exist_ok=True)
    for name, job in jobs.items():
        (directory / "file_sd" / f"{name}.json").write_text(json.dumps(job))
    if not (directory / "rules").exists():
        shutil.copytree(RULES, directory / "rules")
    command = ["promtool", "check", "config", str(directory / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_promtool_accepts_configuration_rules_and_targets(
    evaluate: Evaluate, plain: Path, one_host: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "scrape-token").write_text("k")
    extra = {"a2a_prometheus_alertmanagers": ["127.0.0.1:9093"], "a2a_prometheus_bearer_token": "k"}
    assert staged(evaluate, plain, tmp_path, one_host["targets"], **extra) == ""
    written = yaml.safe_load((tmp_path / "prometheus.yml").read_text())
    services = next(job for job in written["scrape_configs"] if job["job_name"] == "a2a-mcp")
    assert (services["scrape_interval"], services["authorization"]["credentials_file"]) == (
        "5s",
        f"{tmp_path}/scrape-token",
    )
    assert services["metric_relabel_configs"] == [{"action": "labeldrop", "regex": "exported_service"}]


def test_promtool_refuses_a_broken_rule_beside_good_ones(
    evaluate: Evaluate, plain: Path, one_host: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(RULES, tmp_path / "rules")
    (tmp_path / "rules" / "broken.yml").write_text("groups: [{name: a, rules: [{alert: B, expr: 'sum('}]}]\n")
    assert "broken.yml" in staged(evaluate, plain, tmp_path, one_host["targets"])


def alertmanager(evaluate: Evaluate, plain: Path, directory: Path, **extra: Any) -> tuple[dict[str, Any], str]:
    """The configuration that the role would write, and what amtool says of it; empty when it accepts it."""
    variables = {"ansible_managed": "managed"} | extra
    files = role_files("a2a_alertmanager")
    text = evaluate(plain, template("a2a_alertmanager", "alertmanager.yml.j2"), variables, files)["here"]
    file = directory / "alertmanager.yml"
    file.write_text(text)
    done = subprocess.run(["amtool", "check-config", str(file)], capture_output=True, text=True, check=False)
    return yaml.safe_load(text), done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    "receivers",
    [
        {},
        {"a2a_alertmanager_webhooks": [WEBHOOK, {"url": "http://127.0.0.1:1/"}]},
        {
            "a2a_alertmanager_email_to": ["a@b.internal"],
            "a2a_alertmanager_email_from": "c@b.internal",
            "a2a_alertmanager_email_smarthost": "mail.internal:587",
            "a2a_alertmanager_email_username": "c",
            "a2a_alertmanager_email_password": 'p"\\w',
            "a2a_alertmanager_heartbeat_webhooks": [WEBHOOK],
        },
    ],
    ids=["nobody", "webhooks", "mail"],
)
def test_amtool_accepts_every_kind_of_receiver(
    evaluate: Evaluate, plain: Path, tmp_path: Path, receivers: dict[str, Any]
) -> None:
    inhibitions = yaml.safe_load(INHIBITIONS.read_text())
    written, refusal = alertmanager(evaluate, plain, tmp_path, a2a_alertmanager_inhibitions=inhibitions, **receivers)
    assert refusal == ""
    operators, heartbeat = written["receivers"]
    assert [it["url"] for it in operators.get("webhook_configs", [])] == [
        it["url"] for it in receivers.get("a2a_alertmanager_webhooks", [])
    ]
    mails = operators.get("email_configs", [])
    assert [(it["to"], it["auth_password"]) for it in mails] == [("a@b.internal", 'p"\\w') for _ in mails]
    assert len(mails) == len(receivers.get("a2a_alertmanager_email_to", []))
    assert ("webhook_configs" in heartbeat) is ("a2a_alertmanager_heartbeat_webhooks" in receivers)
    assert written["inhibit_rules"] == inhibitions


def test_amtool_refuses_a_broken_inhibition(evaluate: Evaluate, plain: Path, tmp_path: Path) -> None:
    broken = [{"source_matchers": ["alertname ~ x"], "target_matchers": ['severity = "page"']}]
    assert alertmanager(evaluate, plain, tmp_path, a2a_alertmanager_inhibitions=broken)[1]


def test_every_alert_and_label_of_the_inhibitions_is_one_of_the_rules() -> None:
    rules = [rule for file in RULES.glob("*.yml") for group in yaml.safe_load(file.read_text())["groups"]
             for rule in group["rules"] if "alert" in rule]  # fmt: skip
    alerts, scopes = {rule["alert"] for rule in rules}, {rule["labels"].get("scope") for rule in rules}
    matchers = [matcher for rule in yaml.safe_load(INHIBITIONS.read_text())
                for side in ("source_matchers", "target_matchers") for matcher in rule[side]]  # fmt: skip
    assert matchers
    for matcher in matchers:
        label, values = re.fullmatch(r'(\w+) =~? "([\w|]+)"', matcher).groups()
        assert set(values.split("|")) <= {"alertname": alerts, "scope": scopes}[label], matcher


@pytest.mark.parametrize("exporter", ["node", "nginx", "redis", "blackbox"])
def test_every_exporter_is_confined_and_told_where_to_listen(evaluate: Evaluate, plain: Path, exporter: str) -> None:
    extra = {"ansible_managed": "managed", "item": exporter, "a2a_exporters_address": "198.51.100.1"}
    extra["a2a_exporters_redis_password"] = "s3cret"
    text = evaluate(plain, template("a2a_exporters", "exporter.conf.j2"), extra, role_files("a2a_exporters"))["here"]
    assert re.search(r"^ExecStart=/usr/bin/\S+ --web\.listen-address=198\.51\.100\.1:\d+ ", text, re.MULTILINE)
    assert "IPAddressDeny=any" in text
    assert "s3cret" not in text

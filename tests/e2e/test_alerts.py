"""Alerts from end to end on the deployed host: a service stops, somebody is told; it starts, and is told again.

The receiver is a real HTTP server on the host. What Prometheus or Alertmanager would refuse never becomes live.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fleet import CACHE, ROOT, Fleet, until

SERVICE = "confidence_calculator"
RECEIVER_PORT = 9955
HEARD = "/run/a2a-alerts/heard"
LIVE = "/etc/prometheus/alertmanager.yml"
KEPT = "/etc/prometheus/alertmanager.yml.kept"
TOLD_SECONDS = 180
"""A minute of `for`, scrapes and evaluations, a quarter of a minute to gather a group; then room for a busy host."""

RECEIVER = f"""
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("{HEARD}", "ab") as file:
            file.write(self.path.encode() + b" " + body.replace(b"\\n", b" ") + b"\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", {RECEIVER_PORT}), Receiver).serve_forever()
"""


def heard(fleet: Fleet, path: str) -> list[dict[str, Any]]:
    """Every message that the receiver got at a path, oldest first."""
    lines = fleet.sh(f"grep -a '^{path} ' {HEARD} || true").splitlines()
    return [json.loads(line.split(" ", 1)[1]) for line in lines]


def told(fleet: Fleet, alert: str, status: str) -> list[dict[str, Any]]:
    """The alerts of that name about the service that were told as firing or resolved."""
    alerts = [it for message in heard(fleet, "/operators") for it in message["alerts"]]
    named = {"alertname": alert, "service": SERVICE}
    return [it for it in alerts if it["status"] == status and named.items() <= it["labels"].items()]


def states(fleet: Fleet, alert: str) -> set[str]:
    """What Alertmanager does with the alerts of that name about the service: active or suppressed."""
    alerts = json.loads(fleet.sh("curl -fsS http://127.0.0.1:9093/alertmanager/api/v2/alerts"))
    named = {"alertname": alert, "service": SERVICE}
    return {it["status"]["state"] for it in alerts if named.items() <= it["labels"].items()}


@pytest.fixture
def receiver(fleet: Fleet) -> Iterator[None]:
    """A receiver on the host, named in the live configuration beside whoever is told already."""
    fleet.sh(
        f"mkdir -p {Path(HEARD).parent} && : > {HEARD} && cp -p {LIVE} {KEPT}\n"
        f"cat > {Path(HEARD).parent}/receiver.py <<'END'\n{RECEIVER}\nEND\n"
        f"systemd-run --quiet --collect --unit=a2a-alerts-receiver /usr/bin/python3 {Path(HEARD).parent}/receiver.py"
    )
    configuration = yaml.safe_load(fleet.sh(f"cat {LIVE}"))
    for name in ("operators", "heartbeat"):
        mine = next(it for it in configuration["receivers"] if it["name"] == name)
        mine.setdefault("webhook_configs", []).append({"url": f"http://127.0.0.1:{RECEIVER_PORT}/{name}"})
    fleet.sh(f"cat > {LIVE} <<'END'\n{yaml.safe_dump(configuration)}\nEND\namtool check-config {LIVE}")
    fleet.sh("systemctl reload prometheus-alertmanager")
    try:
        yield
    finally:
        fleet.sh(f"mv {KEPT} {LIVE}; systemctl reload prometheus-alertmanager; systemctl stop a2a-alerts-receiver")
        fleet.sh(f"rm -rf {Path(HEARD).parent}")


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("receiver")
def test_stopped_service_is_told_of_once_and_told_of_again_when_it_is_back(fleet: Fleet) -> None:
    units = " ".join(fleet.units(SERVICE))
    fleet.sh(f"systemctl stop {units}", timeout=120)
    try:
        until(lambda: told(fleet, "ServiceDown", "firing"), TOLD_SECONDS, f"nobody heard that {SERVICE} is down")
        (alert,) = told(fleet, "ServiceDown", "firing")
        assert alert["labels"]["severity"] == "page"
        assert alert["annotations"]["runbook_url"].endswith("docs/operations.md#servicedown")
        assert alert["generatorURL"].startswith(f"https://{fleet.address}/prometheus/")
        # That the edge does not reach it either follows, and nobody is told.
        until(lambda: "suppressed" in states(fleet, "ServiceUnreachable"), 60, "the echo at the edge is not kept quiet")
        assert told(fleet, "ServiceUnreachable", "firing") == []
    finally:
        fleet.sh(f"systemctl start {units}", timeout=240)
    until(lambda: told(fleet, "ServiceDown", "resolved"), TOLD_SECONDS, f"nobody heard that {SERVICE} is back")
    beats = [it["alerts"][0]["labels"]["alertname"] for it in heard(fleet, "/heartbeat")]
    assert set(beats) == {"DeadMansSwitch"}
    assert len(beats) >= 2


@pytest.mark.fault
def test_stopped_instance_is_seen_within_a_quarter_of_a_minute(fleet: Fleet) -> None:
    unit = fleet.units(SERVICE)[0]
    instance = f"{fleet.name}:{unit.split('@')[1].removesuffix('.service')}"

    def up() -> str:
        query = f'query=up{{job="a2a-mcp",instance="{instance}"}}'
        url = "http://127.0.0.1:9090/prometheus/api/v1/query"
        answer = json.loads(fleet.sh(f"curl -fsSG {url} --data-urlencode '{query}'"))
        return str(answer["data"]["result"][0]["value"][1])

    until(lambda: up() == "1", 60, f"{instance} is not up before the test")
    fleet.sh(f"systemctl stop {unit}", timeout=60)
    try:
        until(lambda: up() == "0", 15, f"Prometheus does not see that {instance} is down")
    finally:
        fleet.sh(f"systemctl start {unit}", timeout=240)
    until(lambda: up() == "1", 60, f"Prometheus does not see that {instance} is back")


def run_role(fleet: Fleet, directory: Path, role: str, **variables: object) -> str:
    """What ansible-playbook says when the role is run on the host with these variables; it has to fail."""
    inventory, playbook = directory / "hosts.json", directory / "play.json"
    ssh = f"-F {CACHE}/ssh_config -o ControlPath={CACHE}/ansible-%C"
    inventory.write_text(json.dumps({"all": {"hosts": {fleet.name: {"ansible_ssh_common_args": ssh}}}}))
    play = {"hosts": "all", "gather_facts": True, "roles": [role], "vars": variables}
    playbook.write_text(json.dumps([play]))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(playbook)]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_rules_that_promtool_refuses_never_become_live(fleet: Fleet, tmp_path: Path) -> None:
    before = fleet.sh("cd /etc/prometheus && sha256sum prometheus.yml rules/* file_sd/*")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "broken.yml").write_text("groups: [{name: broken, rules: [{alert: Broken, expr: 'sum('}]}]\n")
    said = run_role(fleet, tmp_path, "a2a_prometheus", a2a_prometheus_rules_directory=str(rules))
    assert "promtool refuses the new configuration" in said
    assert "broken.yml" in said
    assert fleet.sh("cd /etc/prometheus && sha256sum prometheus.yml rules/* file_sd/*") == before
    # Whoever runs the play next finds the staging directory as it was.
    fleet.sh("cd /etc/prometheus && cp -a prometheus.yml rules file_sd staging/ && rm staging/rules/broken.yml")
    loaded = fleet.sh("curl -fsS http://127.0.0.1:9090/prometheus/api/v1/rules | jq '.data.groups | length'")
    assert int(loaded) > 1


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_configuration_that_amtool_refuses_never_becomes_live(fleet: Fleet, tmp_path: Path) -> None:
    before = fleet.sh(f"sha256sum {LIVE}")
    broken = [{"source_matchers": ["alertname ~ x"], "target_matchers": ['severity = "page"']}]
    said = run_role(fleet, tmp_path, "a2a_alertmanager", a2a_alertmanager_inhibitions=broken)
    assert "amtool refuses the new configuration" in said
    assert fleet.sh(f"sha256sum {LIVE}") == before
    assert fleet.sh("curl -fsS -o /dev/null -w '%{http_code}' http://127.0.0.1:9093/alertmanager/-/ready") == "200"

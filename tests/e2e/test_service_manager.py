"""The command line on a deployed host, where it drives systemd's units."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.core.registry import load_registry
from tests.fleet import CACHE, Fleet

pytestmark = pytest.mark.e2e

COMMAND = "/opt/a2a-mcp/current/venv/bin/a2a-mcp"
LAST = load_registry().services[-1]


def ask(fleet: Fleet, arguments: str) -> Any:
    return json.loads(fleet.sh(f"{COMMAND} {arguments} --json"))


def test_health_asks_every_instance(fleet: Fleet) -> None:
    rows = ask(fleet, "health")
    expected = {(s.name, port) for s in fleet.registry for port in s.instance_ports(fleet.registry.instances)}
    assert {(row["service"], row["port"]) for row in rows} == expected
    assert {row["status"] for row in rows} == {"ok"}


def test_the_guides_spelling_of_the_command_works(fleet: Fleet) -> None:
    python = "/opt/a2a-mcp/current/venv/bin/python"
    assert "down" not in fleet.sh(f"{python} -m app.a2a.mcp.service_manager health")


def test_status_tells_what_systemd_knows(fleet: Fleet) -> None:
    for row in ask(fleet, "status"):
        assert row["state"] == "active (running)" and row["pid"] > 1
        assert row["memory_bytes"] > 10_000_000 and row["since"].endswith("+00:00")
        assert row["text"].startswith("serving")


@pytest.mark.timeout(240)
def test_stop_and_start_of_one_service_leave_the_others_alone(fleet: Fleet) -> None:
    others = [row["pid"] for row in ask(fleet, "status") if row["service"] != LAST.name]
    try:
        assert ask(fleet, f"stop {LAST.name}") == {LAST.name: "stopped"}
        assert fleet.sh(f"{COMMAND} health {LAST.name} >/dev/null; echo $?") == "1"
    finally:
        fleet.sh(f"{COMMAND} start {LAST.name} --production", timeout=180)
    rows = ask(fleet, "status")
    assert {row["state"] for row in rows} == {"active (running)"}
    assert [row["pid"] for row in rows if row["service"] != LAST.name] == others


def test_one_call_is_found_from_the_edge_to_the_tool(fleet: Fleet) -> None:
    correlation_id = "readers-of-logs-want-one-id"
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with fleet.http() as client:
        answer = client.post(f"/{LAST.name}/mcp", json=message, headers={"X-Request-ID": correlation_id})
    assert answer.headers["x-request-id"] == correlation_id
    lines = fleet.sh(f"{COMMAND} logs --correlation-id {correlation_id} --since 5m --json").splitlines()
    assert {json.loads(line)["service"] for line in lines} == {"edge", LAST.name}


def test_the_controller_shows_the_lines_of_a_host_and_names_the_one_that_is_away(fleet: Fleet, tmp_path: Path) -> None:
    correlation_id = "controllers-ask-through-ssh"
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with fleet.http() as client:
        client.post(f"/{LAST.name}/mcp", json=message, headers={"X-Request-ID": correlation_id})
    # An operator's own ssh_config is in the home directory; the rig's is in the cache.
    (tmp_path / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{CACHE}/ssh_config" "$@"\n')
    (tmp_path / "ssh").chmod(0o755)
    words = ["logs", "--host", f"{fleet.name},nowhere.invalid", "--correlation-id", correlation_id, "--since=5m"]
    done = subprocess.run(
        [sys.executable, "-m", "app.a2a.mcp.service_manager", *words, "--json"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = {(entry["host"], entry["service"]) for entry in map(json.loads, done.stdout.splitlines())}
    assert told == {(fleet.name, "edge"), (fleet.name, LAST.name)}, done.stderr
    assert done.returncode == 1 and "nowhere.invalid cannot be reached: ssh: " in done.stderr


def test_token_made_on_the_host_opens_the_edge(fleet: Fleet) -> None:
    token = fleet.sh(f"{COMMAND} token --client visitor --permission read --ttl 60")
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with fleet.http() as client:
        del client.headers["X-API-Key"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.post(f"/{LAST.name}/mcp", json=message).status_code == 200


def test_breakers_are_listed_and_reset(fleet: Fleet) -> None:
    rows = ask(fleet, "breakers --reset")
    assert {row["port"] for row in rows} >= set(LAST.instance_ports(fleet.registry.instances))
    assert {row["state"] for row in rows} == {"closed"}


@pytest.mark.parametrize("arguments", [f"stop {LAST.name}", "token --client visitor"])
def test_what_only_root_may_do_is_refused_with_sudo(fleet: Fleet, arguments: str) -> None:
    said = fleet.sh(f"runuser -u nobody -- {COMMAND} {arguments} 2>&1; echo $?")
    assert "sudo" in said and said.endswith("2") and "Traceback" not in said

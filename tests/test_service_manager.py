"""The command line with real processes, on ports that are free on this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.a2a.mcp.core.keys import find_key, parse_api_keys
from app.a2a.mcp.core.registry import REGISTRY_FILE, load_registry, parse_registry
from app.a2a.mcp.core.settings import load_settings
from app.a2a.mcp.core.tokens import Tokens
from app.a2a.mcp.manage.processes import Identity, ProcessTable, Record

DATA = Path(__file__).parent / "data"
CHECKOUT = Path(__file__).parents[1]
SECRET = "a-test-secret-of-more-than-32-characters"
NAMES = ("apples", "pears")
PATIENCE_SECONDS = 30.0


@dataclass
class Host:
    """A fleet of two stand-in services on free ports, in a folder of its own."""

    directory: Path
    ports: dict[str, int]

    @property
    def servers(self) -> Path:
        return self.directory / "servers"

    @property
    def table(self) -> ProcessTable:
        return ProcessTable(self.directory / ".cache" / "state")

    def command(self, *arguments: str) -> list[str]:
        head = [sys.executable, str(DATA / "command_line.py"), str(self.directory / "registry.json")]
        return [*head, str(self.directory), str(self.servers), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, check=False)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`start` in a first terminal; on leaving it is told to end, and everything it started is gone."""
        output = (self.directory / "terminal").open("w+")
        with (
            output,
            subprocess.Popen(self.command("start", *arguments), stdout=output, stderr=output, text=True) as first,
        ):
            try:
                wait_for(lambda: first.poll() is not None or "health" in self.terminal(), "the health table")
                yield first
            finally:
                first.send_signal(signal.SIGINT)
                first.wait(PATIENCE_SECONDS)

    def terminal(self) -> str:
        return (self.directory / "terminal").read_text()

    def answers(self, name: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[name]}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False


def wait_for(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    services = [{"name": name, "port": port, "tools": 1, "purpose": f"to sell {name}"} for name, port in ports.items()]
    (tmp_path / "registry.json").write_text(json.dumps({"instances": 1, "services": services}))
    (tmp_path / ".env").write_text(f"JWT_SECRET_KEY={SECRET}\n")
    (tmp_path / "servers").mkdir()
    for name in NAMES:
        shutil.copy(DATA / "stand_in_server.py", tmp_path / "servers" / f"{name}_mcp_server.py")
    return Host(tmp_path, ports)


def test_start_shows_health_and_the_servers_end_with_it(host: Host) -> None:
    with host.started() as first:
        assert "apples" in host.terminal() and "down" not in host.terminal()
        assert all(host.answers(name) for name in NAMES)
    assert first.returncode == 0
    assert not any(host.answers(name) for name in NAMES)
    assert host.table.running("apples") is None


def test_a_terminal_that_is_closed_takes_its_servers_along(host: Host) -> None:
    with host.started() as first:
        first.send_signal(signal.SIGHUP)
        first.wait(PATIENCE_SECONDS)
    assert not any(host.answers(name) for name in NAMES)


def test_logs_are_forwarded_and_verbose_shows_debug_lines(host: Host) -> None:
    with host.started("--verbose"):
        wait_for(lambda: "DEBUG   apples serving apples" in host.terminal(), "the debug line")


def test_a_second_terminal_sees_and_stops_one_server(host: Host) -> None:
    with host.started():
        rows = {row["service"]: row for row in json.loads(host.run("status", "--json").stdout)}
        assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(NAMES, "running")
        assert rows["apples"]["memory_bytes"] > 1_000_000
        assert host.run("health").returncode == 0
        assert host.run("stop", "apples").stdout == "apples stopped\n"
        assert not host.answers("apples") and host.answers("pears")
        wait_for(lambda: "apples was stopped" in host.terminal(), "the first terminal's word")
        down = host.run("health", "--json")
        assert down.returncode == 1
        assert [row["status"] for row in json.loads(down.stdout)] == ["down", "ok"]
        assert host.run("status").returncode == 1


def test_a_second_terminal_restarts_a_server_in_the_first(host: Host) -> None:
    with host.started() as first:
        before = host.table.running("apples")
        assert host.run("restart", "apples").returncode == 0
        after = host.table.running("apples")
        assert before and after and before.process != after.process
        assert after.supervisor.pid == first.pid and host.answers("apples")


def test_starting_what_runs_already_says_so_and_ends_well(host: Host) -> None:
    with host.started():
        again = host.run("start", "apples")
        assert again.returncode == 0 and "apples runs already, pid" in again.stdout
        assert host.answers("apples")


def test_busy_port_is_refused_with_its_owner_and_the_remedy(host: Host) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", host.ports["pears"]))
        squatter.listen()
        refused = host.run("start")
    assert refused.returncode == 1
    assert f"port {host.ports['pears']} is taken by" in refused.stderr
    assert f"(pid {os.getpid()})" in refused.stderr and f"kill {os.getpid()}" in refused.stderr
    assert not host.answers("apples")


def test_server_that_cannot_start_is_named_with_its_last_words(host: Host) -> None:
    (host.servers / "crash").touch()
    failed = host.run("start", "apples")
    assert failed.returncode == 1
    assert "apples ended with exit status 3: cannot start: the model is missing" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_crash_of_a_server_is_told_and_shows_in_the_exit_status(host: Host) -> None:
    with host.started("apples") as first:
        record = host.table.running("apples")
        assert record
        os.kill(record.process.pid, signal.SIGKILL)
        first.wait(PATIENCE_SECONDS)
    assert first.returncode == 1 and "apples ended with signal SIGKILL" in host.terminal()


def test_servers_outlive_a_killed_terminal_and_can_still_be_stopped(host: Host) -> None:
    with host.started("apples") as first:
        first.kill()
        first.wait(PATIENCE_SECONDS)
        row = json.loads(host.run("status", "apples", "--json").stdout)[0]
        assert (row["state"], row["text"]) == ("running", "nobody watches over it")
        assert host.run("stop", "apples").stdout == "apples stopped\n"
    assert not host.answers("apples")


def test_server_that_ignores_the_stop_is_killed_and_that_is_said(host: Host) -> None:
    (host.servers / "deaf").touch()
    with (host.directory / ".env").open("a") as settings:
        settings.write("MCP_DRAIN_SECONDS=0.1\n")
    with host.started("apples"):
        assert host.run("stop", "apples").stdout == "apples did not end in time and was killed\n"
        assert not host.answers("apples")


def test_record_of_another_process_is_never_signalled(host: Host) -> None:
    bystander = Identity.of(os.getpid())
    assert bystander
    stale = Identity(bystander.pid, bystander.ticks - 1, bystander.boot)
    with host.table.starting():
        host.table.write(Record("apples", host.ports["apples"], stale, stale))
    assert host.run("stop", "apples").stdout == "apples was not running\n"
    assert bystander.alive


def test_half_written_record_counts_as_none(host: Host) -> None:
    with host.table.starting():
        (host.table.directory / "apples.json").write_text('{"service": "app')
    assert host.run("stop", "apples").stdout == "apples was not running\n"


def test_two_starts_at_once_do_not_mix(host: Host) -> None:
    with host.table.starting():
        refused = host.run("start")
    assert refused.returncode == 1 and "another start is under way" in refused.stderr


def test_template_secret_is_refused_in_development_too(host: Host) -> None:
    (host.directory / ".env").write_text("JWT_SECRET_KEY=change-me-to-32-or-more-random-characters\n")
    refused = host.run("start")
    assert refused.returncode == 2 and "JWT_SECRET_KEY still holds the template's value" in refused.stderr


def test_breakers_are_shown_and_reset_with_a_token_of_its_own(host: Host) -> None:
    with host.started("apples"):
        shown = json.loads(host.run("breakers", "apples", "--json").stdout)
        assert shown == [{"service": "apples", "port": host.ports["apples"], "breaker": "redis", "state": "open"}]
        assert host.run("breakers", "apples", "--reset").returncode == 0
        silent = host.run("breakers")
        assert silent.returncode == 1 and "pears on port" in silent.stderr


def test_logs_find_the_lines_of_one_call(host: Host) -> None:
    with host.started():
        url = f"http://127.0.0.1:{host.ports['pears']}/health"
        httpx.get(url, headers={"X-Request-ID": "one-call"}, trust_env=False)
        lines = host.run("logs", "--correlation-id", "one-call", "--json").stdout.splitlines()
    (entry,) = map(json.loads, lines)
    assert (entry["service"], entry["message"]) == ("pears", "served /health")


def test_token_is_signed_with_the_configured_secret(host: Host) -> None:
    made = host.run("token", "--client", "alice", "--permission", "write", "--ttl", "60")
    settings = load_settings({"JWT_SECRET_KEY": SECRET})
    caller = Tokens(settings, time.time).verify(made.stdout.strip())
    assert (caller.client_id, caller.permissions) == ("alice", frozenset({"write"}))
    assert host.run("token", "--client", "alice", "--permission", "fly").returncode == 2


def test_new_key_is_what_its_printed_line_admits(host: Host) -> None:
    made = json.loads(host.run("keys", "new", "--client", "bob", "--number", "3", "--json").stdout)
    name, _, value = made["line"].partition("=")
    key = find_key(parse_api_keys({"API_KEY_1": value.strip("'")}), made["key"])
    assert name == "API_KEY_3" and key and key.client_id == "bob"
    assert made["key"] not in made["line"]


def test_unknown_service_is_refused_with_the_names_there_are(host: Host) -> None:
    refused = host.run("stop", "plums")
    assert refused.returncode == 2 and "apples, pears" in refused.stderr


def test_list_is_the_registry(host: Host) -> None:
    listed = json.loads(host.run("list", "--json").stdout)
    assert [row["service"] for row in listed] == list(NAMES)
    assert listed[0]["ports"] == [host.ports["apples"]]


def test_units_are_refused_where_none_are_installed() -> None:
    command = [sys.executable, "-m", "app.a2a.mcp.service_manager", "start", "--production"]
    refused = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2 and "ansible-playbook site.yml" in refused.stderr


def test_the_real_servers_start_and_stop(tmp_path: Path) -> None:
    text = REGISTRY_FILE.read_text()
    services = load_registry().services
    ports = free_ports(len(services))
    registry = json.loads(text) | {"instances": 1}
    for line, port in zip(registry["services"], ports, strict=True):
        line["port"] = port
    (tmp_path / "registry.json").write_text(json.dumps(registry))
    parse_registry((tmp_path / "registry.json").read_text(), "the test's")
    (tmp_path / ".env").write_text(f"JWT_SECRET_KEY={SECRET}\n")
    (tmp_path / "servers").symlink_to(REGISTRY_FILE.parent)
    host = Host(tmp_path, dict(zip((service.name for service in services), ports, strict=True)))
    with host.started() as first:
        assert all(host.answers(name) for name in host.ports), host.terminal()
        rows = json.loads(host.run("health", "--json").stdout)
        assert [row["status"] for row in rows] == ["ok"] * len(services)
    assert first.returncode == 0
    assert not any(host.answers(name) for name in host.ports)

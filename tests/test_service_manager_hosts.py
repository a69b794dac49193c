"""`logs --host`: the lines of several hosts as one story. Each host is a folder, and ssh a shell that goes there."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.errors import InvalidArgumentError
from app.a2a.mcp.manage.host_logs import INSTALLED, parse_hosts, parse_remote, remote_command
from app.a2a.mcp.manage.logs import Query, make_query
from app.a2a.mcp.manage.processes import ProcessTable
from tests.fleet import until

COMMAND_LINE = Path(__file__).parent / "data" / "command_line.py"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

SSH = """#!/bin/sh
echo "$*" >> {calls}
while [ "$1" != -- ]; do shift; done
host=$2
shift 2
case $host in
  gone) echo "ssh: connect to host gone port 22: No route to host" >&2; exit 255 ;;
  bare) exec sh -c "$*" ;;
esac
echo "Welcome to $host"
exec sh -c "$(printf %s "$*" | sed "s|^{installed}|{program} {directory}/$host {servers}|")"
"""
"""As sshd does, it gives the words of the command to a shell in one line."""


@dataclass
class Hosts:
    """Folders that stand for hosts, with the logs of two services."""

    directory: Path

    def write(self, host: str, service: str, *messages: str, level: str = "INFO", second: int = 0, **more: str) -> None:
        """Append lines, a minute apart."""
        path = ProcessTable(self.directory / host / ".cache" / "state").log_file(service)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for minute, message in enumerate(messages):
                when = (NOON + timedelta(minutes=minute, seconds=second)).isoformat()
                file.write(json.dumps({"timestamp": when, "level": level, "message": message} | more) + "\n")

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """The command line on the controller, and its environment."""
        head = [sys.executable, str(COMMAND_LINE), str(self.directory / "registry.json"), str(self.directory)]
        words = [*head, str(self.directory), "logs", *arguments]
        return words, {**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}"}

    def logs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        words, environment = self.command(*arguments)
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)

    @contextmanager
    def following(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`logs --follow`, its output in the files `out` and `err`."""
        words, environment = self.command("--follow", *arguments)
        with (self.directory / "out").open("w") as out, (self.directory / "err").open("w") as err:
            process = subprocess.Popen(words, env=environment, stdout=out, stderr=err, text=True)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def read(self, name: str) -> str:
        return (self.directory / name).read_text()


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    services = [{"name": name, "port": 8100 + n, "tools": 1, "purpose": name} for n, name in enumerate(("a", "b"))]
    (tmp_path / "registry.json").write_text(json.dumps({"instances": 1, "services": services}))
    program = f"{sys.executable} {COMMAND_LINE} {tmp_path}/registry.json"
    text = SSH.format(
        calls=tmp_path / "calls", installed=INSTALLED, program=program, directory=tmp_path, servers=tmp_path
    )
    (tmp_path / "ssh").write_text(text)
    (tmp_path / "ssh").chmod(0o755)
    return Hosts(tmp_path)


def test_lines_of_several_hosts_are_one_story_in_time(hosts: Hosts) -> None:
    hosts.write("north", "a", "one", "three", second=0)
    hosts.write("south", "b", "two", "four", second=30)
    done = hosts.logs("--host", "north,south", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(entry["host"], entry["service"], entry["message"]) for entry in told] == [
        ("north", "a", "one"),
        ("south", "b", "two"),
        ("north", "a", "three"),
        ("south", "b", "four"),
    ]
    assert (done.returncode, done.stderr) == (0, "")
    people = hosts.logs("--host", "north", "--host", "south", "--lines", "2").stdout.splitlines()
    assert [line.split()[1:] for line in people] == [["north", "INFO", "a", "three"], ["south", "INFO", "b", "four"]]


def test_each_host_is_asked_what_was_asked(hosts: Hosts) -> None:
    hosts.write("north", "a", "well")
    hosts.write("north", "b", "bad", level="ERROR", correlation_id="abc")
    hosts.write("north", "b", "worse", level="ERROR")
    options = ["--correlation-id", "abc", "--level", "warning", "--since", "2026-11-22T11:00:00+00:00", "--json"]
    (line,) = hosts.logs("b", "--host", "north", *options).stdout.splitlines()
    assert json.loads(line)["message"] == "bad"
    assert "BatchMode=yes" in hosts.read("calls")


def test_a_host_that_cannot_be_reached_is_named_and_the_others_lines_are_shown(hosts: Hosts) -> None:
    hosts.write("north", "a", "still here")
    done = hosts.logs("--host", "gone,north,bare")
    assert done.returncode == 1 and "still here" in done.stdout
    assert "gone cannot be reached: ssh: connect to host gone port 22: No route to host" in done.stderr
    assert "`ssh -o BatchMode=yes gone true`" in done.stderr
    assert f"bare has no {INSTALLED}" in done.stderr and "site.yml" in done.stderr
    assert "lines are missing of gone, bare" in done.stderr and "Traceback" not in done.stderr


def test_what_the_hosts_own_command_line_says_is_passed_on(hosts: Hosts) -> None:
    (hosts.directory / "north" / ".cache").mkdir(parents=True)
    (hosts.directory / "north" / ".cache" / "state").write_text("a file where a folder belongs")
    done = hosts.logs("--host", "north")
    assert done.returncode == 1 and "north could not tell all its lines: NotADirectoryError" in done.stderr


def test_followed_hosts_are_shown_as_they_write_and_a_lost_one_is_told_at_once(hosts: Hosts) -> None:
    hosts.write("north", "a", "before")
    with hosts.following("--host", "north,south,gone", "--json") as process:
        until(lambda: "before" in hosts.read("out"), 30, "the line written before")
        until(lambda: "gone cannot be reached" in hosts.read("err"), 30, "word of the host that is away")
        hosts.write("south", "b", "after")
        until(lambda: "after" in hosts.read("out"), 30, "the line written after")
        assert process.poll() is None
    told = [json.loads(line) for line in hosts.read("out").splitlines()]
    assert [(entry["host"], entry["message"]) for entry in told] == [("north", "before"), ("south", "after")]


def test_following_a_quiet_host_ends_with_its_reader(hosts: Hosts) -> None:
    words, environment = hosts.command("--host", "north", "--follow")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: (hosts.directory / "calls").exists(), 30, "the question to the host")
        assert process.stdout and process.poll() is None
        process.stdout.close()
        process.wait(30)
    followers = ["pgrep", "-f", str(hosts.directory / "north")]
    until(lambda: subprocess.run(followers, check=False).returncode == 1, 30, "the host's own follower does not end")


@pytest.mark.parametrize("text", ["", "-oProxyCommand=reboot", "a b", "north,", "$(reboot)", "north;reboot"])
def test_what_is_no_host_is_refused_before_ssh_sees_it(text: str, hosts: Hosts) -> None:
    with pytest.raises(InvalidArgumentError, match="is no host"):
        parse_hosts([text])
    assert hosts.logs(f"--host={text}").returncode == 2 and not (hosts.directory / "calls").exists()


def test_hosts_are_asked_once_each() -> None:
    assert parse_hosts(["north, ops@10.0.0.2", "north"]) == ["north", "ops@10.0.0.2"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=3))
def test_no_word_of_a_query_means_anything_to_a_hosts_shell(names: list[str]) -> None:
    query = make_query(names, "abc", None, True, 10, "ERROR")
    head = [INSTALLED, "logs", *names, "--json", "--follow"]
    assert shlex.split(remote_command(query, names)) == [*head, "--correlation-id=abc", "--level=ERROR", "--lines=10"]


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_whatever_a_host_prints_is_read_or_passed_over(line: bytes) -> None:
    assert parse_remote(line, "north") is None


def test_the_host_a_client_asked_the_edge_for_is_not_taken_for_the_machine() -> None:
    line = {"time": NOON.isoformat(), "level": "INFO", "service": "edge", "message": "", "correlation_id": ""}
    entry = parse_remote(json.dumps(line | {"host": "mcp.example"}).encode(), "north")
    assert entry and (entry.as_dict()["host"], entry.fields["http_host"]) == ("north", "mcp.example")


def test_since_is_one_instant_for_all_hosts() -> None:
    assert f"--since={NOON.isoformat()}" in remote_command(Query(["a"], since=NOON), ())

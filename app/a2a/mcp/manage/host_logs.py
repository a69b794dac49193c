"""Log lines of several hosts as one story: each host's own `a2a-mcp logs`, asked through ssh, merged by time."""

import heapq
import json
import re
import shlex
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from queue import SimpleQueue
from tempfile import TemporaryFile
from threading import Thread

from app.a2a.mcp.errors import InvalidArgumentError, UnavailableError
from app.a2a.mcp.manage.logs import OWN_KEYS, Entry, Query

INSTALLED = "/opt/a2a-mcp/current/venv/bin/a2a-mcp"
"""The command line on a deployed host."""

# A host that answers neither the connection nor the keep-alives is given up after 10 and 45 s.
SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15")
SSH_FAILED = 255
NOT_FOUND = 127
WORDS_LINES = 3
HEAD = ("level", "service", "message", "correlation_id")
HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@%\[\]-]{0,254}")

Tell = Callable[[str], None]


def parse_hosts(texts: Sequence[str]) -> list[str]:
    """Names of hosts as ssh knows them, each text one or a comma-separated list; raises InvalidArgumentError."""
    hosts = [host.strip() for text in texts for host in text.split(",")]
    for host in hosts:
        if not HOST.fullmatch(host):
            raise InvalidArgumentError(f"--host: {host!r} is no host: write a name of your ssh_config, or USER@ADDRESS")
    return list(dict.fromkeys(hosts))


def remote_command(query: Query, names: Sequence[str]) -> str:
    """The query in the words of a host's command line, quoted for its shell. `names` is empty for all services."""
    words = [INSTALLED, "logs", *names, "--json"]
    words += ["--follow"] if query.follow else []
    words += ["--audit"] if query.audit else []
    # The instant rather than "10m": every host is asked about the same time.
    for option, value in (("correlation-id", query.correlation_id), ("level", query.level)):
        words += [f"--{option}={value}"] if value else []
    words += [f"--since={query.since.isoformat()}"] if query.since else [f"--lines={query.lines}"]
    return shlex.join(words)


class HostLog:
    """One host's lines while they come in, and why some are missing."""

    def __init__(self, host: str, command: str) -> None:
        self.host = host
        self._errors = TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            self._ssh = subprocess.Popen(  # noqa: S603 - the host is checked, the command quoted
                [*SSH, "--", host, command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
            )
        except FileNotFoundError:
            self._errors.close()
            raise UnavailableError("ssh is not installed here: `apt-get install openssh-client`") from None

    def entries(self) -> Iterator[Entry]:
        """The lines, in the host's order; what its shell greets with is no line."""
        if self._ssh.stdout is None:
            return
        with self._ssh.stdout as lines:
            for line in lines:
                if entry := parse_remote(line, self.host):
                    yield entry

    def trouble(self) -> str:
        """After the last line: why there are not all lines and what to do, in a sentence; empty if there are."""
        status = self._ssh.wait()
        if status == 0:
            return ""
        self._errors.seek(0)
        said = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        words = "; ".join(said[-WORDS_LINES:]).removeprefix("a2a-mcp: ") or f"status {status}"
        if status == SSH_FAILED:
            return f"{self.host} cannot be reached: {words}. Make `ssh -o BatchMode=yes {self.host} true` work first"
        if status == NOT_FOUND:
            return f"{self.host} has no {INSTALLED}: {words}. Deploy the release to it with site.yml"
        return f"{self.host} could not tell all its lines: {words}"

    def end(self) -> None:
        """Stop asking."""
        self._ssh.terminate()
        self._ssh.wait()
        self._errors.close()


def parse_remote(line: bytes, host: str) -> Entry | None:
    """A line of a host's `a2a-mcp logs --json`; None for any other."""
    try:
        data = json.loads(line)
        when = datetime.fromisoformat(data["time"])
        level, service, message, correlation_id = (str(data[key]) for key in HEAD)
    except (ValueError, KeyError, TypeError):
        return None
    fields = {key: value for key, value in data.items() if key not in OWN_KEYS}
    # The edge says `host` of what its client asked for.
    if "host" in fields:
        fields["http_host"] = fields.pop("host")
    return Entry(when, level, service, message, correlation_id, fields, host)


def host_entries(query: Query, hosts: Sequence[str], names: Sequence[str], tell: Tell) -> Iterator[Entry]:
    """The lines of all hosts, oldest first; with `follow` as they arrive.

    A host that fails is told at once and the others' lines go on; at the end it raises UnavailableError.
    """
    failed: list[str] = []

    def close(log: HostLog) -> None:
        if trouble := log.trouble():
            failed.append(log.host)
            tell(trouble)

    def whole(log: HostLog) -> Iterator[Entry]:
        yield from log.entries()
        close(log)

    logs: list[HostLog] = []
    try:
        logs.extend(HostLog(host, remote_command(query, names)) for host in hosts)
        if query.follow:
            yield from _arriving(logs, close)
        else:
            merged = heapq.merge(*map(whole, logs), key=lambda entry: entry.time)
            yield from merged if query.since or query.correlation_id else deque(merged, query.lines)
    finally:
        for log in logs:
            log.end()
    if failed:
        raise UnavailableError(f"lines are missing of {', '.join(failed)}")


def _arriving(logs: Sequence[HostLog], close: Callable[[HostLog], None]) -> Iterator[Entry]:
    """Entries of all logs in the order in which they come, until the last log ends."""
    arrivals: SimpleQueue[Entry | HostLog] = SimpleQueue()

    def read(log: HostLog) -> None:
        for entry in log.entries():
            arrivals.put(entry)
        arrivals.put(log)

    for log in logs:
        Thread(target=read, args=(log,), daemon=True).start()
    open_logs = len(logs)
    while open_logs:
        arrival = arrivals.get()
        if isinstance(arrival, HostLog):
            close(arrival)
            open_logs -= 1
        else:
            yield arrival

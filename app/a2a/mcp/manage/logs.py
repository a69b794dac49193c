"""Log lines as people and programs read them, from the journal of a host or the files of a development fleet."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.a2a.mcp.errors import InvalidArgumentError, UnavailableError

EDGE_IDENTIFIER = "nginx_a2a"
"""The syslog tag of the edge's access log."""

CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
DURATION = re.compile(r"(\d+)\s*([smhd])")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PRIORITIES = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
"""syslog(3) severities 0 to 7 in the names the servers log."""

AUDIT_KEY = "audit_decision"
AUDIT_MATCHES = ["AUDIT_DECISION=allowed", "AUDIT_DECISION=denied"]
"""Matches of one field are alternatives; they narrow what the others find (journalctl(1))."""

LAST_WORDS_BYTES = 4096
FOLLOW_SECONDS = 0.2
OWN_KEYS = frozenset({"timestamp", "time", "level", "logger", "message", "service", "instance", "correlation_id"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `fields` is what it says beside the message, `host` where it was asked for from elsewhere."""

    time: datetime
    level: str
    service: str
    message: str
    correlation_id: str
    fields: Mapping[str, Any]
    host: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The line as an object, times in UTC; its host only where several were asked."""
        head = {"time": self.time.isoformat(timespec="milliseconds"), "level": self.level, "service": self.service}
        head |= {"host": self.host} if self.host else {}
        return head | {"message": self.message, "correlation_id": self.correlation_id, **self.fields}


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines are wanted: of these services, of one correlation id, not older than `since`, not below `level`.

    With `audit` only those of the audit trail: what an authenticated caller asked for, and whether they were let in.
    """

    services: Sequence[str]
    correlation_id: str | None = None
    since: datetime | None = None
    follow: bool = False
    lines: int = 200
    level: str | None = None
    audit: bool = False

    def wants(self, entry: Entry) -> bool:
        """Whether the line is asked for."""
        if self.correlation_id and entry.correlation_id != self.correlation_id:
            return False
        if self.audit and AUDIT_KEY not in entry.fields:
            return False
        if self.level and _severity(entry.level) > _severity(self.level):
            return False
        return self.since is None or entry.time >= self.since


def make_query(
    services: Sequence[str],
    correlation_id: str | None,
    since: str | None,
    follow: bool,
    lines: int,
    level: str | None = None,
    audit: bool = False,
) -> Query:
    """A query from what was typed; raises InvalidArgumentError."""
    if correlation_id is not None and not CORRELATION_ID.fullmatch(correlation_id):
        raise InvalidArgumentError("a correlation id has 1 to 128 letters, digits or . _ : -")
    if level is not None and level.upper() not in PRIORITIES:
        raise InvalidArgumentError(f"{level!r} is no level: write {', '.join(dict.fromkeys(PRIORITIES))}")
    instant = None if since is None else parse_since(since)
    return Query(services, correlation_id, instant, follow, lines, level and level.upper(), audit)


def _severity(level: str) -> int:
    """The number of syslog(3), lower is worse; what names no level counts as INFO."""
    return len(PRIORITIES) - 1 - PRIORITIES[::-1].index(level if level in PRIORITIES else "INFO")


def parse_since(text: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> datetime:
    """The instant meant by `90s`, `10m`, `2h`, `1d` (ago) or an ISO 8601 time; raises InvalidArgumentError."""
    if match := DURATION.fullmatch(text.strip()):
        return now() - timedelta(seconds=int(match[1]) * UNIT_SECONDS[match[2]])
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidArgumentError(f"{text!r} is no time: write 10m, 2h, 1d or 2026-11-22T15:04:05") from None
    return instant.astimezone(UTC)


def parse_line(line: str, service: str) -> Entry:
    """A line that a server wrote: JSON, or plain text of whatever failed before logging was up."""
    with suppress(ValueError, TypeError):
        data = json.loads(line)
        when = datetime.fromisoformat(data["timestamp"])
        return _entry(data, when, data.get("level", "INFO"), data.get("service") or service)
    return Entry(datetime.now(UTC), "INFO", service, line, "", {})


def parse_journal(line: str) -> Entry | None:
    """A line of `journalctl -o json`; None where the journal holds no text."""
    record = json.loads(line)
    message = record.get("MESSAGE")
    if not isinstance(message, str):
        return None
    when = datetime.fromtimestamp(int(record["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    identifier = record.get("SYSLOG_IDENTIFIER", "")
    service = record.get("MCP_SERVICE") or identifier.removeprefix("a2a-mcp-")
    level = PRIORITIES[int(record.get("PRIORITY", 6)) & 7]
    data: dict[str, Any] = {"message": message, "correlation_id": record.get("CORRELATION_ID", "")}
    if message.startswith("{"):
        with suppress(ValueError):
            data = json.loads(message)
    if identifier == EDGE_IDENTIFIER and "path" in data:
        data["message"] = f"{data.get('method', '')} {data.get('path', '')} {data.get('status', '')}"
        service = "edge"
    return _entry(data, when, data.get("level", level), service)


def _entry(data: Mapping[str, Any], when: datetime, level: str, service: str) -> Entry:
    fields = {key: value for key, value in data.items() if key not in OWN_KEYS}
    return Entry(when, level, service, str(data.get("message", "")), str(data.get("correlation_id", "")), fields)


def journal_entries(query: Query, program: str = "journalctl") -> Iterator[Entry]:
    """The journal's lines, oldest first; of one call those of every service and the edge. Raises UnavailableError."""
    matches = [f"--unit=a2a-mcp-{service}@*.service" for service in query.services]
    if query.correlation_id:
        matches = [f"CORRELATION_ID={query.correlation_id}"]
    if query.audit:
        matches += AUDIT_MATCHES
    command = [program, "--no-pager", "--quiet", "--output=json", "--all"]
    command += [f"--since=@{query.since.timestamp():.0f}"] if query.since else []
    command += ["--follow"] if query.follow else []
    command += [f"--priority={_severity(query.level)}"] if query.level else []
    command += [] if query.correlation_id or query.since else [f"--lines={query.lines}"]
    try:
        process = subprocess.Popen(  # noqa: S603 - every argument is built above from checked parts
            [*command, *matches], stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError:
        raise UnavailableError(f"{program} is not installed: this host keeps no journal") from None
    with process:
        try:
            for line in process.stdout or ():
                entry = parse_journal(line)
                if entry is not None and query.wants(entry):
                    yield entry
        finally:
            process.terminate()
    if process.returncode > 0:
        hint = "where the journal is not yours to read, run the command with sudo"
        raise UnavailableError(f"{program} ended with status {process.returncode}; {hint}")


class LogFile:
    """One server's log, read as it grows; a log that was set aside is read from its new beginning."""

    def __init__(self, path: Path, service: str, at_end: bool = False) -> None:
        self.path = path
        self.service = service
        self._position = path.stat().st_size if at_end and path.exists() else 0
        self._rest = b""

    def new_entries(self) -> Iterator[Entry]:
        """The lines since the last call; a line without its end yet waits for the next one."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            if file.seek(0, 2) < self._position:
                self._position, self._rest = 0, b""
            file.seek(self._position)
            *lines, self._rest = (self._rest + file.read()).split(b"\n")
            self._position = file.tell()
            for line in lines:
                if line.strip():
                    yield parse_line(line.decode(errors="replace"), self.service)

    def last_words(self) -> str:
        """Its last line, which says why the server ended, or where to look."""
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LAST_WORDS_BYTES))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
            if lines:
                return f"{parse_line(lines[-1], self.service).message} (log: {self.path})"
        return f"its log {self.path} is empty"


def file_entries(query: Query, log_file: Callable[[str], Path]) -> Iterator[Entry]:
    """The lines of the services' log files, oldest first; `follow` waits for more until it is interrupted."""
    files = [LogFile(log_file(service), service) for service in query.services]
    found = sorted((e for file in files for e in file.new_entries() if query.wants(e)), key=lambda e: e.time)
    everything = query.since is not None or query.correlation_id is not None
    yield from found if everything else found[-query.lines :]
    while query.follow:
        yield from (e for file in files for e in file.new_entries() if query.wants(e))
        time.sleep(FOLLOW_SECONDS)

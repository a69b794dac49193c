"""What people see: tables and coloured log lines; what programs see: one JSON document."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from app.a2a.mcp.core.registry import Registry
from app.a2a.mcp.manage.health import Health
from app.a2a.mcp.manage.logs import Entry
from app.a2a.mcp.manage.status import Status

COLOURS = {
    "ok": "green",
    "running": "green",
    "active (running)": "green",
    "closed": "green",
    "degraded": "yellow",
    "half-open": "yellow",
    "WARNING": "yellow",
    "INFO": "cyan",
    "DEBUG": "dim",
    "stopped": "dim",
    "inactive (dead)": "dim",
}
PIPE_WIDTH = 200
FIELDS_SHOWN = (
    "tool", "client_id", "audit_decision", "status", "outcome", "error_code", "duration_ms", "arguments_digest",
    "request_time", "upstream_addr",
)  # fmt: skip


class Output:
    """Writes for people to the terminal, or JSON when asked to."""

    def __init__(self, as_json: bool, hosts: Sequence[str] = ()) -> None:
        self.as_json = as_json
        self._host_width = max(map(len, hosts), default=0)
        # A pipe has no width: without one, tables would be cut at 80 columns.
        self.console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def document(self, value: object) -> None:
        """One JSON document."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def say(self, sentence: str) -> None:
        """A sentence for people; programs that asked for JSON get it on stderr."""
        (self.errors if self.as_json else self.console).print(escape(sentence))

    def warn(self, sentence: str) -> None:
        """A sentence about what went wrong while the rest goes on, on stderr."""
        self.errors.print(escape(f"a2a-mcp: {sentence}"), style="red")

    def services(self, registry: Registry) -> None:
        """The registry's list."""
        rows: list[dict[str, Any]] = [
            {
                "service": service.name,
                "ports": list(service.instance_ports(registry.instances)),
                "tools": service.tools,
                "purpose": service.purpose,
            }
            for service in registry
        ]
        if self.as_json:
            self.document(rows)
            return
        cells = [[r["service"], ", ".join(map(str, r["ports"])), str(r["tools"]), r["purpose"]] for r in rows]
        self._table(("service", "ports", "tools", "purpose"), cells)

    def health(self, rows: Sequence[Health]) -> None:
        """The health of instances."""
        if self.as_json:
            self.document(
                [
                    {"service": r.service, "port": r.port, "status": r.status, "milliseconds": r.milliseconds}
                    | {"reason": r.reason, "health": r.page}
                    for r in rows
                ]
            )
            return
        cells = [[r.service, str(r.port), r.status, _calls(r.page), _number(r.milliseconds), r.reason] for r in rows]
        self._table(("service", "port", "health", "calls", "ms", "why"), cells)

    def status(self, rows: Sequence[Status]) -> None:
        """What runs."""
        if self.as_json:
            names = Status.__dataclass_fields__
            self.document([{name: getattr(row, name) for name in names} for row in rows])
            return
        cells = [
            [
                r.service,
                str(r.port),
                r.state,
                str(r.pid or ""),
                _mib(r.memory_bytes),
                _text(r.restarts),
                r.since,
                r.text,
            ]
            for r in rows
        ]
        self._table(("service", "port", "state", "pid", "MiB", "restarts", "since", "says"), cells)

    def breakers(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Circuit breakers of instances."""
        if self.as_json:
            self.document(rows)
            return
        cells = [[str(row[key]) for key in ("service", "port", "breaker", "state")] for row in rows]
        self._table(("service", "port", "breaker", "state"), cells)

    def entries(self, entries: Iterable[Entry]) -> None:
        """Log lines, one a line of JSON or in colour."""
        for entry in entries:
            self.entry(entry)

    def entry(self, entry: Entry) -> None:
        """One log line."""
        if self.as_json:
            sys.stdout.write(json.dumps(entry.as_dict(), ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        line = Text()
        line.append(f"{entry.time.astimezone():%H:%M:%S.%f}"[:12] + " ", "dim")
        if entry.host:
            line.append(f"{entry.host:<{self._host_width}} ", "magenta")
        line.append(f"{entry.level:<8}", COLOURS.get(entry.level, "red"))
        line.append(f"{entry.service} ", "bold")
        line.append(entry.message)
        for name in FIELDS_SHOWN:
            if entry.fields.get(name) not in (None, ""):
                line.append(f" {name}={entry.fields[name]}", "dim")
        if entry.correlation_id:
            line.append(f" [{entry.correlation_id}]", "dim")
        if exception := entry.fields.get("exception"):
            line.append(f"\n{exception}".rstrip(), "red")
        self.console.print(line)

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in heads:
            table.add_column(
                head,
                overflow="fold",
                justify="right" if head in ("port", "tools", "pid", "MiB", "ms", "calls") else "left",
            )
        for row in rows:
            table.add_row(
                *(Text(cell, COLOURS.get(cell, "red" if cell in ("down", "not_ready") else "")) for cell in row)
            )
        self.console.print(table)


def _calls(page: Mapping[str, Any]) -> str:
    return str(page.get("calls", {}).get("served", ""))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _mib(value: int | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f}"


def _text(value: object) -> str:
    return "" if value is None else str(value)

"""What runs: one row an instance, from systemd or from the records of development."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.a2a.mcp.manage.fleet import Fleet
from app.a2a.mcp.manage.processes import Identity, ProcessTable
from app.a2a.mcp.manage.units import Units


@dataclass(frozen=True, slots=True)
class Status:
    """One instance; `pid` is 0 and the rest empty while it does not run."""

    service: str
    port: int
    state: str
    pid: int = 0
    since: str = ""
    memory_bytes: int | None = None
    restarts: int | None = None
    text: str = ""

    @property
    def running(self) -> bool:
        """Whether it runs and has said that it is ready."""
        return self.state in ("running", "active (running)")


def child_status(fleet: Fleet, table: ProcessTable, names: Sequence[str]) -> list[Status]:
    """The rows of development: what the records say and /proc confirms."""
    rows = []
    for instance in fleet.instances(names):
        record = table.running(instance.service.name)
        if record is None:
            rows.append(Status(instance.service.name, instance.port, "stopped"))
            continue
        process = record.process
        watched = "" if record.supervisor.alive else "nobody watches over it"
        since, memory = _started(process), _memory(process.pid)
        rows.append(Status(record.service, record.port, "running", process.pid, since, memory, text=watched))
    return rows


def unit_status(fleet: Fleet, units: Units, names: Sequence[str]) -> list[Status]:
    """The rows of production: what systemd says."""
    instances = fleet.instances(names)
    states = units.states(instances)
    rows = []
    for instance in instances:
        name, port = instance.service.name, instance.port
        unit = states.get(instance.unit)
        if unit is None:
            rows.append(Status(name, port, "unknown to systemd"))
            continue
        state = f"{unit.active} ({unit.sub})"
        rows.append(Status(name, port, state, unit.pid, unit.since, unit.memory_bytes, unit.restarts, unit.text))
    return rows


def _started(process: Identity) -> str:
    """When the process began, ISO 8601 in UTC."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/stat").read_text().splitlines()
        boot = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
        began = boot + process.ticks / os.sysconf("SC_CLK_TCK")
        return datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds")
    return ""


def _memory(pid: int) -> int | None:
    """Resident memory in bytes."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None

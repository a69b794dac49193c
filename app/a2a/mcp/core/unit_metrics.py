"""What only the unit knows of an instance: the memory of its control group, and how its earlier runs ended.

A process cannot count its own deaths, so the unit's ExecStopPost adds a byte to a file of root's, named after the
instance and systemd's $SERVICE_RESULT; the counters are the sizes of these files and outlive instance and host.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")

FAILURES = ("watchdog", "signal", "core-dump", "exit-code", "oom-kill", "timeout", "protocol", "resources")
"""The values of $SERVICE_RESULT (systemd.exec(5)) that end a run badly."""

FAILURES_DIRECTORY = "unit-failures"
"""Beside the state directories of the services; no service can have a hyphen in its name."""

UNLIMITED_V1 = 1 << 60
"""Version 1 writes "no limit" as the largest number of pages."""


class MemoryGroup:
    """The memory controller of the control group this process is in, version 2 or 1."""

    def __init__(self, cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> None:
        lines = [line.split(":", 2) for line in _read(own).splitlines()]
        paths = {controller: path for _, names, path in lines for controller in names.split(",")}
        self._old = "memory" in paths
        mount = cgroups / "memory" if self._old else cgroups
        group = mount / paths.get("memory", paths.get("", "/")).lstrip("/")
        self._group = group if group.is_dir() else mount

    def limit_bytes(self) -> float:
        """MemoryMax of the unit; infinity where there is none."""
        text = _read(self._group / ("memory.limit_in_bytes" if self._old else "memory.max"))
        limit = int(text) if text.isdigit() else math.inf
        return math.inf if self._old and limit >= UNLIMITED_V1 else float(limit)

    def working_set_bytes(self) -> float:
        """What all processes of the unit use, without file pages that the kernel would give back; 0 where unknown."""
        used = _read(self._group / ("memory.usage_in_bytes" if self._old else "memory.current"))
        name = "total_inactive_file" if self._old else "inactive_file"
        table = dict(line.split() for line in _read(self._group / "memory.stat").splitlines())
        return float(max(0, int(used or 0) - int(table.get(name, 0))))


class UnitMetrics(Collector):
    """Read when scraped; `directory` is where units count the failures of `service` on `port`."""

    def __init__(self, service: str, directory: Path, port: int, memory: MemoryGroup | None = None) -> None:
        self._service = service
        self._files = {result: directory / f"{service}@{port}.{result}" for result in FAILURES}
        self._memory = memory or MemoryGroup()

    def collect(self) -> Iterator[Metric]:
        """Two gauges and a counter for each way to fail."""
        limit = GaugeMetricFamily("a2a_mcp_memory_limit_bytes", "MemoryMax of the unit", labels=["service"])
        limit.add_metric([self._service], self._memory.limit_bytes())
        yield limit
        text = "Memory of the unit that cannot be taken back"
        used = GaugeMetricFamily("a2a_mcp_memory_working_set_bytes", text, labels=["service"])
        used.add_metric([self._service], self._memory.working_set_bytes())
        yield used
        text = "Runs of the unit that ended badly, by systemd's result"
        failures = CounterMetricFamily("a2a_mcp_unit_failures", text, labels=["service", "result"])
        for result, file in self._files.items():
            failures.add_metric([self._service, result], _size(file))
        yield failures


def _read(path: Path) -> str:
    """The file's text, empty where the kernel has no such file."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

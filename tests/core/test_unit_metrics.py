"""What the unit knows: both versions of control groups, and failures that outlive the process."""

import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.unit_metrics import FAILURES, MemoryGroup, UnitMetrics

LIMIT = 512 * 2**20
UNIT = "system.slice/a2a-mcp-sample@1025.service"
OLD = {"memory.limit_in_bytes": LIMIT, "memory.usage_in_bytes": 300, "memory.stat": "cache 9\ntotal_inactive_file 100"}
NEW = {"memory.max": LIMIT, "memory.current": 300, "memory.stat": "anon 200\ninactive_file 100"}


def group(tmp_path: Path, own: str, folder: str, files: dict[str, object]) -> MemoryGroup:
    directory = tmp_path / "cgroup" / folder
    directory.mkdir(parents=True)
    for name, content in files.items():
        (directory / name).write_text(f"{content}\n")
    (tmp_path / "own").write_text(own)
    return MemoryGroup(tmp_path / "cgroup", tmp_path / "own")


def test_version_2_tells_limit_and_working_set(tmp_path: Path) -> None:
    found = group(tmp_path, f"0::/{UNIT}\n", UNIT, NEW)
    assert (found.limit_bytes(), found.working_set_bytes()) == (LIMIT, 200)


def test_version_1_tells_limit_and_working_set(tmp_path: Path) -> None:
    found = group(tmp_path, f"5:pids:/{UNIT}\n4:memory:/{UNIT}\n0::/{UNIT}\n", f"memory/{UNIT}", OLD)
    assert (found.limit_bytes(), found.working_set_bytes()) == (LIMIT, 200)


@pytest.mark.parametrize(
    ("own", "folder", "files"),
    [
        (f"0::/{UNIT}\n", UNIT, NEW | {"memory.max": "max"}),
        (f"4:memory:/{UNIT}\n", f"memory/{UNIT}", OLD | {"memory.limit_in_bytes": 9223372036854771712}),
    ],
    ids=["version 2", "version 1"],
)
def test_a_unit_without_a_limit_says_infinity(tmp_path: Path, own: str, folder: str, files: dict[str, object]) -> None:
    assert group(tmp_path, own, folder, files).limit_bytes() == math.inf


def test_where_there_are_no_control_groups_nothing_breaks(tmp_path: Path) -> None:
    found = MemoryGroup(tmp_path / "none", tmp_path / "none")
    assert (found.limit_bytes(), found.working_set_bytes()) == (math.inf, 0)


def exposed(directory: Path, port: int) -> dict[tuple[str, str], float]:
    registry = CollectorRegistry()
    registry.register(UnitMetrics("sample", directory, port))
    page, _ = Metrics("sample", registry).exposition("")
    families = parse_text(page.decode())
    return {(s.name, s.labels.get("result", "")): s.value for family in families for s in family.samples}


def test_failures_are_counted_per_instance_and_result(tmp_path: Path) -> None:
    (tmp_path / "sample@1025.watchdog").write_text("..")
    (tmp_path / "sample@1125.watchdog").write_text(".....")
    found = exposed(tmp_path, 1025)
    assert found["a2a_mcp_unit_failures_total", "watchdog"] == 2
    assert found["a2a_mcp_unit_failures_total", "oom-kill"] == 0


def test_every_result_is_exposed_before_anything_failed(tmp_path: Path) -> None:
    found = exposed(tmp_path, 1025)
    assert {result for name, result in found if name == "a2a_mcp_unit_failures_total"} == set(FAILURES)
    assert found["a2a_mcp_memory_limit_bytes", ""] > 0

"""The official conformance suite against the fixture behind nginx, every call on another instance."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node import LOCKED, venv_environment

SUITE_SECONDS = 300

pytestmark = pytest.mark.timeout(2 * SUITE_SECONDS)


def run_suite(modules: Path, package: str, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite; its report stays in `out`."""
    node = Path(sys.executable).with_name("node")
    program = modules / package / "dist" / "index.js"
    return subprocess.run(
        [node, program, "server", *arguments, "-o", out],
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        env=venv_environment(),
        check=False,
    )


def failures(out: Path) -> dict[str, list[str]]:
    """Failed check ids by scenario, from the suite's own reports."""
    found: dict[str, list[str]] = {}
    for report in out.rglob("checks.json"):
        scenario = report.parent.name.removeprefix("server-").rsplit("-2", 1)[0]
        failed = [check["id"] for check in json.loads(report.read_text()) if check["status"] == "FAILURE"]
        if failed:
            found[scenario] = failed
    return found


def test_every_scored_requirement_of_2026_07_28_holds(fixture_url: str, node_modules: Path, tmp_path: Path) -> None:
    result = run_suite(node_modules, "conformance-2026", tmp_path, "--url", fixture_url, "--requirements", "2026-07-28")
    assert result.returncode == 0, f"{failures(tmp_path)}\n{result.stdout[-12000:]}{result.stderr[-2000:]}"


def test_2025_11_25_fails_only_where_statelessness_forces_it(
    fixture_url: str, node_modules: Path, tmp_path: Path
) -> None:
    baseline = str(LOCKED / "expected-2025-11-25.yml")
    result = run_suite(
        node_modules,
        "conformance-2025",
        tmp_path,
        "--url",
        fixture_url,
        "--suite",
        "active",
        "--expected-failures",
        baseline,
    )
    assert result.returncode == 0, f"{failures(tmp_path)}\n{result.stdout[-12000:]}{result.stderr[-2000:]}"

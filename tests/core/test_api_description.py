"""The operations API does what its OpenAPI description says, whatever is sent to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.processes import KEY, Instance, free_port

pytestmark = pytest.mark.timeout(300)


def test_every_answer_is_one_that_is_described(tmp_path: Path) -> None:
    instance = Instance(tmp_path, free_port()).start()
    try:
        instance.await_ready()
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{instance.port}/openapi.json"),
                *("--header", f"Authorization: Bearer {KEY}", "--checks", "all", "--max-examples", "20"),
                *("--no-color", "--seed", "1"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert run.returncode == 0, run.stdout[-6000:]
        assert "No issues found" in run.stdout
        assert '"level":"ERROR"' not in instance.log()
    finally:
        instance.kill()

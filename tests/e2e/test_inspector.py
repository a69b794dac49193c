"""The official Inspector's command line against the edge: it lists, checks schemas strictly and calls, in both eras."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.node import venv_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def inspect(fleet: Fleet, modules: Path, home: Path, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = modules / ".bin" / "mcp-inspector"
    command = [
        Path(sys.executable).with_name("node"),
        program.resolve(),
        "--cli",
        fleet.url(service),
        "--transport",
        "http",
        "--header",
        f"Authorization: Bearer {fleet.key}",
        "--stored-auth-only",
        *arguments,
        "--format",
        "json",
        "-q",
    ]
    environment = venv_environment() | {"NODE_EXTRA_CA_CERTS": str(fleet.ca), "HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_inspector_accepts_every_schema_strictly(fleet: Fleet, node_modules: Path, tmp_path: Path) -> None:
    for service in fleet.registry:
        done = inspect(fleet, node_modules, tmp_path, service.name, "--method", "tools/list", "--strict")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(json.loads(done.stdout)["result"]["tools"]) == service.tools


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_inspector_calls_a_tool_in_both_eras(fleet: Fleet, node_modules: Path, tmp_path: Path, era: str) -> None:
    arguments = json.dumps({"text1": "kitten", "text2": "sitting", "method": "edit"})
    call = ["--method", "tools/call", "--tool-name", "calculate_text_similarity", "--tool-args-json", arguments]
    done = inspect(fleet, node_modules, tmp_path, "semantic_similarity", "--protocol-era", era, *call)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(done.stdout)["result"]["structuredContent"]
    assert content["similarity"] == pytest.approx(4 / 7)

"""Every shell script of the repository is one that shellcheck has nothing to say against."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (".ci", "app", "bench", "docs", "examples", "molecule", "playbooks", "roles", "tests")


def test_shell_scripts_pass_shellcheck() -> None:
    found = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    scripts = [path for path in found if "node_modules" not in path.parts and path.is_file() and is_shell(path)]
    assert {ROOT / "start.sh", ROOT / "examples" / "curl" / "protocol.sh"} <= set(scripts)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    # Notes below a warning are matters of taste.
    command = [shellcheck, "--severity", "warning", *scripts]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(64)
    return first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash"))

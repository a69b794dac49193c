"""The official tools that come from npm - conformance suite, Inspector, axe - pinned and run by a pinned node."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "tests" / "conformance"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The pinned npm packages of the conformance tests."""
    return installed(LOCKED)


@pytest.fixture(scope="session")
def browser_modules() -> Path:
    """Those of the fleet page: what is vendored in it, and what judges it."""
    return installed(ROOT / "tests" / "browser")


def installed(locked: Path) -> Path:
    """The packages that a directory's lock pins, installed once a lock into the checkout's cache."""
    lock = (locked / "package-lock.json").read_bytes()
    home = ROOT / ".cache" / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not (home / ".complete").exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(locked / name, home)
        npm = Path(sys.executable).with_name("npm")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=home, check=True, timeout=300, env=venv_environment())
        (home / ".complete").touch()
    return home / "node_modules"


def venv_environment() -> dict[str, str]:
    """The environment in which the virtual environment's programs come first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

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
    """The pinned npm packages, installed once a lock into the checkout's cache."""
    return install(LOCKED)


@pytest.fixture(scope="session")
def browser_modules() -> Path:
    """The same for the fleet page: what is vendored in it, and what judges it."""
    return install(ROOT / "tests" / "browser")


def install(locked: Path) -> Path:
    """The packages of a lock file, installed once; the directory that holds them."""
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

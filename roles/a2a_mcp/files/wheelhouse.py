"""Builds what a release is made of, away from the hosts that run it: pinned wheels, and the project's own wheel.

    wheelhouse.py describe      what to build for a Python, and under which names it is cached (JSON)
    wheelhouse.py check         whether this machine can compile for that Python; says what it lacks
    wheelhouse.py dependencies  the locked wheels, their hashes and the installer as one tar archive
    wheelhouse.py project       the project's wheel and its hash in a directory
    wheelhouse.py select        the part of the lock that the target's Python needs

Only the last needs more than Python's standard library, and runs among the pinned build tools. Results appear under
their final name only when complete.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

COMPILED = ("annoy", "systemd-python")
"""The two dependencies published as sources only."""

ANNOY_ARGUMENTS = "-D_CRT_SECURE_NO_WARNINGS,-fpermissive,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14,-O3"
# annoy's own default is -march=native: such a wheel dies of an illegal instruction on a lesser processor.
ANNOY_EXTRAS = {"avx2": ",-mavx2,-mfma,-mf16c", "baseline": ""}

BUILDER_PACKAGES = "g++ pkg-config libsystemd-dev python3-dev python3-venv"
PROBE = (
    "import ensurepip, json, os, platform, sysconfig; print(json.dumps({"
    "'version': platform.python_version(), 'gil': not sysconfig.get_config_var('Py_GIL_DISABLED'),"
    "'headers': os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h'))}))"
)


class CannotBuildError(Exception):
    """This machine cannot do it; the message says what to change."""


def digest(parts: Iterable[bytes]) -> str:
    """A short name for content: the start of the SHA-256 over the parts, each closed by its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
        total.update(len(part).to_bytes(8, "big"))
    return total.hexdigest()[:12]


def source_files(project: Path) -> list[Path]:
    """The files that make the wheel, in a fixed order."""
    tree = sorted(path for path in (project / "app").rglob("*") if path.is_file())
    own = [f for f in tree if not any(p.startswith((".", "__pycache__")) for p in f.relative_to(project).parts)]
    return [project / "pyproject.toml", *own]


def describe(arguments: argparse.Namespace) -> None:
    """Print names: a release is the code and the lock, a wheelhouse also the Python and machine it was built for."""
    project: Path = arguments.project
    files = source_files(project)
    source = digest(part for f in files for part in (bytes(f.relative_to(project)), f.read_bytes()))
    locked = digest([arguments.lock.read_bytes(), arguments.tools.read_bytes(), ANNOY_ARGUMENTS.encode()])
    version = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    target = f"py{arguments.python}-{arguments.machine}-{arguments.cpu}-glibc{arguments.glibc}"
    names = {
        "release": f"{version}-{digest([source.encode(), locked.encode()])}",
        "project": f"project-{source}",
        "wheelhouse": f"wheelhouse-{target}-{locked}",
    }
    sys.stdout.write(json.dumps(names) + "\n")


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this recipe to its end, with its output and errors as one text."""
    return subprocess.run(  # noqa: S603  # no shell, and no argument comes from outside
        [str(part) for part in command], env=os.environ | environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def candidates(minor: str) -> list[str]:
    """Interpreters that may be the wanted Python: the PATH's, the system's, pyenv's and uv's."""
    found = [shutil.which(f"python{minor}"), f"/usr/bin/python{minor}"]
    for pattern in (f".pyenv/versions/{minor}.*", f".local/share/uv/python/cpython-{minor}.*"):
        found += [str(root / "bin" / "python3") for root in sorted(Path.home().glob(pattern), reverse=True)]
    return [path for path in dict.fromkeys(found) if path and Path(path).exists()]


def minor_of(version: str) -> str:
    """The part of a Python's version that wheels depend on: 3.13 of 3.13.5."""
    return ".".join(version.split(".")[:2])


def find_interpreter(minor: str) -> str:
    """An interpreter of that minor version with headers and pip; raises CannotBuildError with what was tried."""
    tried = []
    for path in candidates(minor):
        probe = run(path, "-c", PROBE)
        facts = json.loads(probe.stdout) if probe.returncode == 0 else None
        if facts and facts["version"].startswith(f"{minor}.") and facts["headers"] and facts["gil"]:
            return path
        tried.append(f"{path} has no {'headers' if facts else 'working pip (ensurepip)'}")
    raise CannotBuildError("; ".join(tried) or f"it has no Python {minor}")


def newer(ours: str, theirs: str) -> bool:
    """Whether dotted version `ours` is newer than `theirs`."""
    return [int(n) for n in ours.split(".")] > [int(n) for n in theirs.split(".")]


def check(arguments: argparse.Namespace) -> str:
    """The interpreter to build with; raises CannotBuildError that names everything missing, and the remedies."""
    problems, interpreter = [], ""
    ours = (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 0").split()[1]
    if platform.machine() != arguments.machine:
        problems.append(f"it is a {platform.machine()}, the target a {arguments.machine}")
    if newer(ours, arguments.glibc):
        problems.append(f"its glibc {ours} is newer than the target's {arguments.glibc}")
    try:
        interpreter = find_interpreter(minor_of(arguments.python))
    except CannotBuildError as error:
        problems.append(str(error))
    problems += [f"it has no {tool}" for tool in ("g++", "pkg-config") if not shutil.which(tool)]
    if shutil.which("pkg-config") and run("pkg-config", "--exists", "libsystemd").returncode:
        problems.append("it has no libsystemd headers")
    if problems:
        raise CannotBuildError(
            f"{platform.node()} cannot build wheels for Python {minor_of(arguments.python)}: {'; '.join(problems)}. "
            f"Install what it lacks (on Debian: apt-get install --no-install-recommends {BUILDER_PACKAGES}), "
            "or set a2a_mcp_builder to an inventory host of the target's Debian release that may have compilers."
        )
    return interpreter


def step(*command: str | Path, **environment: str) -> str:
    """Run a step of the build for its output; raises CannotBuildError with the end of what it said."""
    done = run(*command, **environment)
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line and not line.startswith("WARNING")]
        raise CannotBuildError(f"{' '.join(map(str, command[:4]))} … failed:\n" + "\n".join(said[-25:]))
    return done.stdout


def select(arguments: argparse.Namespace) -> None:
    """Print the requirements that apply to the target's exact Python, without their conditions.

    The builder's own may be another patch release, and a lock may ask for a package up to a certain one.
    """
    from packaging.markers import Marker

    for line in arguments.lock.read_text().replace("\\\n", " ").splitlines():
        requirement, _, hashes = line.partition(" --hash=")
        pin, _, condition = requirement.partition(";")
        target = {"python_full_version": arguments.python, "python_version": minor_of(arguments.python)}
        if hashes and (not condition or Marker(condition.strip()).evaluate(target)):
            sys.stdout.write(f"{pin.strip()} --hash={hashes}\n")


def build_environment(interpreter: str, tools: Path, where: Path) -> Path:
    """A virtual environment with the pinned build tools; its python."""
    step(interpreter, "-m", "venv", where)
    python = where / "bin" / "python"
    step(python, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--requirement", tools)
    return python


def pinned(wheels: Iterable[Path]) -> str:
    """Requirements that admit exactly these files."""
    lines = []
    for wheel in sorted(wheels):
        name, version = wheel.name.split("-")[:2]
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def dependencies(arguments: argparse.Namespace) -> None:
    """Download and compile the locked wheels, and archive them with their manifest and the installer."""
    interpreter = check(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        house = Path(scratch) / "house"
        house.mkdir()
        python = build_environment(interpreter, arguments.tools, Path(scratch) / "venv")
        needed = Path(scratch) / "needed.txt"
        needed.write_text(step(python, __file__, "select", "--lock", arguments.lock, "--python", arguments.python))
        step(
            python, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--require-hashes",
            "--only-binary", ":all:", "--no-binary", ",".join(COMPILED), "--wheel-dir", house,
            "--requirement", needed, ANNOY_COMPILER_ARGS=ANNOY_ARGUMENTS + ANNOY_EXTRAS[arguments.cpu],
        )  # fmt: skip
        (house / "requirements.txt").write_text(pinned(house.glob("*.whl")))
        shutil.copy(python.parent / "uv", house / "uv")
        files = sorted(house.iterdir())
        sums = "".join(f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in files)
        (house / "SHA256SUMS").write_text(sums)
        unfinished = arguments.output.with_suffix(f".{os.getpid()}")
        with tarfile.open(unfinished, "w") as archive:
            for file in [*files, house / "SHA256SUMS"]:
                archive.add(file, file.name)
        unfinished.rename(arguments.output)


def project(arguments: argparse.Namespace) -> None:
    """Build the project's wheel from a copy of its sources, so that nothing is written into the working tree."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, made = Path(scratch) / "source", Path(scratch) / "made"
        for file in [*source_files(arguments.project), arguments.project / "README.md"]:
            target = copy / file.relative_to(arguments.project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        python = build_environment(sys.executable, arguments.tools, Path(scratch) / "venv")
        step(
            python, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", made, copy,
            SOURCE_DATE_EPOCH="315532800",
        )  # fmt: skip
        (made / "requirements.txt").write_text(pinned(made.glob("*.whl")))
        unfinished = arguments.output.with_suffix(f".{os.getpid()}")
        shutil.copytree(made, unfinished)
        try:
            unfinished.rename(arguments.output)
        except OSError:  # another run was quicker; both made the same
            shutil.rmtree(unfinished)


ACTIONS = {f.__name__: f for f in (describe, check, dependencies, project, select)}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=list(ACTIONS))
    parser.add_argument("--project", type=Path, help="directory of pyproject.toml")
    parser.add_argument("--lock", type=Path, help="the locked requirements, with hashes")
    parser.add_argument("--tools", type=Path, help="the locked build tools, with hashes")
    parser.add_argument("--output", type=Path, help="where the result goes")
    parser.add_argument("--python", default=platform.python_version(), help="the target's Python, such as 3.13.5")
    parser.add_argument("--machine", default=platform.machine(), help="the target's architecture")
    parser.add_argument("--glibc", default="99", help="the target's C library version")
    parser.add_argument("--cpu", choices=sorted(ANNOY_EXTRAS), default="baseline", help="what its processor can do")
    return parser.parse_args()


def main() -> int:
    """Do the action; 1 and a message on stderr when this machine cannot."""
    arguments = parse()
    try:
        ACTIONS[arguments.action](arguments)
    except CannotBuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

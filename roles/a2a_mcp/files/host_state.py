"""What a host has installed and what runs there, as one JSON object; it reads only.

    host_state.py ROOT [UNIT...]    ROOT: the install root; UNIT: the instances that ought to run

An instance is stale when its process is older than what it was started from: its unit, its environment, its secrets
or the link to the current release. Comparing times rather than what this run changed finishes an interrupted run.
"""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ETC = Path("/etc/a2a-mcp")
SYSTEMD = Path("/etc/systemd/system")
AVX2_FLAGS = {"avx2", "fma", "f16c"}
PROPERTIES = "Id,ActiveState,NeedDaemonReload,ExecMainStartTimestampMonotonic,FragmentPath,DropInPaths"


def service_of(unit: str) -> str:
    """The service of an instance unit's name."""
    return unit.removeprefix("a2a-mcp-").split("@")[0]


def changed_at(path: Path) -> float:
    """When a file (or the link itself) was last written, 0.0 where there is none."""
    return path.lstat().st_mtime if path.is_symlink() or path.exists() else 0.0


def host() -> dict[str, str]:
    """What a wheel must fit: the interpreter's version, the architecture, its extensions, the C library."""
    flags = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")]
    avx2 = bool(flags) and set(flags[0].split()) >= AVX2_FLAGS
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": "avx2" if avx2 else "baseline",
        "glibc": (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 0").split()[1],
    }


def releases(root: Path) -> dict[str, object]:
    """The releases there are, newest first, each with the wheelhouse it came from (None: it is half-finished)."""
    found = sorted(root.glob("releases/*"), key=changed_at, reverse=True)
    marks = {path.name: path / "COMPLETE" for path in found}
    current = root / "current"
    return {
        "releases": {name: mark.read_text().strip() if mark.exists() else None for name, mark in marks.items()},
        "wheelhouses": sorted(path.name for path in root.glob("wheels/*")),
        "environments": sorted(path.name for path in ETC.glob("*.env")),
        "current": current.readlink().name if current.is_symlink() else "",
    }


def systemctl(*arguments: str) -> str:
    """What systemctl prints; nothing where systemd does not answer (a bare host in check mode)."""
    command = ["systemctl", "--no-pager", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    return done.stdout


def instances(root: Path, units: list[str]) -> dict[str, object]:
    """Which of the wanted instances are down or stale, and whether systemd has yet to read their files."""
    answer = systemctl("show", f"--property={PROPERTIES}", *units) if units else ""
    boot = time.time() - time.monotonic()
    state: dict[str, list[str]] = {"down": [], "stale": []}
    reload = False
    for block in answer.strip().split("\n\n") if answer.strip() else []:
        show = dict(line.split("=", 1) for line in block.splitlines())
        unit = show["Id"]
        reload = reload or show["NeedDaemonReload"] == "yes"
        sources = [Path(path) for path in (show["FragmentPath"] + " " + show["DropInPaths"]).split()]
        sources += [ETC / "fleet.env", ETC / f"{service_of(unit)}.env", ETC / "secrets.env", root / "current"]
        started = boot + int(show["ExecMainStartTimestampMonotonic"]) / 1e6
        if show["ActiveState"] not in ("active", "reloading"):
            state["down"].append(unit)
        elif max(map(changed_at, sources)) > started:
            state["stale"].append(unit)
    return {**state, "reload": reload}


def leftovers(units: list[str]) -> dict[str, object]:
    """Instances and services no longer wanted but still enabled, loaded or on disk; and all that failed."""
    listed = systemctl("list-units", "--all", "--plain", "--no-legend", "a2a-mcp-*@*.service").splitlines()
    loaded = {line.split()[0]: line.split()[1:3] for line in listed if line.strip()}
    # One whose file is gone can only be forgotten, not stopped or disabled.
    known = {unit for unit, (load, _) in loaded.items() if load != "not-found"}
    known |= {path.name for path in SYSTEMD.glob("*.wants/a2a-mcp-*@*.service")}
    wanted = {service_of(unit) for unit in units}
    gone = {service_of(path.name) for path in SYSTEMD.glob("a2a-mcp-*@.service")} - wanted
    targets = {name for name in (f"a2a-mcp-{service}.target" for service in gone) if (SYSTEMD / name).exists()}
    failed = sorted(unit for unit, (_, active) in loaded.items() if active == "failed")
    return {"obsolete": sorted(known - set(units) | targets), "obsolete_services": sorted(gone), "failed": failed}


def main() -> None:
    """Print the state."""
    root, units = Path(sys.argv[1]), sys.argv[2:]
    state = host() | releases(root) | instances(root, units) | leftovers(units)
    sys.stdout.write(json.dumps(state) + "\n")


main()

"""Production: the systemd units of this host, through systemctl."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.a2a.mcp.errors import ConfigurationError, UnavailableError
from app.a2a.mcp.manage.fleet import Instance

PROPERTIES = (
    "Id",
    "ActiveState",
    "SubState",
    "MainPID",
    "ActiveEnterTimestamp",
    "MemoryCurrent",
    "NRestarts",
    "StatusText",
)
TIMEOUT_SECONDS = 600.0
"""Longer than TimeoutStartSec of a whole fleet that starts at once."""

PRIVILEGE_MARKS = ("authentication", "access denied", "permission denied", "not permitted", "privileges")


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of one unit; `since` is ISO 8601 in UTC, empty while it does not run."""

    active: str
    sub: str
    pid: int
    since: str
    memory_bytes: int | None
    restarts: int
    text: str


class Units:
    """Starts, stops and describes units; `systemctl` is the program to call."""

    def __init__(self, systemctl: str = "systemctl") -> None:
        self.systemctl = systemctl

    def start(self, instances: Sequence[Instance]) -> None:
        """Start all at once; returns when each has answered its own port. Raises UnavailableError naming the failed."""
        self._act("start", instances)

    def stop(self, instances: Sequence[Instance]) -> None:
        """Stop all at once; open calls finish first."""
        self._act("stop", instances)

    def restart(self, instances: Sequence[Instance], done: Callable[[Instance], None]) -> None:
        """Restart one after another, each only when the one before answers, so that no call fails meanwhile."""
        for instance in instances:
            self._act("restart", [instance])
            done(instance)

    def states(self, instances: Sequence[Instance]) -> Mapping[str, UnitState]:
        """The state of each unit by its name."""
        names = [instance.unit for instance in instances]
        result = self._call("show", "--timestamp=unix", f"--property={','.join(PROPERTIES)}", *names)
        if result.returncode != 0:
            raise UnavailableError(f"systemctl show: {result.stderr.strip()}")
        blocks = [
            dict(line.split("=", 1) for line in b.splitlines() if "=" in line) for b in result.stdout.split("\n\n")
        ]
        return {block["Id"]: _state(block) for block in blocks if "Id" in block}

    def _act(self, verb: str, instances: Sequence[Instance]) -> None:
        units = [instance.unit for instance in instances]
        result = self._call(verb, *units)
        if result.returncode == 0:
            return
        words = result.stderr.strip()
        if any(mark in words.lower() for mark in PRIVILEGE_MARKS):
            raise ConfigurationError(f"only root may {verb} units: run the command with sudo")
        failed = [name for name, state in self.states(instances).items() if state.active != "active"]
        look = f"journalctl -u {failed[0]} -n 30" if failed else "journalctl -n 30"
        raise UnavailableError(f"systemctl {verb} failed ({words or result.returncode}); the reason: `{look}`")

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self.systemctl, "--no-pager", "--no-ask-password", *arguments]
        try:
            return subprocess.run(  # noqa: S603 - a fixed verb and unit names from the registry
                command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
            )
        except FileNotFoundError:
            raise ConfigurationError(f"{self.systemctl} is not installed: this host has no systemd") from None
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"systemctl {arguments[0]} took longer than {TIMEOUT_SECONDS:g} s") from None


def _state(block: Mapping[str, str]) -> UnitState:
    memory = block.get("MemoryCurrent", "")
    return UnitState(
        active=block.get("ActiveState", "unknown"),
        sub=block.get("SubState", ""),
        pid=int(block.get("MainPID", "0")),
        since=_instant(block.get("ActiveEnterTimestamp", "")) if block.get("ActiveState") == "active" else "",
        # Without accounting systemd says [not set], or the largest 64-bit number.
        memory_bytes=int(memory) if memory.isdigit() and int(memory) < 2**63 else None,
        restarts=int(block.get("NRestarts", "0") or 0),
        text=block.get("StatusText", ""),
    )


def _instant(text: str) -> str:
    """A time of `--timestamp=unix`, such as @1795359600."""
    seconds = text.removeprefix("@")
    return datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds") if seconds.isdigit() else ""

"""Child processes of development: who they are on record, and how to signal exactly them.

A record names a process by pid, start time and boot, so that a pid that was given to another process is never
signalled. Signals go through a pidfd (Linux 5.3), which stays with one process whatever happens to its number.
"""

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from app.a2a.mcp.errors import ConflictError
from app.a2a.mcp.manage.fleet import Instance

LOG_LIMIT_BYTES = 16 * 1024 * 1024
"""A log larger than this at a start becomes `<service>.log.1`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process and no other: `ticks` is its start in clock ticks since the boot named `boot`."""

    pid: int
    ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The living process of that number; None where there is none, or only its remains."""
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except (OSError, ValueError):
            return None
        # proc_pid_stat(5): field 3 is the state, field 22 the start time.
        return None if state in "ZX" else cls(pid, int(fields[18]), boot)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Identity.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class Record:
    """A started server and the command line that watches over it."""

    service: str
    port: int
    process: Identity
    supervisor: Identity


class ProcessTable:
    """The records of one state directory, one file a service."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "processes"
        self.logs = directory / "logs"

    def running(self, service: str) -> Record | None:
        """The record of a server that runs; what an ended one left behind is removed."""
        path = self._path(service)
        try:
            data = json.loads(path.read_text())
            process, supervisor = Identity(**data["process"]), Identity(**data["supervisor"])
            record = Record(data["service"], data["port"], process, supervisor)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None
        if record.process.alive:
            return record
        path.unlink(missing_ok=True)
        return None

    def write(self, record: Record) -> None:
        """Put the record in place at once, never half."""
        draft = self._path(record.service).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(record)))
        draft.replace(self._path(record.service))

    def forget(self, record: Record) -> None:
        """Remove the record if it still is the one in place."""
        path = self._path(record.service)
        with suppress(OSError, ValueError, KeyError):
            if json.loads(path.read_text())["process"] == asdict(record.process):
                path.unlink()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Only one command line at a time looks for free ports and starts servers; raises ConflictError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.directory / "starting.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError("another start is under way: wait for it, then see `status`") from None
            yield

    def log_file(self, service: str) -> Path:
        """Where the server's output goes."""
        return self.logs / f"{service}.log"

    def ask_restart(self, service: str) -> None:
        """Leave word for the supervisor that the server is to be started again once it has stopped."""
        (self.directory / f"{service}.restart").touch()

    def restart_asked(self, service: str) -> bool:
        """Whether such word was left; reading it takes it away."""
        try:
            (self.directory / f"{service}.restart").unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, service: str) -> Path:
        return self.directory / f"{service}.json"


def launch(
    instance: Instance, script: Path, home: Path, state: Path, log: Path, verbose: bool
) -> subprocess.Popen[bytes]:
    """Start one server in the folder `home`, its output appended to `log`, in a session of its own.

    Its own session keeps the terminal's Ctrl-C from it: the supervisor stops it in order.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    told = {
        "MCP_ENVIRONMENT": "development",
        "MCP_SERVICE": instance.service.name,
        "MCP_PORT": str(instance.port),
        "MCP_STATE_DIRECTORY": str(state / instance.service.name),
    } | ({"MCP_LOG_LEVEL": "DEBUG"} if verbose else {})
    # env(1) adds to the environment without this program reading it, and becomes the server: the pid stays.
    command = ["/usr/bin/env", *(f"{name}={value}" for name, value in told.items()), sys.executable, str(script)]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            command,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop_process(identity: Identity, seconds: float) -> bool:
    """Ask the process to end and wait; it is killed after `seconds`. Returns whether it ended by itself."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    with closing(_Descriptor(descriptor)):
        # Checked after opening: from here on the descriptor can only mean the process that is checked.
        if not identity.alive:
            return True
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if _ended(descriptor, seconds):
            return True
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        _ended(descriptor, 5.0)
        return False


class _Descriptor:
    """A file descriptor that `closing` can close."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        os.close(self.number)


def _ended(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))

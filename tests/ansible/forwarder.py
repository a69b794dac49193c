"""The edge's log forwarder as systemd starts it: a real process with a datagram socket handed over."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT

PROGRAM = ROOT / "roles" / "a2a_edge_log" / "files" / "edge_log.py"
PATIENCE_SECONDS = 30.0
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_FDS'] = '1'; os.execv(sys.argv[2], sys.argv[2:])"
)


class Forwarder:
    """A running forwarder; `directory` holds its metrics, the journal it sends to and, unless named, its socket."""

    def __init__(self, directory: Path, queue: int = 20000, address: Path | None = None) -> None:
        self.directory = directory
        self.queue = queue
        self.path = address or directory / "log"
        self.address = str(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.path.chmod(0o666)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Forwarder":
        """Start the process on the socket, which stays open between two."""
        options = ["--queue", str(self.queue), "--journal", str(self.directory / "journal")]
        options += ["--metrics", str(self.directory / "lines.prom")]
        command = [sys.executable, "-I", "-c", START, str(self.socket.fileno())]
        command += [sys.executable, "-I", str(PROGRAM), *options]
        self.process = subprocess.Popen(command, pass_fds=[self.socket.fileno()])
        return self

    def counts(self) -> dict[str, int]:
        """What it has told of itself, when it stopped or within ten seconds."""
        lines = (self.directory / "lines.prom").read_text().splitlines()
        pairs = [line.split() for line in lines if not line.startswith("#")]
        return {name.removeprefix("a2a_edge_log_lines_").removesuffix("_total"): int(value) for name, value in pairs}

    def pause(self) -> None:
        """Hang it, as a busy machine does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def cpu_seconds(self) -> float:
        """Processor time it has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self) -> int:
        """Memory it holds."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def stop(self) -> int:
        """SIGTERM, as systemd does; the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return status

    def close(self) -> None:
        """Leave nothing."""
        self.stop()
        self.socket.close()


def send(address: str, lines: list[bytes]) -> None:
    """As nginx does, but waiting for room."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE_SECONDS)
        sender.connect(address)
        for line in lines:
            sender.send(line)

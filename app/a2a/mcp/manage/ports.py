"""Who listens on a port of this host, read from /proc as lsof does."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"
"""The state TCP_LISTEN in /proc/net/tcp (Linux include/net/tcp_states.h)."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process behind a listening socket."""

    pid: int
    command: str


def is_busy(host: str, port: int) -> bool:
    """Whether a server could not bind the port now; connections in TIME_WAIT do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def owner_of(port: int, proc: Path = Path("/proc")) -> Owner | None:
    """The process that listens on the port, or None where nobody does or it is not ours to see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    if not sockets:
        return None
    for process in proc.iterdir():
        if process.name.isdigit() and sockets & _open_files(process):
            return Owner(int(process.name), _command(process))
    return None


def busy_sentence(port: int, owner: Owner | None) -> str:
    """Who has the port and what to do about it."""
    if owner is None:
        return f"port {port} is taken by a process of another user: `sudo lsof -i :{port}` names it"
    return (
        f"port {port} is taken by {owner.command} (pid {owner.pid}): end it with `kill {owner.pid}` and start again; "
        f"`lsof -i :{port}` shows it too"
    )


def _listening_inodes(port: int, proc: Path) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(fields[9])
    return inodes


def _open_files(process: Path) -> set[str]:
    links = set()
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                links.add(str(link.readlink()))
    return links


def _command(process: Path) -> str:
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(word for word in words if word)[:120]
    return "a process that just ended"

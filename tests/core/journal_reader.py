"""A journald of the test's own: a real datagram socket whose records are parsed back from the native protocol."""

import socket
from pathlib import Path


class JournalReader:
    """Receives what a sender writes to `path`; `backlog` records wait in it, as many as the kernel allows."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(5)

    def read(self) -> dict[str, str]:
        """The next record; fails after five seconds without one."""
        return parse(self.socket.recv(1 << 20))

    def read_all(self) -> list[bytes]:
        """Every datagram that waits now."""
        self.socket.setblocking(False)
        datagrams = []
        try:
            while True:
                datagrams.append(self.socket.recv(1 << 20))
        except BlockingIOError:
            return datagrams
        finally:
            self.socket.settimeout(5)

    def close(self) -> None:
        """Close the socket and remove its path, as a stopped journald does."""
        self.socket.close()
        Path(self.path).unlink(missing_ok=True)


def parse(datagram: bytes) -> dict[str, str]:
    """The fields of one record, from both forms of the native protocol."""
    fields, rest = {}, datagram
    while rest:
        line, _, rest = rest.partition(b"\n")
        name, separator, value = line.partition(b"=")
        if not separator:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        fields[name.decode()] = value.decode()
    return fields

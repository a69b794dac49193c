"""journald's native protocol over a datagram socket that never blocks.

systemd-python's own sender waits, GIL held, for a journal that does not read; every thread then stands still and the
watchdog kills a healthy process. This one drops the record and counts it; for a record of the audit trail it tries
again for a few milliseconds first.
"""

import errno
import logging
import os
import socket
import sys
import time
from typing import Any

import orjson
from systemd.journal import JournalHandler

JOURNAL_SOCKET = "/run/systemd/journal/socket"

STANDARD_FIELDS = frozenset(
    {"PRIORITY", "LOGGER", "THREAD_NAME", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "SYSLOG_IDENTIFIER"}
)
"""What JournalHandler adds and we keep; its CODE_ARGS and EXCEPTION_INFO could quote a caller."""

MESSAGE_LIMIT = 4096
"""Characters of a message repeated when the whole record was too large for a datagram."""

AUDIT_FIELD = "AUDIT_DECISION"
"""Its presence makes a record one of the audit trail."""

PATIENCE_SECONDS = 0.005
PAUSE_SECONDS = 0.0005
IMPATIENCE_SECONDS = 0.1
"""After PATIENCE_SECONDS in vain nobody waits for so long: a journal that hangs may cost 5 % of the loop's time."""


class DropCount:
    """How many records this process could not log; exported as a2a_mcp_log_records_dropped_total."""

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        """One more record is lost."""
        self.value += 1


dropped = DropCount()


class JournalSender:
    """The `sender_function` of JournalHandler: sends `fields` (and the standard ones), ignores every other keyword."""

    def __init__(self, fields: frozenset[str], path: str = JOURNAL_SOCKET, drops: DropCount = dropped) -> None:
        self.fields = fields | STANDARD_FIELDS
        self.path = path
        self.drops = drops
        # Unconnected: each datagram looks the path up again, so a restarted journald is found.
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.setblocking(False)
        self.impatient_until = 0.0

    def __call__(self, message: str, **fields: Any) -> None:
        """Send one record; a full, absent or frozen journal costs the record, and an audit record up to 5 ms."""
        kept = {name: value for name, value in fields.items() if name in self.fields and value is not None}
        data = encode({"MESSAGE": message, **kept})
        try:
            self.socket.sendto(data, self.path)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                self._send_shortened(message, kept)
            elif AUDIT_FIELD not in kept or not self._sent_late(data):
                self.drops.add()

    def _sent_late(self, data: bytes) -> bool:
        """Whether the journal took it within PATIENCE_SECONDS: a flood is over in less, a stop of journald is not."""
        now = time.monotonic()
        if now < self.impatient_until:
            return False
        while time.monotonic() - now < PATIENCE_SECONDS - PAUSE_SECONDS:
            time.sleep(PAUSE_SECONDS)
            try:
                self.socket.sendto(data, self.path)
            except OSError:
                continue
            return True
        self.impatient_until = time.monotonic() + IMPATIENCE_SECONDS
        return False

    def _send_shortened(self, message: str, fields: dict[str, Any]) -> None:
        fields.pop("EXCEPTION", None)
        short = {
            "message": "the record was too large for the journal",
            "bytes": len(message.encode()),
            "correlation_id": fields.get("CORRELATION_ID"),
            "beginning": message[:MESSAGE_LIMIT],
        }
        try:
            self.socket.sendto(encode({"MESSAGE": orjson.dumps(short).decode(), **fields}), self.path)
        except OSError:
            self.drops.add()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def encode(fields: dict[str, Any]) -> bytes:
    """The wire form of one record.

    `NAME=value` lines; a value with a line feed goes as name, little-endian 64-bit length, bytes
    (systemd, "Native Journal Protocol").
    """
    lines, blocks = [], []
    for name, value in fields.items():
        text = str(value)
        if "\n" in text:
            data = text.encode("utf-8", "replace")
            blocks.append(name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            lines.append(f"{name}={text}\n")
    return "".join(lines).encode("utf-8", "replace") + b"".join(blocks)


class NativeHandler(JournalHandler):
    """JournalHandler whose own failures are counted instead of printed: the print would quote the arguments."""

    def __init__(self, sender: JournalSender, identifier: str) -> None:
        super().__init__(sender_function=sender, SYSLOG_IDENTIFIER=identifier)  # type: ignore[no-untyped-call]
        self.sender = sender

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Count the record as lost."""
        dropped.add()

    def close(self) -> None:
        """Close the sender too."""
        self.sender.close()
        super().close()


class StderrHandler(logging.Handler):
    """Lines on stderr, whatever stderr is by then; a failure is counted instead of printed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, TypeError):
            dropped.add()


def notify(address: str, state: str) -> bool:
    """Send `state` (`READY=1\\nSTATUS=…`) to systemd's notification socket without waiting; whether it was taken.

    sd_notify(3); a leading `@` is the abstract namespace. A socket per call keeps it safe across fork.
    """
    target = "\0" + address[1:] if address.startswith("@") else os.fspath(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(state.encode(), target)
        except OSError:
            return False
    return True

"""Makes journal records with fields of nginx's access log, so that `journalctl CORRELATION_ID=…` finds the edge too.

nginx speaks syslog only, of which journald reads nothing but priority and tag. This takes nginx's datagrams from the
socket that systemd hands over, and sends each as a native record. It needs nothing but Python's standard library.

It waits for nobody: nginx never waits for it either (a full socket costs the line), and a journal that does not read
fills a bounded queue here. What did not fit is counted, told in the unit's status, in the journal and as metrics.

Nor does one client's flood of refusals push everybody else's lines out of the journal: each has a budget of them, and
what is beyond it is counted and told.
"""

import argparse
import collections
import contextlib
import errno
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator

JOURNAL = "/run/systemd/journal/socket"
IDENTIFIER = "nginx_a2a"
FIRST_DESCRIPTOR = 3
"""Where systemd's handed-over sockets begin: sd_listen_fds(3)."""

DATAGRAM_BYTES = 65536
BURST = 256
"""Datagrams taken before the journal gets its turn, so that neither side starves."""

REPORT_SECONDS = 10.0

MOST_CLIENTS = 10000
"""Clients whose budgets are kept, 3 MiB; the one that was refused longest ago is forgotten first."""

MOST_TOLD = 10
"""Clients named in one report; the rest share a record."""

FIELDS = {
    "CORRELATION_ID": "correlation_id",
    "TRACE_ID": "trace_id",
    "MCP_SERVICE": "service",
    "CLIENT_ADDRESS": "client",
    "HTTP_METHOD": "method",
    "HTTP_PATH": "path",
    "HTTP_HOST": "host",
    "STATUS": "status",
    "BYTES_RECEIVED": "bytes_received",
    "BYTES_SENT": "bytes_sent",
    "UPSTREAM_ADDRESS": "upstream_addr",
    "UPSTREAM_STATUS": "upstream_status",
    "MCP_METHOD": "mcp_method",
    "MCP_TOOL": "mcp_name",
    "MCP_PROTOCOL": "mcp_version",
}
"""Journal field → key of nginx's line; the names are those of the servers' records."""

COUNTS = {
    "received": "Lines that nginx sent",
    "forwarded": "Lines that the journal took",
    "dropped": "Lines lost because the journal did not read while the queue was full",
    "suppressed": "Lines of refusals left out because their client caused too many",
    "malformed": "Lines that are no access log's; they are forwarded as they are",
}


def record(datagram: bytes) -> tuple[bytes, dict | None]:
    """The native record of a syslog datagram, and what it says, or None where it is no access log's.

    The form is `NAME=value` lines (systemd, "Native Journal Protocol"); JSON has no raw line feeds, and where the text
    is none they become blanks.
    """
    start = datagram.find(b"{")
    text = datagram[start:] if start >= 0 else datagram
    message = text.decode("utf-8", "replace").replace("\n", " ")
    lines = [f"MESSAGE={message}", "PRIORITY=6", f"SYSLOG_IDENTIFIER={IDENTIFIER}"]
    try:
        line = json.loads(message)
        seconds = line["request_time"]
        lines += [f"{name}={value}" for name, key in FIELDS.items() if (value := line.get(key)) not in (None, "", "-")]
        lines.append(f"DURATION_MS={seconds * 1000:g}")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ("\n".join(lines[:3]) + "\n").encode(), None
    # A value with a line feed would begin a field of the caller's own; none survives nginx's escaping, but see to it.
    return "".join(entry.replace("\n", " ") + "\n" for entry in lines).encode("utf-8", "replace"), line


def client_of(line: dict) -> str | None:
    """Whose refusal (4xx) a line tells, None for any other line; an IPv6 client owns a whole /64."""
    status, address = line.get("status"), str(line.get("client"))
    if not isinstance(status, int) or not 400 <= status < 500:
        return None
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except OSError:
        return address
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"


class Refusals:
    """Which refusals are forwarded: of each client `burst`, and then `rate` a second."""

    def __init__(self, burst: int, rate: float) -> None:
        self.burst = burst
        self.rate = rate
        # Client → what is left to it, as of a time, and how many lines were left out since that was told.
        self.clients: collections.OrderedDict[str, list[float]] = collections.OrderedDict()
        self.forgotten = 0.0

    def takes(self, client: str, now: float) -> bool:
        """Whether one more line of the client goes to the journal; `now` is in monotonic seconds."""
        bucket = self.clients.setdefault(client, [float(self.burst), now, 0.0])
        self.clients.move_to_end(client)
        if len(self.clients) > MOST_CLIENTS:
            self.forgotten += self.clients.popitem(last=False)[1][2]
        bucket[0], bucket[1] = min(self.burst, bucket[0] + (now - bucket[1]) * self.rate), now
        if bucket[0] >= 1:
            bucket[0] -= 1
            return True
        bucket[2] += 1
        return False

    def untold(self) -> Iterator[bytes]:
        """A record for each client of which lines were left out since the last time, those with the most first."""
        silent = sorted(((bucket[2], client) for client, bucket in self.clients.items() if bucket[2]), reverse=True)
        for number, client in silent[:MOST_TOLD]:
            yield suppressed(int(number), f"client {client}", f"CLIENT_ADDRESS={client}\n")
        rest, self.forgotten = self.forgotten + sum(number for number, _ in silent[MOST_TOLD:]), 0.0
        if rest:
            yield suppressed(int(rest), "other clients")
        for _, client in silent:
            self.clients[client][2] = 0.0


def suppressed(number: int, whose: str, field: str = "") -> bytes:
    """The record that stands for so many lines."""
    words = f"MESSAGE={number} refusals of {whose} were not logged\n"
    return f"{words}PRIORITY=6\nSYSLOG_IDENTIFIER=a2a-edge-log\nSUPPRESSED={number}\n{field}".encode()


class Journal:
    """The sending side: connected, so that it can be polled, and connected anew when journald has restarted."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket: socket.socket | None = None

    def send(self, data: bytes) -> bool:
        """Whether the journal took it; it never waits. Raises ValueError for what no journal takes."""
        try:
            if self.socket is None:
                self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self.socket.setblocking(False)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
                self.socket.connect(self.path)
            self.socket.send(data)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise ValueError("too large") from error
            self.close()
            return False
        return True

    def close(self) -> None:
        """Forget the connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Forwarder:
    """One loop: take what nginx sent, give the journal what it takes, report every REPORT_SECONDS."""

    def __init__(
        self,
        source: socket.socket,
        journal: Journal,
        most: int,
        refusals: Refusals,
        report: Callable[[dict[str, int]], None],
    ) -> None:
        self.source = source
        self.journal = journal
        self.most = most
        self.refusals = refusals
        self.report = report
        self.queue: collections.deque[bytes] = collections.deque()
        self.counts = dict.fromkeys(COUNTS, 0)
        self.told_dropped = 0
        self.stopping = False

    def stop(self, *_: object) -> None:
        """End after what waits in the socket has been taken; a signal handler."""
        self.stopping = True

    def run(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Until `stop`."""
        due = clock()
        while not self.stopping:
            if clock() >= due:
                self.tell()
                due = clock() + REPORT_SECONDS
            self.wait(max(0.0, due - clock()))
            self.take()
            self.give()
        while self.take():
            self.give()
        self.give()
        self.tell()

    def wait(self, seconds: float) -> None:
        """Until there is something to take, or room to give what waits."""
        poll = select.poll()
        poll.register(self.source, select.POLLIN)
        if self.queue and self.journal.socket is not None:
            poll.register(self.journal.socket, select.POLLOUT)
        # A journal that is gone cannot be polled: try again in a moment.
        gone = bool(self.queue) and self.journal.socket is None
        with contextlib.suppress(InterruptedError):
            poll.poll(1000 * min(seconds, 0.2) if gone else 1000 * seconds)

    def take(self) -> bool:
        """Queue what nginx has sent, BURST lines at most; whether there was something."""
        for number in range(BURST):
            try:
                datagram = self.source.recv(DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                return number > 0
            self.counts["received"] += 1
            data, line = record(datagram)
            client = client_of(line) if line is not None else None
            if client is not None and not self.refusals.takes(client, time.monotonic()):
                self.counts["suppressed"] += 1
            elif len(self.queue) >= self.most:
                self.counts["dropped"] += 1
            else:
                self.counts["malformed"] += line is None
                self.queue.append(data)
        return True

    def give(self) -> None:
        """Send what waits, as far as the journal takes it."""
        while self.queue:
            try:
                if not self.journal.send(self.queue[0]):
                    return
                self.counts["forwarded"] += 1
            except ValueError:
                self.counts["dropped"] += 1
            self.queue.popleft()

    def tell(self) -> None:
        """Report the counts, and what is newly lost or left out to the journal too."""
        for words in self.refusals.untold():
            self.journal.send(words)
        lost = self.counts["dropped"] - self.told_dropped
        if lost:
            self.told_dropped = self.counts["dropped"]
            words = f"MESSAGE=the journal did not read: {lost} lines of the edge's access log are lost"
            self.journal.send(f"{words}\nPRIORITY=4\nSYSLOG_IDENTIFIER=a2a-edge-log\nDROPPED={lost}\n".encode())
        self.report(dict(self.counts))


def notify(state: str) -> None:
    """Tell systemd, where it listens: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        target = "\0" + address[1:] if address.startswith("@") else address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        with socket.socket(socket.AF_UNIX, kind) as sender, contextlib.suppress(OSError):
            sender.sendto(state.encode(), target)


def exposition(counts: dict[str, int]) -> Iterator[str]:
    """The counts as node_exporter's textfile collector reads them."""
    for name, meaning in COUNTS.items():
        yield f"# HELP a2a_edge_log_lines_{name}_total {meaning}\n"
        yield f"# TYPE a2a_edge_log_lines_{name}_total counter\n"
        yield f"a2a_edge_log_lines_{name}_total {counts[name]}\n"


def reporter(metrics: str) -> Callable[[dict[str, int]], None]:
    """Feeds the watchdog, and writes the counts to the unit's status and, where named, to a file of metrics."""

    def report(counts: dict[str, int]) -> None:
        summary = ", ".join(f"{counts[name]} {name}" for name in COUNTS)
        notify(f"READY=1\nWATCHDOG=1\nSTATUS={summary}")
        if not metrics:
            return
        # A full or missing directory must not end the log.
        with contextlib.suppress(OSError):
            draft = f"{metrics}.{os.getpid()}"
            with open(draft, "w", encoding="utf-8") as file:  # noqa: PTH123 - the edge's Python, no pathlib to load
                file.writelines(exposition(counts))
            os.replace(draft, metrics)  # noqa: PTH105

    return report


def main() -> None:
    """Serve the socket that systemd handed over."""
    parser = argparse.ArgumentParser(description="Forward nginx's access log to the journal, as fields.")
    parser.add_argument("--queue", type=int, default=20000, help="lines that may wait for the journal")
    parser.add_argument("--refusals-burst", type=int, default=100, help="refusals of a client forwarded one by one")
    parser.add_argument("--refusals-per-second", type=float, default=1.0, help="how fast that budget grows again")
    parser.add_argument("--metrics", default="", help="file for node_exporter's textfile collector")
    parser.add_argument("--journal", default=JOURNAL, help="journald's native socket")
    options = parser.parse_args()
    if os.environ.get("LISTEN_FDS") != "1":
        raise SystemExit("a2a-edge-log: systemd must hand over one socket; start it by its socket unit")
    source = socket.socket(fileno=FIRST_DESCRIPTOR)
    source.setblocking(False)
    refusals = Refusals(options.refusals_burst, options.refusals_per_second)
    forwarder = Forwarder(source, Journal(options.journal), options.queue, refusals, reporter(options.metrics))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forwarder.stop)
    forwarder.run()


if __name__ == "__main__":
    main()

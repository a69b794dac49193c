"""The edge's log becomes records with fields, and neither nginx nor the forwarder ever waits for the other end."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.core.journal_reader import JournalReader
from tests.fleet import until

from .conftest import Evaluate
from .edge import HOST, Edge, running_edge
from .forwarder import PROGRAM, Forwarder, send

LINE = {
    "time": "2026-11-22T15:00:00+00:00", "correlation_id": "edge-1234", "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "service": "one", "client": "192.0.2.7", "host": "fleet.test", "protocol": "HTTP/2.0", "tls": "TLSv1.3",
    "method": "POST", "path": "/one/mcp", "status": 200, "bytes_received": 310, "bytes_sent": 512,
    "request_time": 0.012, "upstream_addr": "127.0.0.1:1025", "upstream_status": "200",
    "upstream_response_time": "0.011", "mcp_method": "tools/call", "mcp_name": "add", "mcp_version": "2026-07-28",
}  # fmt: skip
BURST = 100
SNI = {"sni_hostname": HOST}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

DRAIN = """
import socket, sys
journal = socket.socket(fileno=int(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    journal.recv(65536)
"""


def datagram(**changes: Any) -> bytes:
    """A line as nginx's syslog sends it."""
    return b"<190>Nov 22 15:00:00 nginx_a2a: " + json.dumps(LINE | changes).encode()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalReader]:
    reader = JournalReader(tmp_path / "journal")
    yield reader
    reader.close()


@pytest.fixture
def forwarder(tmp_path: Path) -> Iterator[Forwarder]:
    forwarder = Forwarder(tmp_path)
    yield forwarder
    forwarder.close()


def test_a_line_becomes_a_record_with_the_servers_field_names(forwarder: Forwarder, journal: JournalReader) -> None:
    forwarder.start()
    send(forwarder.address, [datagram()])
    record = journal.read()
    assert json.loads(record.pop("MESSAGE")) == LINE
    assert record == {
        "PRIORITY": "6", "SYSLOG_IDENTIFIER": "nginx_a2a", "CORRELATION_ID": "edge-1234",
        "TRACE_ID": LINE["trace_id"], "MCP_SERVICE": "one", "MCP_METHOD": "tools/call", "MCP_TOOL": "add",
        "MCP_PROTOCOL": "2026-07-28", "CLIENT_ADDRESS": "192.0.2.7", "HTTP_METHOD": "POST", "HTTP_PATH": "/one/mcp",
        "HTTP_HOST": "fleet.test", "STATUS": "200", "DURATION_MS": "12", "BYTES_RECEIVED": "310",
        "BYTES_SENT": "512", "UPSTREAM_ADDRESS": "127.0.0.1:1025", "UPSTREAM_STATUS": "200",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad", [b"", b"<190>nonsense", b"<190>x: {not json}", b"{}", b"<190>x: [1]", b'{"request_time":"x"}', b"\xff\xfe{"]
)
def test_a_line_that_is_no_access_log_is_forwarded_as_it_is(
    forwarder: Forwarder, journal: JournalReader, bad: bytes
) -> None:
    forwarder.start()
    send(forwarder.address, [bad, datagram()])
    assert set(journal.read()) == {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"}
    assert journal.read()["CORRELATION_ID"] == "edge-1234"
    assert forwarder.stop() == 0
    assert forwarder.counts() == {"received": 2, "forwarded": 2, "dropped": 0, "suppressed": 0, "malformed": 1}


def test_no_value_begins_a_field_of_its_own(forwarder: Forwarder, journal: JournalReader) -> None:
    forwarder.start()
    send(forwarder.address, [datagram(path="/one\nPRIORITY=0\n_UID=0"), b"<190>raw\nMCP_SERVICE=forged"])
    forged, raw = journal.read(), journal.read()
    assert (forged["PRIORITY"], forged["HTTP_PATH"]) == ("6", "/one PRIORITY=0 _UID=0")
    assert "_UID" not in forged and "MCP_SERVICE" not in raw


def test_lines_wait_for_a_journal_that_restarts_and_come_in_order(forwarder: Forwarder, tmp_path: Path) -> None:
    forwarder.start()
    send(forwarder.address, [datagram(correlation_id=f"edge-{n}") for n in range(100)])
    reader = JournalReader(tmp_path / "journal")
    assert [reader.read()["CORRELATION_ID"] for _ in range(100)] == [f"edge-{n}" for n in range(100)]
    reader.close()
    send(forwarder.address, [datagram(correlation_id="edge-after")])
    reader = JournalReader(tmp_path / "journal")
    assert reader.read()["CORRELATION_ID"] == "edge-after"
    reader.close()


def test_what_a_full_queue_cannot_hold_is_dropped_counted_and_told(tmp_path: Path) -> None:
    forwarder = Forwarder(tmp_path, queue=50).start()
    send(forwarder.address, [datagram(correlation_id=f"edge-{n}") for n in range(80)])
    journal = JournalReader(tmp_path / "journal")
    assert [journal.read()["CORRELATION_ID"] for _ in range(50)][-1] == "edge-49"
    forwarder.close()
    assert forwarder.counts() == {"received": 80, "forwarded": 50, "dropped": 30, "suppressed": 0, "malformed": 0}
    told = journal.read()
    assert (told["DROPPED"], told["PRIORITY"]) == ("30", "4")
    journal.close()


def refusals(number: int, first: int = 0, **changes: Any) -> list[bytes]:
    return [
        datagram(**{"correlation_id": f"edge-{n:08}", "status": 429, **changes}) for n in range(first, first + number)
    ]


def up_to(journal: JournalReader, correlation_id: str) -> list[dict[str, str]]:
    """The records until that one, which is among them."""
    records = [journal.read()]
    while records[-1].get("CORRELATION_ID") != correlation_id:
        records.append(journal.read())
    return records


def test_a_flood_of_refusals_is_cut_counted_and_told_and_every_other_line_comes_through(tmp_path: Path) -> None:
    forwarder, journal = Forwarder(tmp_path).start(), JournalReader(tmp_path / "journal")
    others = [datagram(client="192.0.2.8"), datagram(status=502), *refusals(1, client="192.0.2.9", status=403)]
    send(forwarder.address, [*refusals(BURST + 400, first=1), *others])
    lines = up_to(journal, "edge-00000000")
    forwarder.close()
    counts, told = forwarder.counts(), journal.read()
    journal.close()
    # Its budget grows by one a second, and the test takes a few.
    assert 300 < counts["suppressed"] <= 400
    assert counts["forwarded"] == BURST + 400 + 3 - counts["suppressed"]
    assert len(lines) == counts["forwarded"]
    assert [line["STATUS"] for line in lines[-3:]] == ["200", "502", "403"]
    assert (told["SYSLOG_IDENTIFIER"], told["CLIENT_ADDRESS"]) == ("a2a-edge-log", "192.0.2.7")
    assert told["SUPPRESSED"] == str(counts["suppressed"])
    assert told["MESSAGE"] == f"{counts['suppressed']} refusals of client 192.0.2.7 were not logged"


def test_an_ipv6_client_has_one_budget_whatever_address_of_its_network_it_takes(tmp_path: Path) -> None:
    forwarder, journal = Forwarder(tmp_path).start(), JournalReader(tmp_path / "journal")
    for number in range(BURST + 50):
        send(forwarder.address, refusals(1, first=2, client=f"2001:db8:0:7::{number:x}"))
    send(forwarder.address, [*refusals(1, client="2001:db8:0:8::1"), *refusals(1, first=1, client="unix:")])
    lines = up_to(journal, "edge-00000001")
    forwarder.close()
    told = journal.read()
    journal.close()
    assert told["CLIENT_ADDRESS"] == "2001:db8:0:7::/64"
    assert [line["CLIENT_ADDRESS"] for line in lines[-2:]] == ["2001:db8:0:8::1", "unix:"]


def test_a_flood_from_very_many_addresses_costs_bounded_memory(tmp_path: Path) -> None:
    forwarder, journal = Forwarder(tmp_path, queue=10).start(), JournalReader(tmp_path / "journal")
    send(forwarder.address, refusals(1))
    until(journal.read_all, 30, "the first line does not come")
    before = forwarder.resident_kib()
    for number in range(15000):
        send(forwarder.address, refusals(1, client=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
        journal.read_all()
    until(lambda: not journal.read_all(), 30, "the lines do not end")
    grown = forwarder.resident_kib() - before
    forwarder.close()
    journal.close()
    assert grown < 16 * 1024, f"{grown} KiB more"


def test_a_restart_loses_nothing_that_nginx_sent_meanwhile(forwarder: Forwarder, journal: JournalReader) -> None:
    forwarder.start()
    send(forwarder.address, [datagram(correlation_id="edge-before")])
    assert journal.read()["CORRELATION_ID"] == "edge-before"
    assert forwarder.stop() == 0
    send(forwarder.address, [datagram(correlation_id="edge-between")])
    forwarder.start()
    assert journal.read()["CORRELATION_ID"] == "edge-between"


def test_started_without_a_socket_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM)], env={}, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1 and "start it by its socket unit" in done.stderr


def test_several_thousand_lines_a_second_take_a_fraction_of_a_core(tmp_path: Path) -> None:
    number = 20000
    forwarder = Forwarder(tmp_path).start()
    journal = JournalReader(tmp_path / "journal")
    journal.socket.setblocking(True)
    descriptor = journal.socket.fileno()
    command = [sys.executable, "-c", DRAIN, str(descriptor), str(number)]
    with subprocess.Popen(command, pass_fds=[descriptor]) as reader:
        send(forwarder.address, [datagram(correlation_id=f"edge-{n:08}") for n in range(number)])
        assert reader.wait(60) == 0
    used = forwarder.cpu_seconds()
    forwarder.close()
    journal.close()
    assert forwarder.counts()["forwarded"] == number
    assert used / number < 200e-6, f"{used / number * 1e6:.0f} us a line: 5000 lines a second would take a core"


@pytest.fixture
def open_forwarder(tmp_path: Path) -> Iterator[Forwarder]:
    """A forwarder whose socket nginx's unprivileged workers reach; pytest's directories are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        forwarder = Forwarder(tmp_path, address=directory / "log")
        yield forwarder
        forwarder.close()


def test_nginx_serves_on_while_the_log_is_gone_and_its_lines_come_again(
    evaluate: Evaluate, tmp_path: Path, open_forwarder: Forwarder, journal: JournalReader
) -> None:
    forwarder = open_forwarder.start()
    unlimited = {"a2a_nginx_requests_per_second": 0, "a2a_nginx_connections_per_client": 0}
    with running_edge(evaluate, tmp_path, access_log=forwarder.address, **unlimited) as edge:
        call(edge, "edge-while-well")
        record = read_until(journal, "edge-while-well")
        assert (record["STATUS"], record["MCP_SERVICE"], record["TRACE_ID"]) == ("200", "one", LINE["trace_id"])
        assert float(record["DURATION_MS"]) >= 0
        forwarder.pause()
        for number in range(40):
            call(edge, f"edge-while-hung-{number}")
        forwarder.close()
        forwarder.path.unlink()
        for number in range(5):
            call(edge, f"edge-while-gone-{number}")
        again = Forwarder(tmp_path, address=forwarder.path).start()
        try:
            call(edge, "edge-notices")
            call(edge, "edge-well-again")
            read_until(journal, "edge-well-again")
        finally:
            again.close()


def test_a_flood_of_refusals_at_nginx_leaves_its_budget_and_another_address_keeps_its_own(
    evaluate: Evaluate, tmp_path: Path, open_forwarder: Forwarder, journal: JournalReader
) -> None:
    forwarder, number = open_forwarder.start(), BURST + 300
    unlimited = {"a2a_nginx_requests_per_second": 0, "a2a_nginx_connections_per_client": 0}
    with running_edge(evaluate, tmp_path, access_log=forwarder.address, **unlimited) as edge:
        began = time.monotonic()
        with visiting(edge, "127.0.0.1") as flooding, visiting(edge, "127.0.0.2") as other:
            assert {flooding.get("/nobody", extensions=SNI).status_code for _ in range(number)} == {404}
            assert other.get("/nobody", headers={"X-Request-ID": "edge-other"}, extensions=SNI).status_code == 404
        records = up_to(journal, "edge-other")
    flooded = [record for record in records if record.get("CLIENT_ADDRESS") == "127.0.0.1"]
    logged = [record for record in flooded if "SUPPRESSED" not in record]
    assert BURST <= len(logged) <= BURST + 1 + time.monotonic() - began
    assert records[-1]["CLIENT_ADDRESS"] == "127.0.0.2"
    assert forwarder.stop() == 0
    counts = forwarder.counts()
    assert counts["suppressed"] > 0
    assert counts["received"] == counts["forwarded"] + counts["suppressed"]


@contextmanager
def visiting(edge: Edge, address: str) -> Iterator[httpx.Client]:
    """A client that comes from an address of its own and keeps its connection."""
    transport = httpx.HTTPTransport(verify=edge.trust, local_address=address)
    url = f"https://127.0.0.1:{edge.port}"
    with httpx.Client(transport=transport, base_url=url, headers={"Host": HOST}, timeout=10) as client:
        yield client


def call(edge: Edge, correlation_id: str) -> None:
    """One call that must be answered, whatever becomes of its line."""
    headers = {"X-Request-ID": correlation_id, "traceparent": TRACE}
    assert edge.call("POST", "/one/mcp", content=b"{}", headers=headers).status_code == 200


def read_until(journal: JournalReader, correlation_id: str) -> dict[str, str]:
    """The record of that call; those before it are passed over."""
    while (record := journal.read()).get("CORRELATION_ID") != correlation_id:
        pass
    return record

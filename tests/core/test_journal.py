"""The journal's sender: it speaks the native protocol, and nothing the journal does can make it wait."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.core.journal import DropCount, JournalSender, NativeHandler, dropped, encode, notify
from tests.core.journal_reader import JournalReader, parse

FIELDS = frozenset({"CORRELATION_ID", "EXCEPTION", "AUDIT_DECISION"})


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[JournalReader]:
    reader = JournalReader(tmp_path / "journal.sock")
    yield reader
    reader.close()


@pytest.fixture
def drops() -> DropCount:
    return DropCount()


@pytest.fixture
def sender(reader: JournalReader, drops: DropCount) -> Iterator[JournalSender]:
    sender = JournalSender(FIELDS, reader.path, drops)
    yield sender
    sender.close()


def test_a_record_arrives_with_its_fields(reader: JournalReader, sender: JournalSender) -> None:
    sender("hello", CORRELATION_ID="abc", PRIORITY="6")
    assert reader.read() == {"MESSAGE": "hello", "CORRELATION_ID": "abc", "PRIORITY": "6"}


def test_fields_nobody_named_are_not_sent(reader: JournalReader, sender: JournalSender) -> None:
    sender("hello", CODE_ARGS="('secret',)", args=("secret",), msg="secret", EXCEPTION_INFO="secret")
    assert reader.read() == {"MESSAGE": "hello"}


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        min_size=1,
    )
)
def test_every_field_is_read_back_as_it_was_written(fields: dict[str, str]) -> None:
    assert parse(encode(fields)) == fields


def test_a_journal_that_does_not_read_costs_records_and_no_time(
    reader: JournalReader, sender: JournalSender, drops: DropCount
) -> None:
    started = time.monotonic()
    for number in range(20_000):
        sender(f"record {number}")
    assert time.monotonic() - started < 10
    received = len(reader.read_all())
    assert received > 0
    assert drops.value == 20_000 - received


def test_records_arrive_again_when_the_journal_reads_again(reader: JournalReader, sender: JournalSender) -> None:
    while not sender.drops.value:
        sender("filling")
    reader.read_all()
    sender("afterwards")
    assert reader.read()["MESSAGE"] == "afterwards"


def test_an_absent_journal_is_counted_and_found_when_it_returns(
    reader: JournalReader, sender: JournalSender, drops: DropCount
) -> None:
    reader.close()
    sender("lost")
    assert drops.value == 1
    returned = JournalReader(Path(reader.path))
    sender("found")
    assert returned.read()["MESSAGE"] == "found"
    returned.close()


def test_a_record_too_large_for_a_datagram_is_shortened_and_stays_json(
    reader: JournalReader, sender: JournalSender, drops: DropCount
) -> None:
    sender(json.dumps({"message": "x" * 2_000_000}), CORRELATION_ID="abc", EXCEPTION="y" * 1000)
    record = reader.read()
    assert record["CORRELATION_ID"] == "abc"
    assert "EXCEPTION" not in record
    assert json.loads(record["MESSAGE"])["correlation_id"] == "abc"
    assert json.loads(record["MESSAGE"])["bytes"] > 2_000_000
    assert drops.value == 0


def test_a_record_that_cannot_even_be_shortened_is_counted(sender: JournalSender, drops: DropCount) -> None:
    sender("short", CORRELATION_ID="z" * 2_000_000)
    assert drops.value == 1


def test_a_handler_that_fails_counts_the_record_and_prints_nothing(
    sender: JournalSender, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dropped.value
    record = logging.LogRecord("x", logging.INFO, "file.py", 1, "%d items", ("a secret",), None)
    NativeHandler(sender, "test").handle(record)
    assert dropped.value == before + 1
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("abstract", [False, True])
def test_a_notification_reaches_the_socket_systemd_names(tmp_path: Path, abstract: bool) -> None:
    address = f"@a2a-test-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        systemd.settimeout(5)
        assert notify(address, "READY=1\nSTATUS=fine")
        assert systemd.recv(100) == b"READY=1\nSTATUS=fine"


def test_a_notification_nobody_hears_is_told_to_the_caller(tmp_path: Path) -> None:
    assert not notify(str(tmp_path / "absent"), "READY=1")


def filled(reader: JournalReader, sender: JournalSender) -> JournalReader:
    """A journal that takes nothing more until it reads."""
    while not sender.drops.value:
        sender("filling")
    return reader


def test_an_audit_record_is_sent_again_when_the_journal_reads_in_time(
    reader: JournalReader, sender: JournalSender, drops: DropCount, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(reader, sender)
    pauses: list[float] = []

    def journal_reads(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            reader.read_all()

    monkeypatch.setattr("app.a2a.mcp.core.journal.time.sleep", journal_reads)
    before = drops.value
    sender("kept", AUDIT_DECISION="allowed")
    assert reader.read() == {"MESSAGE": "kept", "AUDIT_DECISION": "allowed"}
    assert (len(pauses), drops.value) == (3, before)


def test_an_audit_record_that_finds_no_room_costs_milliseconds_and_is_counted(
    reader: JournalReader, sender: JournalSender, drops: DropCount, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(reader, sender)
    now, before = [0.0], drops.value
    monkeypatch.setattr("app.a2a.mcp.core.journal.time.monotonic", lambda: now[0])
    monkeypatch.setattr("app.a2a.mcp.core.journal.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    sender("lost", AUDIT_DECISION="allowed")
    waited = now[0]
    assert 0 < waited <= 0.005
    for _ in range(100):
        sender("lost too", AUDIT_DECISION="allowed")
    assert now[0] == waited, "a journal that hangs is not waited for at each record"
    now[0] += 1
    sender("and again", AUDIT_DECISION="allowed")
    assert now[0] - waited - 1 > 0
    assert drops.value == before + 102

"""Log lines: the journal's and the files', filtered, merged and followed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.errors import InvalidArgumentError, UnavailableError
from app.a2a.mcp.manage.logs import (
    LogFile,
    Query,
    file_entries,
    journal_entries,
    make_query,
    parse_journal,
    parse_line,
    parse_since,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def journal_line(message: str, **fields: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1795359600000000", "MESSAGE": message, "PRIORITY": "6", **fields})


def log_line(message: str, at: datetime = NOW, correlation_id: str = "") -> str:
    return json.dumps(
        {"timestamp": at.isoformat(), "level": "INFO", "message": message, "correlation_id": correlation_id}
    )


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_since_takes_durations(text: str, seconds: int) -> None:
    assert parse_since(text, lambda: NOW) == NOW - timedelta(seconds=seconds)


def test_since_takes_a_time() -> None:
    assert parse_since("2026-11-22T14:00:00+00:00") == NOW - timedelta(hours=1)


@given(st.text())
def test_since_refuses_what_is_no_time_in_a_sentence(text: str) -> None:
    try:
        parse_since(text)
    except InvalidArgumentError as error:
        assert "10m, 2h, 1d" in error.message


@given(st.text())
def test_any_line_of_a_server_can_be_shown(text: str) -> None:
    assert parse_line(text, "apples").service == "apples"


def test_correlation_id_that_no_server_makes_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        make_query(["apples"], "x --help", None, False, 10)


def test_journal_record_of_a_server_is_read_from_its_json() -> None:
    message = log_line("call finished", correlation_id="abc")
    entry = parse_journal(journal_line(message, MCP_SERVICE="apples", SYSLOG_IDENTIFIER="a2a-mcp-apples"))
    assert entry and (entry.service, entry.message, entry.correlation_id) == ("apples", "call finished", "abc")


def test_journal_record_of_systemd_is_read_as_text() -> None:
    entry = parse_journal(journal_line("Started it.", SYSLOG_IDENTIFIER="systemd", PRIORITY="3"))
    assert entry and (entry.service, entry.level, entry.message) == ("systemd", "ERROR", "Started it.")


def test_journal_record_of_the_edge_is_one_line_of_its_request() -> None:
    message = json.dumps({"correlation_id": "abc", "method": "POST", "path": "/apples/mcp", "status": 200})
    entry = parse_journal(journal_line(message, SYSLOG_IDENTIFIER="nginx_a2a"))
    assert entry and (entry.service, entry.message, entry.correlation_id) == ("edge", "POST /apples/mcp 200", "abc")


def test_journal_record_without_text_is_passed_over() -> None:
    assert parse_journal(json.dumps({"__REALTIME_TIMESTAMP": "1", "MESSAGE": [1, 2]})) is None


def test_journalctl_is_asked_for_one_id_at_servers_and_edge(tmp_path: Path) -> None:
    edge = json.dumps({"correlation_id": "abc", "method": "POST", "path": "/apples/mcp", "status": 200})
    (tmp_path / "out").write_text(
        "\n".join(
            [
                journal_line(log_line("done", correlation_id="abc"), MCP_SERVICE="apples"),
                journal_line(edge, SYSLOG_IDENTIFIER="nginx_a2a", MCP_SERVICE="apples"),
            ]
        )
    )
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/call\ncat {tmp_path}/out\n')
    program.chmod(0o755)
    entries = list(journal_entries(Query(["apples"], correlation_id="abc"), str(program)))
    assert [(entry.service, entry.message) for entry in entries] == [
        ("apples", "done"),
        ("edge", "POST /apples/mcp 200"),
    ]
    assert (tmp_path / "call").read_text().endswith(" --all CORRELATION_ID=abc\n")


def test_lines_below_the_level_asked_for_are_left_out(tmp_path: Path) -> None:
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/call\n')
    program.chmod(0o755)
    assert list(journal_entries(make_query(["apples"], None, None, False, 10, "warning"), str(program))) == []
    assert " --priority=4 " in (tmp_path / "call").read_text()
    lines = [log_line("well"), log_line("bad").replace("INFO", "ERROR"), "no json at all"]
    (tmp_path / "apples").write_text("\n".join(lines) + "\n")
    query = make_query(["apples"], None, None, False, 10, "WARNING")
    assert [entry.message for entry in file_entries(query, lambda name: tmp_path / name)] == ["bad"]


def test_the_audit_trail_is_asked_for_by_its_field_and_of_files_by_its_key(tmp_path: Path) -> None:
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/call\n')
    program.chmod(0o755)
    query = make_query(["apples"], None, None, False, 10, audit=True)
    assert list(journal_entries(query, str(program))) == []
    asked = (tmp_path / "call").read_text()
    assert asked.endswith("--unit=a2a-mcp-apples@*.service AUDIT_DECISION=allowed AUDIT_DECISION=denied\n")
    denied = log_line("tools/call erase 403").replace("{", '{"audit_decision": "denied", "client_id": "ann", ', 1)
    (tmp_path / "apples").write_text(f"{log_line('other')}\n{denied}\n")
    (entry,) = file_entries(query, lambda name: tmp_path / name)
    assert (entry.message, entry.fields["client_id"]) == ("tools/call erase 403", "ann")


def test_a_level_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidArgumentError, match="CRITICAL, ERROR, WARNING, INFO, DEBUG"):
        make_query(["apples"], None, None, False, 10, "loud")


def test_missing_or_failing_journalctl_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="keeps no journal"):
        list(journal_entries(Query(["apples"]), str(tmp_path / "journalctl")))
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\nexit 4\n")
    program.chmod(0o755)
    with pytest.raises(UnavailableError, match="ended with status 4"):
        list(journal_entries(Query(["apples"]), str(program)))


def test_files_are_merged_in_time_and_cut_to_the_last_lines(tmp_path: Path) -> None:
    for name, offset in (("apples", 0), ("pears", 1)):
        lines = [log_line(f"{name} {n}", NOW + timedelta(seconds=2 * n + offset)) for n in range(3)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    query = Query(["apples", "pears"], lines=3)
    assert [entry.message for entry in file_entries(query, lambda name: tmp_path / name)] == [
        "pears 1",
        "apples 2",
        "pears 2",
    ]


def test_growing_log_is_read_line_by_line_and_anew_after_it_was_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    log = LogFile(path, "apples", at_end=True)
    with path.open("a") as file:
        file.write("first\nhalf")
    assert [entry.message for entry in log.new_entries()] == ["first"]
    with path.open("a") as file:
        file.write(" and half\n")
    assert [entry.message for entry in log.new_entries()] == ["half and half"]
    path.write_text("new\n")
    assert [entry.message for entry in log.new_entries()] == ["new"]
    assert log.last_words().startswith("new (log: ")

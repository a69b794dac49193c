"""Every line of the process is one JSON record with the request's fields, and no line carries a secret."""

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.core.journal import dropped
from app.a2a.mcp.core.logs import JournalLogger, Redactor, configure_logging
from app.a2a.mcp.core.request import Caller, RequestInfo, current_request
from app.a2a.mcp.core.settings import Settings
from tests.core.journal_reader import JournalReader

KEY = "reader-key-of-more-than-32-characters"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(
        api_keys=(f"{KEY}:ann:read", "sha256$00ff:bob:read"),
        redis_password="redis-password",
        mcp_service="vector_similarity",
        mcp_port=4444,
    )


@pytest.fixture
def lines(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Lines:
    configure_logging(settings)
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def request_info() -> Iterator[RequestInfo]:
    info = RequestInfo("correlation-1", 0.0, mcp_method="tools/call", tool="add")
    info.caller = Caller("ann", frozenset({"read"}), "api_key")
    token = current_request.set(info)
    yield info
    current_request.reset(token)


@pytest.fixture
def journal(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JournalReader]:
    reader = JournalReader(tmp_path / "journal.sock")
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    handler = configure_logging(settings, reader.path)
    yield reader
    handler.close()
    reader.close()


def test_outside_systemd_a_record_is_one_line_of_json_on_stderr(lines: Lines) -> None:
    logging.getLogger("app.test").info("hello %s", "there")
    (line,) = lines()
    assert line["message"] == "hello there"
    assert (line["level"], line["logger"]) == ("INFO", "app.test")
    assert (line["service"], line["instance"]) == ("vector_similarity", "4444")
    assert line["timestamp"].endswith("+00:00")


@pytest.mark.parametrize("name", ["app.x", "gunicorn.error", "uvicorn.error", "mcp.server", "asyncio", "redis"])
def test_a_line_logged_during_a_request_carries_its_fields_whoever_logs_it(
    lines: Lines, request_info: RequestInfo, name: str
) -> None:
    logging.getLogger(name).warning("a line")
    (line,) = lines()
    fields = {"correlation_id": "correlation-1", "mcp_method": "tools/call", "tool": "add", "client_id": "ann"}
    assert fields.items() <= line.items()


def test_fields_of_a_log_call_are_keys_of_the_record(lines: Lines) -> None:
    logging.getLogger("app.x").info("done", extra={"STATUS": 200, "DURATION_MS": 1.5, "OUTCOME": "ok"})
    (line,) = lines()
    assert (line["status"], line["duration_ms"], line["outcome"]) == (200, 1.5, "ok")


def test_an_exception_is_a_field_of_the_same_line(lines: Lines) -> None:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("app.x").exception("it failed")
    (line,) = lines()
    assert "test_logs.py" in line["exception"]
    assert line["exception"].rstrip().endswith("builtins.ValueError: what went wrong")


def test_inside_a_request_a_traceback_names_types_and_places_and_quotes_nobody(
    lines: Lines, request_info: RequestInfo
) -> None:
    try:
        try:
            {}["the caller's word"]
        except KeyError as error:
            raise ExceptionGroup("the caller's word", [ValueError("the caller's word")]) from error
    except ExceptionGroup:
        logging.getLogger("app.x").exception("it failed")
    (line,) = lines()
    assert {"builtins.KeyError", "builtins.ExceptionGroup", "builtins.ValueError"} <= set(line["exception"].split("\n"))
    assert not any(row.startswith("builtins") and "word" in row for row in line["exception"].split("\n"))


def test_a_cycle_of_causes_ends(lines: Lines) -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    logging.getLogger("app.x").error("it failed", exc_info=first)
    (line,) = lines()
    assert line["exception"].count("ValueError") == 2


def test_inside_a_request_a_library_is_quoted_by_its_template_or_its_place(
    lines: Lines, request_info: RequestInfo
) -> None:
    logging.getLogger("mcp.server").warning("cannot read %r", "the caller's word")
    logging.getLogger("mcp.server").warning("cannot read the caller's word")
    first, second = lines()
    assert first["message"] == "cannot read %r"
    assert second["message"].startswith("test_logs:")
    assert "word" not in second["message"]


def test_libraries_that_speak_for_each_request_are_heard_from_warning_on(lines: Lines) -> None:
    logging.getLogger("mcp.server.streamable_http").info("Terminating session")
    logging.getLogger("httpx").info("HTTP Request")
    assert lines() == []


def test_python_warnings_become_records(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", UserWarning, stacklevel=1)
    assert "old thing" in lines()[0]["message"]


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {JWT}",
        f"authorization='Bearer {KEY}x'",
        f"x-api-key: {KEY}x",
        f'{{"X-API-Key": "{KEY}x"}}',
        f"token={JWT}",
        f"the token {JWT} came",
        f"password = {KEY}x",
        f"redis://user:{KEY}x@host:6379/0",
        f"Basic {KEY}x",
        f"client_secret: {KEY}x",
    ],
)
def test_whatever_has_the_shape_of_a_credential_is_redacted(text: str) -> None:
    cleaned = Redactor()(text)
    assert KEY not in cleaned
    assert JWT not in cleaned
    assert "[redacted]" in cleaned


def test_ordinary_text_is_left_alone() -> None:
    for text in ("tools/call add 200", "Listening at: http://127.0.0.1:4711 (12)", "the token has expired"):
        assert Redactor()(text) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_configured_secret_never_leaves_whatever_surrounds_it(before: str, after: str) -> None:
    assert KEY not in Redactor([KEY])(before + KEY + after)


def test_every_secret_of_the_settings_is_redacted_in_every_field(lines: Lines, settings: Settings) -> None:
    secrets = [settings.jwt_secret_key, *settings.mcp_request_state_keys, KEY, "redis-password"]
    for secret in secrets:
        logging.getLogger("app.x").info("message %s", secret, extra={"MCP_TOOL": secret, "CORRELATION_ID": secret})
        try:
            raise ValueError(secret)
        except ValueError:
            logging.getLogger("app.x").exception("failed")
    text = json.dumps(lines())
    assert not [secret for secret in secrets if secret in text]
    assert text.count("[redacted]") == 4 * len(secrets)


def test_a_long_message_and_traceback_are_cut_and_the_record_stays_json(lines: Lines) -> None:
    try:
        raise ValueError("x" * 100_000 + "the end")
    except ValueError:
        logging.getLogger("app.x").exception("y" * 100_000)
    (line,) = lines()
    assert len(line["message"]) == 8192
    assert len(line["exception"]) == 16384
    assert line["exception"].rstrip().endswith("the end")


def test_under_systemd_the_journal_gets_native_fields_and_the_json_record_as_message(
    journal: JournalReader, request_info: RequestInfo
) -> None:
    logging.getLogger("app.x").error("done", extra={"STATUS": 500, "DURATION_MS": 1.5})
    record = journal.read()
    expected = {
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "a2a-mcp-vector_similarity",
        "LOGGER": "app.x",
        "CORRELATION_ID": "correlation-1",
        "MCP_SERVICE": "vector_similarity",
        "MCP_INSTANCE": "4444",
        "MCP_METHOD": "tools/call",
        "MCP_TOOL": "add",
        "CLIENT_ID": "ann",
        "STATUS": "500",
        "DURATION_MS": "1.5",
    }
    assert expected.items() <= record.items()
    message = json.loads(record["MESSAGE"])
    assert (message["correlation_id"], message["level"], message["message"]) == ("correlation-1", "ERROR", "done")


def test_under_systemd_a_traceback_is_one_record_with_a_field_of_many_lines(journal: JournalReader) -> None:
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("app.x").exception("it failed")
    record = journal.read()
    assert "\n" not in record["MESSAGE"]
    assert record["EXCEPTION"].count("\n") > 2
    assert not {"EXCEPTION_TEXT", "EXCEPTION_INFO", "CODE_ARGS"} & record.keys()


def test_a_frozen_journal_does_not_stop_the_process(journal: JournalReader) -> None:
    before = dropped.value
    for number in range(5_000):
        logging.getLogger("app.x").info("line %d", number)
    assert dropped.value - before == 5_000 - len(journal.read_all())


def test_a_closed_stderr_is_counted_and_nothing_is_printed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure_logging(settings)
    with (tmp_path / "closed").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
    before = dropped.value
    logging.getLogger("app.x").info("nobody hears")
    assert dropped.value == before + 1


def test_configuring_again_replaces_the_handler(settings: Settings, lines: Lines) -> None:
    configure_logging(settings)
    logging.getLogger("app.x").info("once")
    assert len(lines()) == 1


def test_gunicorn_logs_through_the_same_handler_and_its_access_log_has_none(lines: Lines) -> None:
    logger = JournalLogger(SimpleNamespace(errorlog="-", accesslog=None))
    logger.setup(SimpleNamespace(errorlog="-", accesslog=None))
    logger.info("Listening at: %s", "somewhere")
    logger.access_log.info("GET / 200")
    assert [line["message"] for line in lines()] == ["Listening at: somewhere"]
    assert logger.access_log.handlers == []
    assert not logger.access_log_enabled

"""Each call with a caller leaves one record that says who, what, decided how, ended how: and nothing of the values."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.a2a.mcp.core import audit
from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.audit import AUDIT_LOGGER, ArgumentDigest
from app.a2a.mcp.core.large import LARGE_BYTES
from app.a2a.mcp.core.logs import configure_logging
from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.sample import SERVICE, build

READER = "reader-key-of-more-than-32-characters"
WRITER = "writer-key-of-more-than-32-characters"
SECRET = "the-signing-secret-of-more-than-32-characters"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
Serve = Callable[..., Any]


@pytest.fixture
def serve(make_settings: Callable[..., Settings]) -> Serve:
    """`with serve(setting=…) as client`: the sample server, with a key that reads and one that writes too."""

    @contextmanager
    def serving(**changes: Any) -> Iterator[TestClient]:
        settings = make_settings(
            api_keys=(f"{READER}:ann:read", f"{WRITER}:bob:read,write"),
            **{"jwt_secret_key": SECRET, "rate_limit_requests": 1000, "mcp_service": SERVICE.name, **changes},
        )
        with TestClient(create_app(build(), settings)) as client:
            yield client

    return serving


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The audit trail so far."""
    caplog.set_level(logging.INFO)
    return lambda: [vars(record) for record in caplog.records if hasattr(record, "AUDIT_DECISION")]


def post(client: TestClient, body: bytes, credential: str, path: str = "/mcp") -> int:
    headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    headers |= {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    return int(client.post(path, content=body, headers=headers).status_code)


def tool_call(tool: str, arguments: bytes) -> bytes:
    head = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":' % tool.encode()
    return head + arguments + b"}}"


def token(**changes: Any) -> str:
    """A token for the client `eve`, as a fleet of such settings signs it."""
    settings = Settings(**{"jwt_secret_key": SECRET, "mcp_service": SERVICE.name, **changes})
    return build_runtime(SERVICE, settings).authenticator.mint("eve", ["read"], 60, jti="eves-token")


def test_a_call_leaves_one_record_and_no_value_of_its_arguments(serve: Serve, records: Any) -> None:
    with serve() as client:
        assert post(client, tool_call("crash", b'{"secret":"hunter2"}'), READER) == 200
    (record,) = records()
    assert (record["name"], record["AUDIT_DECISION"], record["OUTCOME"]) == (AUDIT_LOGGER, "allowed", "internal")
    assert record["DURATION_MS"] > 0
    assert len(record["ARGUMENTS_DIGEST"]) == 32
    assert "hunter2" not in str(record)


def test_every_outcome_of_a_call_is_on_the_trail_and_a_listing_is_not(serve: Serve, records: Any) -> None:
    with serve() as client:
        for tool, arguments in (("add", b'{"a":1}'), ("add", b'{"a":"x"}'), ("no_such_tool", b"{}"), ("who", b"{}")):
            post(client, tool_call(tool, arguments), READER)
        post(client, b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}', READER)
    assert [record["OUTCOME"] for record in records()] == ["ok", "invalid_argument", "protocol_error", "ok"]
    assert {record["AUDIT_DECISION"] for record in records()} == {"allowed"}


def test_a_call_beyond_the_permission_is_denied_with_its_digest(serve: Serve, records: Any) -> None:
    with serve() as client:
        assert post(client, tool_call("erase", b'{"name":"x"}'), READER) == 403
    (record,) = records()
    assert (record["AUDIT_DECISION"], record["ERROR_CODE"]) == ("denied", "permission_denied")
    assert record["ARGUMENTS_DIGEST"] == ArgumentDigest(SECRET)({"name": "x"})


def test_a_call_beyond_the_budget_is_denied(serve: Serve, records: Any) -> None:
    with serve(rate_limit_requests=1) as client:
        statuses = [post(client, tool_call("add", b'{"a":1}'), READER) for _ in range(2)]
    assert statuses == [200, 429]
    assert [record["AUDIT_DECISION"] for record in records()] == ["allowed", "denied"]


def test_a_genuine_token_for_another_audience_is_denied_and_names_its_client(serve: Serve, lines: Any) -> None:
    with serve() as client:
        lines()
        assert post(client, b"{}", token(jwt_audience="elsewhere")) == 401
        assert post(client, b"{}", token(jwt_secret_key="another-secret-of-more-than-32-characters")) == 401
    (record,) = (line for line in lines() if "audit_decision" in line)
    assert (record["client_id"], record["audit_decision"], record["status"]) == ("eve", "denied", 401)


def test_closing_breakers_is_on_the_trail_either_way(serve: Serve, records: Any) -> None:
    with serve() as client:
        assert post(client, b"{}", WRITER, "/circuit-breakers/reset") == 200
        assert post(client, b"{}", READER, "/circuit-breakers/reset") == 403
    assert [record["AUDIT_DECISION"] for record in records()] == ["allowed", "denied"]


@pytest.fixture
def lines(make_settings: Any, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the process logs by its own configuration, at the least talkative level."""
    root, trail = logging.getLogger(), logging.getLogger(AUDIT_LOGGER)
    before = list(root.handlers), root.level, trail.level
    configure_logging(make_settings(mcp_service=SERVICE.name, mcp_port=SERVICE.port, mcp_log_level="ERROR"))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    trail.setLevel(before[2])
    logging.captureWarnings(False)


def test_the_trail_is_written_whatever_the_log_level(serve: Serve, lines: Any) -> None:
    with serve() as client:
        lines()
        post(client, tool_call("add", b'{"a":1}'), READER)
        client.get("/mcp")
    (record,) = lines()
    assert (record["client_id"], record["tool"], record["audit_decision"]) == ("ann", "add", "allowed")
    assert {"outcome", "duration_ms", "arguments_digest", "correlation_id"} <= record.keys()


def test_the_order_of_keys_and_the_spelling_of_a_message_change_no_digest(serve: Serve, records: Any) -> None:
    with serve() as client:
        for arguments in (b'{"a":1,"b":2}', b'{ "b": 2, "a": 1 }', b'{"\\u0061":1,"b":2}', b'{"a":1,"b":3}'):
            post(client, tool_call("add", arguments), READER)
    first, *others, different = (record["ARGUMENTS_DIGEST"] for record in records())
    assert others == [first, first] and different != first


def test_large_arguments_have_the_same_digest_computed_off_the_loop(
    serve: Serve, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    digest = ArgumentDigest.__call__

    def noting(self: ArgumentDigest, arguments: object) -> str:
        threads.append(threading.current_thread().name)
        return digest(self, arguments)

    monkeypatch.setattr(audit.ArgumentDigest, "__call__", noting)
    large = {"secret": "x" * LARGE_BYTES}
    with serve() as client:
        assert post(client, tool_call("crash", orjson.dumps(large)), READER) == 200
        post(client, tool_call("add", b'{"a":1}'), READER)
    assert records()[0]["ARGUMENTS_DIGEST"] == ArgumentDigest(SECRET)(large)
    assert threads[0] != threads[1]


@given(JSON)
def test_a_digest_depends_on_the_value_and_not_on_its_order(value: Any) -> None:
    def reversed_keys(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: reversed_keys(node[key]) for key in reversed(node)}
        return [reversed_keys(item) for item in node] if isinstance(node, list) else node

    digest = ArgumentDigest(SECRET)
    assert digest({"v": value}) == ArgumentDigest(SECRET)({"v": reversed_keys(value)})
    assert digest({"v": value}) != digest({"v": [value]})


def test_another_secret_makes_another_digest_and_no_secret_a_random_one() -> None:
    digests = [ArgumentDigest(secret)({"a": 1}) for secret in (SECRET, SECRET + "x", "", "")]
    assert len(set(digests)) == 4


def test_no_arguments_are_the_empty_object() -> None:
    digest = ArgumentDigest(SECRET)
    assert digest(None) == digest({}) != digest([])

"""A secret is sent through every door of a server, and everything the server wrote is searched for it."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.logs import configure_logging
from app.a2a.mcp.core.settings import Settings
from tests.core.journal_reader import JournalReader, parse
from tests.core.sample import SERVICE, build

MARK = "s3cr3t-0f-the-c4ller"
KEY = "writer-key-of-more-than-32-characters"
SIGNING = "signing-secret-of-more-than-32-characters"
STATE_KEY = "state-secret-of-more-than-32-characters"
REDIS_PASSWORD = "redis-secret-of-more-than-32-characters"
SECRETS = (MARK, KEY, SIGNING, STATE_KEY, REDIS_PASSWORD)
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": MARK, "version": MARK},
}
Written = Callable[[], str]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JournalReader]:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    reader = JournalReader(tmp_path / "journal.sock")
    yield reader
    reader.close()


@pytest.fixture
def client(make_settings: Callable[..., Settings], journal: JournalReader) -> Iterator[TestClient]:
    settings = make_settings(
        api_keys=(f"{KEY}:bob:read,write",),
        jwt_secret_key=SIGNING,
        mcp_request_state_keys=(STATE_KEY,),
        redis_url="redis://127.0.0.1:1/0",
        redis_password=REDIS_PASSWORD,
        rate_limit_requests=100_000,
        mcp_log_level="DEBUG",
        mcp_service=SERVICE.name,
        mcp_port=SERVICE.port,
    )
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    handler = configure_logging(settings, journal.path)
    with TestClient(create_app(build(), settings), raise_server_exceptions=False) as client:
        yield client
    handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def written(client: TestClient, journal: JournalReader, capfd: pytest.CaptureFixture[str]) -> Written:
    """Everything written so far: the journal as text, both streams and the metrics page; asserts that lines exist."""

    def written() -> str:
        records = [parse(datagram) for datagram in journal.read_all()]
        assert records
        assert all(json.loads(record["MESSAGE"]) for record in records)
        streams = "".join(capfd.readouterr())
        page = client.get("/metrics", headers={"authorization": f"Bearer {KEY}"}).text
        assert page.startswith("# HELP")
        return json.dumps(records, ensure_ascii=False) + streams + page

    return written


def post(client: TestClient, body: Any, **headers: str) -> Any:
    sent = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {KEY}",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/mcp", content=body if isinstance(body, bytes) else json.dumps(body), headers=sent)


def rpc(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": MARK, "method": method, "params": params}


MODERN = {"mcp_protocol_version": "2026-07-28"}
CREDENTIALS = [
    {"authorization": f"Bearer {MARK}"},
    {"authorization": f"Basic {MARK}"},
    {"authorization": MARK},
    {"authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.{MARK}"},
    {"x_api_key": MARK},
    {"x_api_key": KEY[:-1]},
]
BODIES = [
    rpc("tools/call", name="crash", arguments={"secret": MARK}),
    rpc("tools/call", name="erase", arguments={"name": MARK}),
    rpc("tools/call", name="add", arguments={"a": MARK}),
    rpc("tools/call", name="add", arguments={"a": 1, MARK: MARK}),
    rpc("tools/call", name=MARK, arguments={}),
    rpc("tools/call", name="add", arguments=MARK),
    rpc("resources/read", uri=f"sample://items/{MARK}"),
    rpc("resources/read", uri=MARK),
    rpc("prompts/get", name=MARK),
    rpc("prompts/get", name="advise", arguments={"topic": MARK}),
    rpc("prompts/get", name="advise", arguments={MARK: MARK}),
    rpc("completion/complete", ref={"type": "ref/prompt", "name": MARK}, argument={"name": MARK, "value": MARK}),
    rpc("logging/setLevel", level=MARK),
    rpc("initialize", protocolVersion=MARK, capabilities={}, clientInfo={"name": MARK, "version": MARK}),
    rpc(MARK, value=MARK),
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": MARK}},
    {"jsonrpc": MARK, "id": 1, "method": MARK},
    [rpc("ping"), MARK],
    f'{{"broken": "{MARK}'.encode(),
    MARK.encode() * 1000,
]


@pytest.mark.parametrize("headers", CREDENTIALS)
def test_no_credential_is_written(client: TestClient, written: Written, headers: dict[str, str]) -> None:
    assert post(client, rpc("tools/list"), **({"authorization": ""} | headers)).status_code == 401
    assert not [secret for secret in SECRETS if secret in written()]


@pytest.mark.parametrize("era", [{}, {"mcp_protocol_version": "2025-11-25"}, MODERN])
def test_no_word_of_a_request_is_written(client: TestClient, written: Written, era: dict[str, str]) -> None:
    for body in BODIES:
        headers = dict(era)
        if era is MODERN and isinstance(body, dict) and isinstance(body.get("params"), dict):
            body = body | {"params": body["params"] | {"_meta": META}}
            headers |= {"mcp_method": str(body["method"]), "mcp_name": str(body["params"].get("name", ""))}
        post(client, body, **headers)
    text = written()
    assert not [secret for secret in SECRETS if secret in text]
    assert "tool crash failed" in text


def test_no_header_path_or_query_is_written(client: TestClient, written: Written) -> None:
    doors = ("x_forwarded_for", "traceparent", "origin", "user_agent", "referer", "cookie", "mcp_session_id")
    for door in (*doors, "mcp_protocol_version", "mcp_method", "mcp_name", "last_event_id", "content_type", "accept"):
        post(client, rpc("tools/list"), **{door: f"{MARK} {MARK}"})
    post(client, rpc("tools/list"), x_request_id=f"{MARK} is not well formed")
    for method, path in [("GET", f"/{MARK}"), ("POST", f"/mcp/{MARK}"), ("GET", f"/livez?key={MARK}"), ("PUT", "/mcp")]:
        client.request(method, path, headers={"authorization": f"Bearer {KEY}"})
    reset = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    for body in ({"name": MARK}, {MARK: MARK}, MARK):
        client.post("/circuit-breakers/reset", content=json.dumps(body), headers=reset)
    assert not [secret for secret in SECRETS if secret in written()]


def test_a_key_sent_as_a_request_id_is_not_written(client: TestClient, written: Written) -> None:
    post(client, rpc("tools/list"), x_request_id=KEY)
    text = written()
    assert KEY not in text
    assert '"CORRELATION_ID": "[redacted]"' in text


def test_a_failure_of_ours_is_written_with_its_place_and_id(client: TestClient, journal: JournalReader) -> None:
    post(client, rpc("tools/call", name="crash", arguments={"secret": MARK}), x_request_id="edge-1234")
    records = [parse(datagram) for datagram in journal.read_all()]
    failures = [r for r in records if "EXCEPTION" in r and r.get("CORRELATION_ID") == "edge-1234"]
    assert len(failures) == 1
    assert failures[0]["MCP_TOOL"] == "crash"
    assert "sample.py" in failures[0]["EXCEPTION"]
    assert failures[0]["EXCEPTION"].rstrip().endswith("builtins.RuntimeError")

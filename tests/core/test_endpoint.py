"""The MCP endpoint over HTTP: both eras, every kind of broken input, and what each caller may see."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.settings import Settings
from tests.core.sample import SERVICE, build

READER = "reader-key-of-more-than-32-characters"
WRITER = "writer-key-of-more-than-32-characters"
MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture
def client(make_settings: Callable[..., Settings]) -> Iterator[TestClient]:
    settings = make_settings(
        api_keys=(f"{READER}:ann:read", f"{WRITER}:bob:read,write"),
        rate_limit_requests=100_000,
        mcp_call_timeout_seconds=0.3,
        mcp_service=SERVICE.name,
        mcp_port=SERVICE.port,
    )
    with TestClient(create_app(build(), settings)) as client:
        yield client


def post(client: TestClient, body: Any, key: str | None = READER, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    sent |= {"Authorization": f"Bearer {key}"} if key else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/mcp", content=content, headers=sent)


def call(client: TestClient, tool: str, arguments: Any, era: str = MODERN, key: str = READER) -> Any:
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    headers = {"MCP_Protocol_Version": era}
    if era == MODERN:
        params["_meta"] = META
        headers |= {"Mcp_Method": "tools/call", "Mcp_Name": tool}
    return post(client, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, key, **headers)


def listed(client: TestClient, era: str, key: str) -> list[str]:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"MCP_Protocol_Version": era}
    if era == MODERN:
        body["params"]["_meta"] = META
        headers["Mcp_Method"] = "tools/list"
    return [tool["name"] for tool in post(client, body, key, **headers).json()["result"]["tools"]]


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE, "2025-06-18"])
def test_a_call_is_answered_as_json_in_both_eras(client: TestClient, era: str) -> None:
    answer = call(client, "add", {"a": 2, "b": 3}, era)
    assert answer.headers["content-type"] == "application/json"
    result = answer.json()["result"]
    assert result["structuredContent"] == {"total": 5}
    assert json.loads(result["content"][0]["text"]) == {"total": 5}
    assert not result.get("isError")


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_caller_sees_only_the_tools_they_may_call(client: TestClient, era: str) -> None:
    assert listed(client, era, READER) == ["add", "crash", "wait", "who"]
    assert listed(client, era, WRITER) == ["add", "erase", "crash", "wait", "who"]


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_call_beyond_the_callers_permission_is_403_and_names_it(client: TestClient, era: str) -> None:
    answer = call(client, "erase", {"name": "x"}, era)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="write"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["data"]["code"] == "permission_denied"


def test_a_tool_knows_its_caller_id_and_state(client: TestClient) -> None:
    answer = call(client, "who", {})
    seen = answer.json()["result"]["structuredContent"]
    assert seen["client_id"] == "ann"
    assert seen["opened"] == "opened for sample"
    assert seen["correlation_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
@pytest.mark.parametrize(
    ("arguments", "code", "path"),
    [
        ({"a": "1"}, "invalid_argument", "/a"),
        ({"a": 1.5}, "invalid_argument", "/a"),
        ({"a": True}, "invalid_argument", "/a"),
        ({"a": -1}, "invalid_argument", "/a"),
        ({}, "invalid_argument", "/a"),
        ({"a": 1, "c": 2}, "invalid_argument", "/c"),
    ],
)
def test_wrong_arguments_are_a_result_a_model_can_mend(
    client: TestClient, era: str, arguments: dict[str, Any], code: str, path: str
) -> None:
    result = call(client, "add", arguments, era).json()["result"]
    assert result["isError"] is True
    error = result["structuredContent"]["error"]
    assert error["code"] == code
    assert error["details"][0]["path"] == path
    assert "pydantic" not in json.dumps(result)


def test_a_tools_own_refusal_is_a_result(client: TestClient) -> None:
    error = call(client, "erase", {"name": "x"}, key=WRITER).json()["result"]["structuredContent"]["error"]
    assert error["code"] == "not_found"


def test_a_crash_tells_the_caller_nothing_but_the_id(client: TestClient) -> None:
    answer = call(client, "crash", {"secret": "hunter2"})
    error = answer.json()["result"]["structuredContent"]["error"]
    assert error["code"] == "internal"
    assert answer.headers["x-request-id"] in error["message"]
    assert "hunter2" not in answer.text


def test_a_tool_that_takes_too_long_is_cut_at_its_deadline(client: TestClient) -> None:
    error = call(client, "wait", {"seconds": 30.0}).json()["result"]["structuredContent"]["error"]
    assert error["code"] == "deadline_exceeded"


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_an_unknown_tool_is_a_protocol_error(client: TestClient, era: str) -> None:
    error = call(client, "no_such_tool", {}, era).json()["error"]
    assert error["code"] == -32602
    assert error["data"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"", 400, -32700),
        (b"\xff\xfe", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', 400, -32700),
        (b"[]", 400, -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32600),
        (b'"text"', 400, -32600),
        (b'{"id":1,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1}', 400, -32600),
    ],
)
@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_broken_envelope_is_refused_in_our_shape(
    client: TestClient, era: str, body: bytes, status: int, code: int
) -> None:
    answer = post(client, body, MCP_Protocol_Version=era)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["data"]["code"] == "invalid_argument"


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_arguments_that_are_no_object_are_named(client: TestClient, era: str) -> None:
    for wrong in ([], "text", 1):
        answer = call(client, "add", wrong, era)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)
        assert answer.json()["error"]["data"]["details"] == [
            {"path": "/params/arguments", "reason": "must be an object"}
        ]


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_message_nested_too_deep_is_refused_in_our_words(client: TestClient, era: str) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    answer = call(client, "add", {"a": deep}, era)
    assert (answer.status_code, answer.json()["error"]["data"]["code"]) == (413, "limit_exceeded")


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_an_integer_of_more_than_64_bits_is_answered_whole(client: TestClient, era: str) -> None:
    result = call(client, "add", {"a": 1, "b": 10**30}, era).json()["result"]
    assert result["structuredContent"]["total"] == json.loads(result["content"][0]["text"])["total"] == 10**30 + 1


def test_a_body_over_the_limit_is_413(client: TestClient) -> None:
    answer = post(client, b" " * (SERVICE.max_body_bytes + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["data"]["code"] == "limit_exceeded"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_are_405_and_say_what_is_allowed(client: TestClient, method: str) -> None:
    answer = client.request(method, "/mcp", headers={"Authorization": f"Bearer {READER}"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["data"]["code"] == "invalid_argument"


def test_another_content_type_is_415(client: TestClient) -> None:
    assert post(client, b"{}", Content_Type="text/plain").status_code == 415


def test_no_credential_is_401_with_a_challenge(client: TestClient) -> None:
    answer = post(client, {}, key=None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["data"]["code"] == "unauthenticated"


def test_a_header_that_disagrees_with_the_body_is_refused(client: TestClient) -> None:
    params = {"name": "add", "arguments": {"a": 1}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = post(client, body, MCP_Protocol_Version=MODERN, Mcp_Method="tools/call", Mcp_Name="erase")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32020


def test_an_unknown_version_is_answered_with_ours(client: TestClient) -> None:
    meta = META | {"io.modelcontextprotocol/protocolVersion": "1999-01-01"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    answer = post(client, body, MCP_Protocol_Version="1999-01-01", Mcp_Method="tools/list")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32022
    assert MODERN in answer.text


@pytest.mark.parametrize(
    ("uri", "known"), [("sample://who", True), ("sample://items/known", True), ("sample://items/x", False)]
)
def test_resources_know_the_call_and_an_unknown_one_is_not_found(client: TestClient, uri: str, known: bool) -> None:
    params = {"uri": uri, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params}
    answer = post(client, body, MCP_Protocol_Version=MODERN, Mcp_Method="resources/read", Mcp_Name=uri)
    if known:
        contents = answer.json()["result"]["contents"][0]
        assert contents["mimeType"] == "application/json"
        assert json.loads(contents["text"])
    else:
        assert answer.json()["error"]["code"] == -32602


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
@pytest.mark.parametrize(("name", "arguments"), [("nothing", {}), ("advise", {})])
def test_a_wrong_prompt_request_is_invalid_params(
    client: TestClient, era: str, name: str, arguments: dict[str, str]
) -> None:
    params: dict[str, Any] = {"name": name, "arguments": arguments}
    headers = {"MCP_Protocol_Version": era}
    if era == MODERN:
        params["_meta"] = META
        headers |= {"Mcp_Method": "prompts/get", "Mcp_Name": name}
    answer = post(client, {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params}, **headers)
    assert answer.json()["error"]["code"] == -32602


def test_lists_say_how_long_they_hold(client: TestClient) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    result = post(client, body, MCP_Protocol_Version=MODERN, Mcp_Method="tools/list").json()["result"]
    assert result["ttlMs"] > 0
    assert result["cacheScope"] == "private"


def test_an_unknown_path_is_404_in_our_shape(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"Authorization": f"Bearer {READER}"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"

"""Large calls go past the SDK whole and unchanged; messages of too many values are refused before they are parsed."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.large import LARGE_BYTES, MAX_CONTAINERS, MAX_VALUES, bound_values
from app.a2a.mcp.core.registry import Service
from app.a2a.mcp.core.schemas import ToolOutput
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.errors import LimitExceededError, NotFoundError
from tests.fleet import HANDSHAKE, MODERN

KEY = "k" * 40


class Echo(ToolOutput):
    """What was said."""

    said: list[str]
    nothing: str | None = None


def menu() -> Server[None]:
    server: Server[None] = Server("sample", service=Service(name="sample", port=1025, tools=1, purpose="echo"))

    @server.tool()
    async def echo(words: list[str], times: int = 1) -> Echo:
        """Say it again."""
        if times < 0:
            raise NotFoundError("no such time")
        return Echo(said=words * times, nothing=None)

    return server


@pytest.fixture
def client(make_settings: Any) -> Iterator[TestClient]:
    settings = make_settings(api_keys=(f"{KEY}:tester:read",))
    with TestClient(create_app(menu(), settings), headers={"X-API-Key": KEY}) as client:
        yield client


def ask(client: TestClient, era: str, arguments: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {"name": "echo", "arguments": arguments}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": era}
    if era == MODERN:
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "echo"}
        meta = "io.modelcontextprotocol/"
        params["_meta"] = {
            f"{meta}protocolVersion": era,
            f"{meta}clientInfo": {"name": "t", "version": "1"},
            f"{meta}clientCapabilities": {},
        }
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = client.post("/mcp", json=message, headers=headers)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


LARGE = ['a word with "quotes", commas, [brackets] and ünïcode \\ \n'] * 3000


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
@pytest.mark.parametrize(
    ("words", "times"), [(LARGE, 1), (LARGE, 0), (["x" * 1000], 500), (["small"], 1)],
    ids=["both large", "large arguments", "large result", "both small"],
)  # fmt: skip
def test_a_call_of_any_size_is_answered_alike(client: TestClient, era: str, words: list[str], times: int) -> None:
    result = ask(client, era, {"words": words, "times": times})
    assert result["structuredContent"] == {"said": words * times, "nothing": None}
    assert orjson.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert not result.get("isError")


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_large_arguments_that_do_not_fit_are_refused_by_name(client: TestClient, era: str) -> None:
    result = ask(client, era, {"words": [*LARGE, 7]})
    assert result["isError"] and result["structuredContent"]["error"]["details"][0]["path"] == f"/words/{len(LARGE)}"


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_refusal_of_a_large_call_is_a_result(client: TestClient, era: str) -> None:
    result = ask(client, era, {"words": LARGE, "times": -1})
    assert result["isError"] and result["structuredContent"]["error"]["code"] == "not_found"


def test_a_message_of_too_many_values_is_refused_unparsed(client: TestClient) -> None:
    answer = client.post("/mcp", content="[" + "[]," * MAX_CONTAINERS, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert f"may hold {MAX_CONTAINERS} arrays and objects" in answer.json()["error"]["message"]


@pytest.mark.anyio
async def test_too_many_values_are_counted_and_the_bound_is_named() -> None:
    with pytest.raises(LimitExceededError, match=f"may hold {MAX_VALUES} values"):
        await bound_values(b"[" + b"0," * MAX_VALUES + b"0]")
    with pytest.raises(LimitExceededError, match=f"may hold {MAX_CONTAINERS} arrays"):
        await bound_values(b"[" + b"[]," * MAX_CONTAINERS + b"0]")


@pytest.mark.anyio
@pytest.mark.parametrize("text", [b",", b"[{", rb"\",[", rb"\\\",[{\\"])
async def test_marks_inside_strings_are_no_values(text: bytes) -> None:
    await bound_values(b'["' + text * MAX_VALUES + b'", 1, [2]]')


@pytest.mark.anyio
async def test_values_between_strings_are_counted_over_slices() -> None:
    body = b'["' + b"x," * LARGE_BYTES + b'",' + b'"[",[],' * MAX_CONTAINERS + b"0]"
    with pytest.raises(LimitExceededError, match=f"this one has {MAX_CONTAINERS + 1}"):
        await bound_values(body)

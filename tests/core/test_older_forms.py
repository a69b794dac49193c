"""Clients of the first deployments: their names and their form are understood, and shown to nobody."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.a2a.mcp.core import Server, ToolOutput
from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import Service, load_registry
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import ConfigurationError
from tests.core.sample import SERVICE, build
from tests.core.test_endpoint import HANDSHAKE, MODERN, READER, WRITER, call, listed, post

OLD = "/mcp"


@pytest.fixture
def client(make_settings: Callable[..., Settings]) -> Iterator[TestClient]:
    keys = (f"{READER}:ann:read", f"{WRITER}:bob:read,write")
    settings = make_settings(api_keys=keys, mcp_service=SERVICE.name, mcp_port=SERVICE.port)
    with TestClient(create_app(build(), settings)) as client:
        yield client


def bare(client: TestClient, body: Any, key: str = READER) -> Any:
    """What such a client sends: no envelope, no version, and whatever its library accepts."""
    return client.post(OLD, json=body, headers={"X-API-Key": key, "Accept": "*/*"})


@pytest.mark.parametrize("era", [MODERN, HANDSHAKE])
def test_a_name_with_the_former_suffix_calls_the_tool_and_is_not_listed(client: TestClient, era: str) -> None:
    answer = call(client, "add_mcp", {"a": 2, "b": 3}, era)
    assert answer.json()["result"]["structuredContent"] == {"total": 5}
    assert not [name for name in listed(client, era, WRITER) if name.endswith("_mcp")]
    metrics = client.get("/metrics", headers={"X-API-Key": READER}).text
    assert 'tool="add"' in metrics and "add_mcp" not in metrics


@pytest.mark.parametrize("name", ["add", "add_mcp"])
def test_a_body_without_envelope_is_a_call_of_that_tool(client: TestClient, name: str) -> None:
    answer = bare(client, {"method": name, "params": {"a": 2, "b": 3}})
    assert answer.status_code == 200
    assert answer.json()["result"]["structuredContent"] == {"total": 5}


@pytest.mark.parametrize("name", ["erase", "erase_mcp"])
def test_an_older_form_opens_nothing_that_the_caller_may_not_do(client: TestClient, name: str) -> None:
    for answer in (bare(client, {"method": name, "params": {"name": "x"}}), call(client, name, {"name": "x"})):
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["code"] == "permission_denied"
    assert client.post(OLD, json={"method": name, "params": {"name": "x"}}).status_code == 401


def test_wrong_arguments_in_the_older_form_are_refused_as_ever(client: TestClient) -> None:
    for params in ({"a": "2"}, {}):
        result = bare(client, {"method": "add", "params": params}).json()["result"]
        assert result["isError"] and result["structuredContent"]["error"]["details"][0]["path"] == "/a"
    assert bare(client, {"method": "who"}).json()["result"]["structuredContent"]["client_id"] == "ann"


@pytest.mark.parametrize(
    "body",
    [
        {"method": "no_such_tool", "params": {}},
        {"method": "tools/list", "params": {}},
        {"method": "_mcp", "params": {}},
        {"method": "add_mcp_mcp", "params": {}},
        {"method": 1},
        {"params": {}},
        {"method": "add", "params": {"a": 1}, "extra": 1},
    ],
)
def test_what_merely_lacks_its_envelope_is_a_broken_message(client: TestClient, body: dict[str, Any]) -> None:
    answer = bare(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


def test_a_message_of_today_is_never_taken_for_an_older_one(client: TestClient) -> None:
    answer = post(client, {"jsonrpc": "1.0", "method": "add", "params": {"a": 1}})
    assert answer.status_code == 400
    escaped = json.dumps({"method": "who", "params": {}}).encode() + b" "
    assert post(client, escaped).json()["result"]["structuredContent"]["client_id"] == "ann"


def test_a_former_name_is_the_tools_own_and_of_no_other() -> None:
    server: Server[None] = Server("sample", service=Service(name="sample", port=1025, tools=2, purpose="A sample"))

    @server.tool(formerly="tally")
    async def add() -> ToolOutput:
        """Add."""
        return ToolOutput()

    assert [server.known_as(name) for name in ("add", "tally", "tally_mcp", "add_mcp", "other")] == ["add"] * 4 + [None]
    with pytest.raises(ConfigurationError, match="declares the tool tally twice"):

        @server.tool()
        async def tally() -> ToolOutput:
            """Tally."""
            return ToolOutput()


def test_the_fleet_knows_its_renamed_tool_by_both_names() -> None:
    from importlib import import_module

    menus = {service.name: import_module(service.module).server for service in load_registry()}
    ranking = next(menu for menu in menus.values() if "rank_vectors" in menu.tools)
    assert ranking.known_as("calculate_vector_similarity_mcp") == "rank_vectors"
    original = next(menu for menu in menus.values() if "calculate_vector_similarity" in menu.tools)
    assert original.known_as("calculate_vector_similarity") == "calculate_vector_similarity"

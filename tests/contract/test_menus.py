"""Every service of the registry keeps the promises of a menu: counts, names, schemas, permissions, order, caching."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import mcp
import pytest
from jsonschema.validators import Draft202012Validator
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from app.a2a.mcp.core.registry import load_registry
from docs.live_fleet import LiveFleet, menu
from tests.contract.listing import LISTS, answer

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[mcp.Client]]
ERAS = ("2026-07-28", "2025-11-25")
SERVICES = load_registry().names
MOST_COMPLETIONS = 100
"""MCP, completion: the most values one answer may hold."""


@pytest.mark.parametrize("era", ERAS)
async def test_menus_hold_the_tools_that_the_registry_counts_under_distinct_names(connect: Connect, era: str) -> None:
    names: list[str] = []
    for service in load_registry():
        async with connect(service.name, era=era) as client:
            tools = (await client.list_tools()).tools
        assert len(tools) == service.tools, service.name
        assert [tool.name for tool in tools] == list(menu(service.name).tools), "the order is the menu's"
        names += [tool.name for tool in tools]
    assert len(set(names)) == len(names) == sum(service.tools for service in load_registry())


@pytest.mark.parametrize("service", SERVICES)
async def test_schemas_are_valid_2020_12_closed_and_whole(connect: Connect, service: str) -> None:
    async with connect(service) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema):
            assert schema is not None, tool.name
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object" and schema["additionalProperties"] is False, tool.name
            wanted = {reference.rpartition("/")[2] for reference in references(schema)}
            assert wanted == set(schema.get("$defs", {})), f"{tool.name}: definitions and references differ"
        assert tool.title and tool.description and "Example" in tool.description, tool.name


def references(node: Any) -> set[str]:
    """Every `$ref` in a schema."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("service", SERVICES)
async def test_callers_see_what_they_may_call_and_hints_say_which(connect: Connect, service: str, era: str) -> None:
    seen: dict[str, list[str]] = {}
    for permissions in ("read,write", "read", "write"):
        async with connect(service, permissions, era) as client:
            tools = (await client.list_tools()).tools
            seen[permissions] = [tool.name for tool in tools]
            for tool in tools:
                hints = tool.annotations
                assert hints is not None and hints.title and hints.read_only_hint is not None
                assert not (hints.read_only_hint and hints.destructive_hint), tool.name
                expected = {"read"} if hints.read_only_hint else {"write"}
                assert expected & set(permissions.split(",")), f"{tool.name} is shown to {permissions}"
    both = seen["read,write"]
    assert sorted(seen["read"] + seen["write"]) == sorted(both)
    assert [name for name in both if name in seen["read"]] == seen["read"]


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_not_shown_cannot_be_called(connect: Connect, service: str) -> None:
    for name, spec in menu(service).tools.items():
        other = "write" if spec.permission == "read" else "read"
        async with connect(service, other) as client:
            with pytest.raises(MCPError, match=f"needs the permission '{spec.permission}'"):
                await client.call_tool(name, dict(spec.examples[0]))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("method", LISTS)
def test_lists_say_how_long_and_for_whom_they_hold(fleet: LiveFleet, service: str, method: str) -> None:
    result = answer(fleet, service, method).json()["result"]
    # What a caller sees depends on their permissions, so no shared cache may keep it.
    assert result["ttlMs"] > 0 and result["cacheScope"] == "private"


@pytest.mark.timeout(120)
def test_two_processes_list_the_same_in_the_same_order() -> None:
    said = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "tests.contract.listing"]
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        said.append(
            subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=True).stdout
        )
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(SERVICES) * len(LISTS)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("service", SERVICES)
async def test_every_documented_call_answers_by_its_output_schema(connect: Connect, service: str, era: str) -> None:
    async with connect(service, era=era) as client:
        for tool in (await client.list_tools()).tools:
            spec = menu(service).tools[tool.name]
            assert spec.examples, tool.name
            for example in spec.examples:
                Draft202012Validator(tool.input_schema).validate(dict(example))
                result: Any = await client.call_tool(tool.name, dict(example))
                assert not result.is_error, (tool.name, result.structured_content)
                Draft202012Validator(tool.output_schema or {}).validate(result.structured_content)
                assert json.loads(result.content[0].text) == result.structured_content


@pytest.mark.parametrize("service", SERVICES)
async def test_every_listed_resource_can_be_read(connect: Connect, service: str) -> None:
    async with connect(service) as client:
        for resource in (await client.list_resources()).resources:
            contents = (await client.read_resource(resource.uri)).contents
            assert contents and all(json.loads(one.text) is not None for one in contents), resource.uri


@pytest.mark.parametrize("service", SERVICES)
async def test_arguments_of_prompts_and_templates_are_completed(connect: Connect, service: str) -> None:
    async with connect(service) as client:
        offered = [
            (PromptReference(name=prompt.name), argument.name)
            for prompt in (await client.list_prompts()).prompts
            for argument in prompt.arguments or []
        ]
        for template in (await client.list_resource_templates()).resource_templates:
            uri = template.uri_template
            offered += [
                (ResourceTemplateReference(uri=uri), part.partition("}")[0].lstrip("+")) for part in uri.split("{")[1:]
            ]
        if menu(service).completer is None:
            return
        found = [
            (await client.complete(reference, {"name": name, "value": ""})).completion for reference, name in offered
        ]
        assert any(one.values for one in found), "a completer that knows nothing"
        assert all(len(one.values) <= MOST_COMPLETIONS for one in found)
        unknown = PromptReference(name="no-such-prompt")
        assert (await client.complete(unknown, {"name": "x", "value": ""})).completion.values == []

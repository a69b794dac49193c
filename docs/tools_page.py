"""Writes docs/tools.md: what each tool takes and returns, with the real answer to one call.

The calls are the first of each tool's `examples` in its menu; the answers come from the services themselves, all
running in this process. What differs from run to run is replaced by a placeholder, so that the page can be compared.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp
from mcp.client.streamable_http import streamable_http_client

from app.a2a.mcp.core.registry import Service, load_registry
from app.a2a.mcp.core.tools import ToolSpec
from docs.live_fleet import LiveFleet, live_fleet, menu
from docs.schema_text import rows

HEAD = """\
# Tools

Written by `make docs` from the running services; a test compares it. Each answer below is a real one. In it

- what is made anew for each call stands as a placeholder: {placeholders};
- numbers are rounded to six significant digits, and of a list of more than {shown} numbers the first three are shown.

`read` and `write` are the permissions of a credential; `tools/list` shows a caller only what they may call. A failed
call has `isError: true` and `{{"error": {{"code", "message", "details": [{{"path", "reason"}}]}}}}`, where `path` is a
JSON Pointer into the arguments. Arguments that are not listed are refused, and `"1"` is not `1`.
"""

BY_NAME = {
    "access_token": "<token>",
    "elapsed_ms": "<milliseconds>",
    "latency_ms": "<milliseconds>",
    "expires_at": "<instant>",
    "timestamp": "<instant>",
    "session_id": "<session id>",
    "etag": "<etag>",
}
"""Fields of answers that hold time or chance."""

BY_FORM = {
    re.compile(r"\d{13}-\d+"): "<event id>",
    re.compile(r"port \d+"): "port <port>",
}
"""Texts of answers that hold time or chance, under whatever name."""

LONGEST_LIST = 24
SHOWN_OF_LONG = 3
DIGITS = 6
WIDTH = 110


def tools_page() -> str:
    """The page; it starts the fleet, which takes some seconds."""
    with tempfile.TemporaryDirectory() as directory, live_fleet(Path(directory)) as fleet:
        sections = anyio.run(_sections, fleet)
    placeholders = sorted({*BY_NAME.values(), *BY_FORM.values()})
    head = HEAD.format(placeholders=", ".join(f"`{text}`" for text in placeholders), shown=LONGEST_LIST)
    links = " · ".join(f"[{service.name}](#{service.name})" for service in load_registry())
    return "\n".join([head, links, "", *sections]).rstrip() + "\n"


async def _sections(fleet: LiveFleet) -> list[str]:
    found: list[str] = []
    for service in load_registry():
        async with httpx2.AsyncClient(headers=fleet.headers(), timeout=60) as http:
            transport = streamable_http_client(fleet.url.format(service=service.name), http_client=http)
            async with mcp.Client(transport) as client:
                found += await _section(service, client)
    return found


async def _section(service: Service, client: mcp.Client) -> list[str]:
    specs = menu(service.name).tools
    tools = (await client.list_tools()).tools
    lines = [f"## {service.name}", "", menu(service.name).instructions or "", "", *_menu(tools, specs)]
    fixed = [(str(one.uri), one.description) for one in (await client.list_resources()).resources]
    templates = (await client.list_resource_templates()).resource_templates
    lines += _resources([*fixed, *((one.uri_template, one.description) for one in templates)])
    lines += _prompts((await client.list_prompts()).prompts)
    for tool in tools:
        example = dict(specs[tool.name].examples[0])
        answer = await client.call_tool(tool.name, example)
        if answer.is_error:
            raise SystemExit(f"the example of {tool.name} fails: {answer.structured_content}")
        lines += _tool(tool, specs[tool.name], example, answer.structured_content)
    return lines


def _menu(tools: list[Any], specs: Mapping[str, ToolSpec]) -> list[str]:
    head = ["Tool", "Title", "Permission", "What it is for", "Read-only", "Idempotent"]
    table = [_row(*head), _row(*["---"] * len(head))]
    for tool in tools:
        hints = tool.annotations
        purpose = tool.description.partition("\n\n")[0].replace("\n", " ")
        marks = ["yes" if hint else "no" for hint in (hints.read_only_hint, hints.idempotent_hint)]
        table.append(
            _row(f"[`{tool.name}`](#{tool.name})", tool.title, specs[tool.name].permission, _cell(purpose), *marks)
        )
    return [*table, ""]


def _resources(offers: list[tuple[str, str | None]]) -> list[str]:
    if not offers:
        return []
    table = [_row(f"`{uri}`", _cell(text or "")) for uri, text in offers]
    return [_row("Resource", "What it holds"), _row("---", "---"), *table, ""]


def _prompts(prompts: list[Any]) -> list[str]:
    if not prompts:
        return []
    table = [_row("Prompt", "What it is for", "Arguments"), _row("---", "---", "---")]
    for prompt in prompts:
        arguments = [
            f"`{one.name}`{'' if one.required else ' (optional)'}: {one.description}" for one in prompt.arguments or []
        ]
        table.append(_row(f"`{prompt.name}`", _cell(prompt.description or ""), _cell("; ".join(arguments))))
    return [*table, ""]


def _tool(tool: Any, spec: ToolSpec, example: object, answer: object) -> list[str]:
    """One tool: its description, what it takes and returns, and a call."""
    hints = tool.annotations
    traits = [spec.permission, "read-only" if hints.read_only_hint else "writes"]
    traits += ["destructive"] * bool(hints.destructive_hint) + ["idempotent"] * bool(hints.idempotent_hint)
    traits += ["reaches other hosts"] * bool(hints.open_world_hint)
    lines = [f"### {tool.name}", "", f"*{' · '.join(traits)}*", "", _prose(tool.description), ""]
    lines += [_row("Argument", "Type and bounds", "Default", "Meaning"), _row(*["---"] * 4)]
    for one in rows(tool.input_schema):
        default = "**required**" if one.required else f"`{one.default}`" if one.default else "absent"
        lines.append(_row(f"`{one.path}`", _cell(one.kind), _cell(default), _cell(one.meaning)))
    lines += ["", _row("Answer", "Type and bounds", "May be absent", "Meaning"), _row(*["---"] * 4)]
    for one in rows(tool.output_schema):
        absent = "" if one.required else "yes"
        lines.append(_row(f"`{one.path}`", _cell(one.kind), absent, _cell(one.meaning)))
    shown = json_text(settled(answer))
    return [*lines, "", "```json", json_text(example), "```", "", "answers", "", "```json", shown, "```", ""]


def settled(value: Any, name: str = "") -> Any:
    """The value without what differs from run to run or from machine to machine."""
    if isinstance(value, dict):
        return {key: settled(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        if len(value) > LONGEST_LIST and all(isinstance(one, int | float) for one in value):
            return [*(settled(one) for one in value[:SHOWN_OF_LONG]), f"… {len(value) - SHOWN_OF_LONG} more"]
        return [settled(one, name) for one in value]
    if name in BY_NAME and value is not None:
        return BY_NAME[name]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str):
        for form, placeholder in BY_FORM.items():
            value = form.sub(placeholder, value)
    return value


def json_text(value: Any, indent: str = "") -> str:
    """JSON that puts on one line what fits on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + len(indent) <= WIDTH or not isinstance(value, dict | list):
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        parts, ends = [json_text(one, inner) for one in value], "[]"
    else:
        names = [json.dumps(name, ensure_ascii=False) for name in value]
        parts = [f"{name}: {json_text(one, inner)}" for name, one in zip(names, value.values(), strict=True)]
        ends = "{}"
    return f"{ends[0]}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{ends[1]}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _prose(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")

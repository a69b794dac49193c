"""Who called what is in the journal, one record a call, and the recipes of docs/operations.md find it."""

import json
import re
import secrets
from typing import Any

import pytest
from testinfra.host import Host

from tests.fleet import HANDSHAKE, ROOT, Fleet

SERVICE, TOOL, WRITING = "semantic_similarity", "calculate_text_similarity", "publish_resource"
STREAMS, SISTERS_TOOL = "resource_streaming", "embed_texts"
PROGRAM = "/opt/a2a-mcp/current/venv/bin"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
RECIPES = re.search(r"^### Who called what\n.*?^```bash\n(.*?)^```", OPERATIONS, re.M | re.S)


def call(fleet: Fleet, tool: str, arguments: dict[str, Any], **headers: str) -> str:
    """The correlation id of a call through the edge."""
    correlation_id = secrets.token_hex(8)
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = {"X-Request-ID": correlation_id, "MCP-Protocol-Version": HANDSHAKE, **headers}
    with fleet.http() as edge:
        edge.post(f"/{STREAMS if tool == WRITING else SERVICE}/mcp", json=message, headers=sent)
    return correlation_id


def trail(host: Host, correlation_id: str) -> dict[str, str]:
    """The audit record of a call; there is one, beside that of the sister it asked."""
    fields = f"CORRELATION_ID={correlation_id} AUDIT_DECISION=allowed AUDIT_DECISION=denied"
    find = f"journalctl -q --no-pager -o json {fields} MCP_SERVICE={SERVICE} MCP_SERVICE={STREAMS}"
    host.check_output(f"timeout 10 sh -c 'until [ $({find} | wc -l) -ge 1 ]; do sleep 0.2; done'")
    (line,) = host.check_output(find).splitlines()
    record: dict[str, str] = json.loads(line)
    return record


def test_a_call_leaves_one_record_that_says_who_what_and_how_and_no_value(host: Host, fleet: Fleet) -> None:
    word = secrets.token_hex(8)
    one = trail(host, call(fleet, TOOL, {"text1": word, "text2": "x"}))
    same = trail(host, call(fleet, TOOL, {"text2": "x", "text1": word}))
    assert (one["MCP_TOOL"], one["AUDIT_DECISION"], one["OUTCOME"]) == (TOOL, "allowed", "ok")
    assert one["CLIENT_ID"] and float(one["DURATION_MS"]) > 0
    assert one["ARGUMENTS_DIGEST"] == same["ARGUMENTS_DIGEST"], "the same on every instance, in any order of keys"
    assert word not in str(one)


def test_every_instance_makes_the_same_digest(host: Host, fleet: Fleet) -> None:
    arguments = {"text1": secrets.token_hex(8), "text2": "x"}
    records = [trail(host, call(fleet, TOOL, arguments)) for _ in range(12)]
    assert len({record["MCP_INSTANCE"] for record in records}) > 1
    assert len({record["ARGUMENTS_DIGEST"] for record in records}) == 1


@pytest.fixture(scope="module")
def denied(host: Host, fleet: Fleet) -> dict[str, str]:
    """The record of a call that its key does not allow."""
    return trail(host, call(fleet, WRITING, {}, **{"X-API-Key": fleet.reader_key}))


def test_a_call_that_is_denied_is_on_record_with_its_reason(denied: dict[str, str]) -> None:
    assert (denied["AUDIT_DECISION"], denied["STATUS"], denied["ERROR_CODE"]) == ("denied", "403", "permission_denied")
    assert (denied["MCP_TOOL"], denied["PRIORITY"]) == (WRITING, "6")


def test_the_recipes_of_the_operations_page_find_both(host: Host, fleet: Fleet, denied: dict[str, str]) -> None:
    allowed = trail(host, call(fleet, TOOL, {"text1": secrets.token_hex(8), "text2": "x"}))
    assert RECIPES is not None
    known = {"TOOL": TOOL, "CLIENT": denied["CLIENT_ID"], "DIGEST": allowed["ARGUMENTS_DIGEST"]}
    setting = "; ".join(f"{name}={value}" for name, value in known.items())
    script = f"set -eu; PATH=$PATH:{PROGRAM}; {setting}\n{RECIPES[1]}"
    found = host.check_output("bash -c %s", script)
    assert f"{WRITING}\tdenied\t" in found and denied["ARGUMENTS_DIGEST"] in found
    assert found.count(allowed["ARGUMENTS_DIGEST"]) >= 2, "by its tool, and by its digest"


def test_the_command_line_shows_the_trail_alone(host: Host, fleet: Fleet) -> None:
    correlation_id = call(fleet, TOOL, {"text1": "a", "text2": "b"})
    trail(host, correlation_id)
    lines = host.check_output(f"{PROGRAM}/a2a-mcp logs --audit --json --since 5m").splitlines()
    found = [json.loads(line) for line in lines]
    assert all(line["audit_decision"] in ("allowed", "denied") for line in found)
    asked = {line["tool"]: line["client_id"] for line in found if line["correlation_id"] == correlation_id}
    assert set(asked) == {TOOL, SISTERS_TOOL}
    assert asked[SISTERS_TOOL] == f"service:{SERVICE}"

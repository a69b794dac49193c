"""One id from the edge to the tool: nginx's line is in the journal as fields, and nginx never waits for it."""

import json
import secrets
from typing import Any

import pytest
from deployed import Show
from testinfra.host import Host

from tests.fleet import Fleet

EXPOSURE_BUDGET = 3.0
UNIT = "a2a-edge-log.service"
ASKING = "semantic_similarity"
ASKED = "vector_similarity"
EDGE = "nginx_a2a"
METRICS = "/run/a2a-edge-log/lines.prom"
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "calculate_text_similarity",
        "arguments": {"text1": "a cat sat", "text2": "a dog lay", "method": "semantic"},
    },
}


def call(fleet: Fleet, correlation_id: str, **headers: str) -> Any:
    """A call through the edge whose tool asks a sister."""
    sent = {"X-Request-ID": correlation_id, "MCP-Protocol-Version": "2025-11-25", **headers}
    with fleet.http() as edge:
        return edge.post(f"/{ASKING}/mcp", json=CALL, headers=sent)


def story(host: Host, field: str, value: str, number: int = 3) -> list[dict[str, Any]]:
    """The journal's records of one id, in its order; waits until there are so many."""
    find = f"journalctl --no-pager -o json {field}={value}"
    host.check_output(f"timeout 10 sh -c 'until [ $({find} | wc -l) -ge {number} ]; do sleep 0.2; done'")
    return [json.loads(line) for line in host.check_output(find).splitlines()]


def test_one_id_finds_the_sister_the_server_and_the_edge(host: Host, fleet: Fleet) -> None:
    correlation_id, trace = secrets.token_hex(8), secrets.token_hex(16)
    parent = f"00-{trace}-{secrets.token_hex(8)}-01"
    assert "error" not in call(fleet, correlation_id, traceparent=parent).json()
    records = story(host, "CORRELATION_ID", correlation_id)
    # Each writes when its own answer has ended, and the last bytes of all three are a moment apart.
    found = {(record["MCP_SERVICE"], record["SYSLOG_IDENTIFIER"] == EDGE): record for record in records}
    assert set(found) == {(ASKED, False), (ASKING, False), (ASKING, True)} and len(records) == 3
    edge, server, sister = found[ASKING, True], found[ASKING, False], found[ASKED, False]
    assert (edge["_SYSTEMD_UNIT"], edge["PRIORITY"], edge["STATUS"]) == (UNIT, "6", "200")
    assert float(edge["DURATION_MS"]) > 0
    assert edge["CLIENT_ADDRESS"] == server["CLIENT_ADDRESS"]
    assert (server["MCP_TOOL"], sister["MCP_METHOD"]) == ("calculate_text_similarity", "tools/call")
    assert {record["TRACE_ID"] for record in records} == {trace}
    assert len(story(host, "TRACE_ID", trace)) == 3


def test_the_command_line_tells_the_same_story(host: Host, fleet: Fleet) -> None:
    correlation_id = secrets.token_hex(8)
    call(fleet, correlation_id)
    story(host, "CORRELATION_ID", correlation_id)
    program = "/opt/a2a-mcp/current/venv/bin/a2a-mcp"
    lines = host.check_output(f"{program} logs --json --correlation-id {correlation_id}").splitlines()
    assert sorted(json.loads(line)["service"] for line in lines) == sorted([ASKED, ASKING, "edge"])


def test_the_forwarder_is_confined_and_runs_at_boot(host: Host, show: Show, exposure: dict[str, float]) -> None:
    properties = show(UNIT, "a2a-edge-log.socket")
    assert {unit["ActiveState"] for unit in properties.values()} == {"active"}
    assert {unit["UnitFileState"] for unit in properties.values()} == {"enabled"}
    assert exposure[UNIT] <= EXPOSURE_BUDGET
    assert host.file("/run/a2a-edge/access-log").mode == 0o620


def test_the_forwarder_counts_what_it_forwards(host: Host, fleet: Fleet) -> None:
    call(fleet, secrets.token_hex(8))
    names = {line.split()[0] for line in host.check_output(f"grep -v '^#' {METRICS}").splitlines()}
    kinds = ("received", "forwarded", "dropped", "suppressed", "malformed")
    assert names == {f"a2a_edge_log_lines_{kind}_total" for kind in kinds}
    assert host.check_output(f"systemctl show -p StatusText {UNIT}").endswith(" malformed")


@pytest.mark.parametrize("units", [UNIT, f"{UNIT} a2a-edge-log.socket"])
def test_calls_are_answered_while_the_forwarder_is_down(host: Host, fleet: Fleet, units: str) -> None:
    host.check_output(f"systemctl stop {units} 2>/dev/null")
    try:
        lost = secrets.token_hex(8)
        assert call(fleet, lost).status_code == 200
    finally:
        host.check_output("systemctl start a2a-edge-log.socket a2a-edge-log.service")
    for _ in range(8):
        # Each of nginx's workers learns by a line it loses that the socket is another.
        call(fleet, secrets.token_hex(8))
    correlation_id = secrets.token_hex(8)
    call(fleet, correlation_id)
    assert EDGE in {record["SYSLOG_IDENTIFIER"] for record in story(host, "CORRELATION_ID", correlation_id)}

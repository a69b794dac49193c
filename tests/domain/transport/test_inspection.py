"""Messages and event streams: the examples of JSON-RPC 2.0 §7, of HTML §9.2, of RFC 8785, and MCP's own rules."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.transport.addresses import may_reach
from app.a2a.mcp.domain.transport.canonical import canonical
from app.a2a.mcp.domain.transport.event_stream import parse_event_stream
from app.a2a.mcp.domain.transport.inspection import Inspection, inspect_text

NEWEST = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def look(text: str, version: str = NEWEST, framing: Any = "auto", headers: dict[str, str] | None = None) -> Inspection:
    return inspect_text(text, framing, version, "client_to_server", headers)


def codes(found: Inspection) -> list[tuple[int, str, int]]:
    return [(error.code, error.path, error.http_status) for error in found.errors]


def call(**changes: Any) -> str:
    params = {"name": "add", "arguments": {}, "_meta": META} | changes.pop("params", {})
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | changes)


def test_examples_of_json_rpc() -> None:
    broken = look('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')
    assert (broken.kind, codes(broken)) == ("unparseable", [(-32700, "", 400)])
    assert codes(look('{"jsonrpc":"2.0","method":1,"params":"bar"}'))[0] == (-32600, "/method", 400)
    cut = look('[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]')
    assert (cut.kind, codes(cut)) == ("unparseable", [(-32700, "", 400)])
    assert codes(look("[]", "2025-03-26")) == [(-32600, "", 400)]
    batch = look("[1,2,3]", "2025-03-26")
    assert batch.kind == "batch" and [code for code, _, _ in codes(batch)] == [-32600] * 3
    assert codes(look("[1]"))[0] == (-32600, "", 400)


def test_the_catalogue_s_event_stream() -> None:
    found = look(": hi\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third")
    assert [(event.data, event.id) for event in found.events] == [("first", "1"), ("second", "")]
    assert found.kind == "sse_stream" and found.last_event_id == ""


def test_examples_of_the_html_standard() -> None:
    events, _ = parse_event_stream("data: YHOO\ndata: +2\ndata: 10\n\n")
    assert [event.data for event in events] == ["YHOO\n+2\n10"]
    events, _ = parse_event_stream("data\n\ndata\ndata\n\ndata:")
    assert [event.data for event in events] == ["", "\n"]
    events, _ = parse_event_stream("data:test\n\ndata: test\n\n")
    assert [event.data for event in events] == ["test", "test"]
    events, last = parse_event_stream("\ufeffevent: add\r\ndata: 1\rretry: 3000\nid: 7\n\nid: a\0b\n\n")
    assert [(event.event, event.retry_ms) for event in events] == [("add", 3000)] and last == "7"


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", exclude_categories=["Cs"])), max_size=5))
def test_what_is_written_as_events_is_read_back(texts: list[str]) -> None:
    stream = "".join(f"id: {n}\ndata: {text}\n\n" for n, text in enumerate(texts))
    assert [event.data for event in parse_event_stream(stream)[0]] == texts


def test_headers_must_equal_the_body() -> None:
    headers = {"MCP-Protocol-Version": NEWEST, "Mcp-Method": "tools/call", "Mcp-Name": "add"}
    assert codes(look(call(), headers=headers)) == []
    assert codes(look(call(), headers=headers | {"Mcp-Name": "sub"})) == [(-32020, "/headers/mcp-name", 400)]
    assert codes(look(call(), headers={})) == [
        (-32020, "/headers/mcp-protocol-version", 400),
        (-32020, "/headers/mcp-method", 400),
        (-32020, "/headers/mcp-name", 400),
    ]
    encoded = headers | {"Mcp-Name": "=?base64?w7xiZXI=?="}
    assert codes(look(call(params={"name": "über"}), headers=encoded)) == []


def test_rules_of_the_newest_revision() -> None:
    assert codes(look(call())) == []
    assert codes(look(call(id=None)))[0] == (-32600, "/id", 400)
    assert codes(look('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'))[0][:2] == (-32602, "/params/_meta")
    opening = (
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    )
    opening += '"clientInfo":{"name":"a","version":"1"}}}'
    assert codes(look(opening)) == [(-32601, "/method", 404)]
    for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
        assert codes(look(opening, version)) == []
    assert look(call(params={"name": "not allowed!"})).warnings


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":NaN}', "[Infinity]", "1e999", "[" * 100_000, '{"a":'])
def test_what_a_lax_reader_lets_pass_is_unparseable(text: str) -> None:
    found = look(text, framing="json")
    assert found.kind == "unparseable" and [code for code, _, _ in codes(found)] == [-32700]


@given(st.text(max_size=200), st.sampled_from(["auto", "json", "sse", "ndjson"]))
def test_no_text_makes_it_fail(text: str, framing: Any) -> None:
    look(text, framing=framing)


# RFC 8785, appendix B.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (5e-324, "5e-324"), (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"), (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"), (1.0000000000000001e23, "1.0000000000000001e+23"),
        (999999999999999700000.0, "999999999999999700000"), (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"), (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"), (2e-3, "0.002"), (1e-27, "1e-27"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_ecmascript_does(number: float, text: str) -> None:
    assert canonical(number) == text


def test_the_rfc_s_own_object() -> None:
    value = json.loads(
        '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
    )
    assert canonical(value) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical(keys)).values()) == [2, 4, 6, 7, 1, 5, 3]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_canonical_number_is_the_same_number(number: float) -> None:
    assert float(canonical(number)) == number


@pytest.mark.parametrize(
    ("address", "outside", "registered"),
    [
        ("93.184.215.14", True, True), ("127.0.0.1", False, True), ("10.0.0.1", False, True), ("::1", False, True),
        ("169.254.169.254", False, False), ("fe80::1", False, False), ("224.0.0.1", False, False),
        ("0.0.0.0", False, False), ("::ffff:169.254.169.254", False, False), ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:7f00:1::", False, False), ("::ffff:127.0.0.1", False, True), ("fd00:ec2::254", False, True),
        ("100.64.0.1", False, False), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True, True),
    ],
)  # fmt: skip
def test_which_addresses_may_be_reached(address: str, outside: bool, registered: bool) -> None:
    assert (may_reach(address, registered=False), may_reach(address, registered=True)) == (outside, registered)

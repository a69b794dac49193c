"""Trace contexts are continued when well formed and otherwise ignored, wherever they come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.core.trace_context import LONGEST_STATE, TraceContext, parse_trace, trace_of_meta

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_a_context_is_told_by_the_names_it_came_by() -> None:
    context = parse_trace(PARENT, "congo=t61rcWkgMzE")
    assert context == TraceContext(TRACE, SPAN, "01", "congo=t61rcWkgMzE")
    assert context.carrier() == {"traceparent": PARENT, "tracestate": "congo=t61rcWkgMzE"}


def test_flags_nobody_has_defined_are_passed_on_as_zero() -> None:
    context = parse_trace(f"00-{TRACE}-{SPAN}-ff")
    assert context is not None and context.traceparent == f"00-{TRACE}-{SPAN}-03"


def test_a_later_version_is_continued_in_the_version_we_speak() -> None:
    context = parse_trace(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings")
    assert context is not None and context.traceparent == PARENT


@pytest.mark.parametrize(
    "bad",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-{'m' * 100}",
        "",
        7,
        None,
        [PARENT],
    ],
)
def test_what_is_no_context_is_none(bad: object) -> None:
    assert parse_trace(bad) is None
    assert trace_of_meta({"_meta": {"traceparent": bad}}) is None


@pytest.mark.parametrize(
    "bad",
    ["Upper=1", "no-value", "a=1,a=2", "a=b=c", "a=\n", "a=ü", "=1", "a=" + "v" * LONGEST_STATE, 7, {"a": "1"},
     ",".join(f"k{n}=1" for n in range(33))],
)  # fmt: skip
def test_a_malformed_state_is_left_behind_and_the_context_kept(bad: object) -> None:
    assert parse_trace(PARENT, bad) == TraceContext(TRACE, SPAN, "01", "")


@pytest.mark.parametrize("params", [None, [], {}, {"_meta": None}, {"_meta": [PARENT]}, {"_meta": {}}, "text"])
def test_a_message_without_a_context_has_none(params: object) -> None:
    assert trace_of_meta(params) is None


@given(st.text(), st.text())
def test_no_text_breaks_the_parser_and_what_it_reads_it_reads_again(parent: str, state: str) -> None:
    context = parse_trace(parent, state)
    assert context is None or parse_trace(**context.carrier()) == context


@given(st.from_regex(r"\A[a-z]{1,3}=[ -~]{1,4}(,[a-z]{1,3}=[ -~]{1,4}){0,3}\Z"))
def test_a_state_that_is_passed_on_is_one_that_is_taken(state: str) -> None:
    context = parse_trace(PARENT, state)
    assert context is not None and parse_trace(**context.carrier()) == context

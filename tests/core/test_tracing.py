"""Spans of the real application, as a collector gets them; and nothing of it all where there is no collector."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.request import RequestInfo, current_request
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.tracing import open_tracing
from tests.core.collector import Collector, collecting
from tests.core.processes import ROOT
from tests.core.sample import SERVICE, build

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEAD = f"00-{TRACE}-b7ad6b7169203331-01"
BODY = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEY = "a-key-for-these-tests-of-32-characters-"
SERVER_KIND = 2
MakeSettings = Callable[..., Settings]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Runtime, Callable[..., Any]]]:
    """The sample application and a way to call its tools; left, it is stopped as a drain stops it."""
    runtime = build_runtime(SERVICE, settings)
    app = create_app(build(), settings, runtime)

    async def call(tool: str, meta: Mapping[str, Any] | None = None, /, **headers: str) -> httpx.Response:
        params = {"name": tool, "arguments": {"a": 1} if tool == "add" else {"secret": "s"}, "_meta": dict(meta or {})}
        sent = {"Authorization": f"Bearer {KEY}", "MCP-Protocol-Version": "2025-11-25"}
        sent |= {"Accept": "application/json, text/event-stream"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return await browser.post("/mcp", json=body, headers=sent)

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
            yield runtime, call


def traced(make_settings: MakeSettings, collector: Collector, **overrides: Any) -> Settings:
    keys = (f"{KEY}:tester:read,write",)
    return make_settings(otel_exporter_otlp_endpoint=collector.url, api_keys=keys, **overrides)


@pytest.mark.anyio
async def test_a_call_is_a_span_with_the_conventions_names(make_settings: MakeSettings, collector: Collector) -> None:
    settings = traced(make_settings, collector, otel_exporter_otlp_headers=("x-tenant=blue=1",))
    async with serving(settings) as (_, call):
        assert (await call("add", traceparent=HEAD, tracestate="congo=1", X_Request_ID="edge-1234")).status_code == 200
    (span,) = collector.spans
    assert (span.service, span.name, span.kind, span.failed) == ("sample", "tools/call add", SERVER_KIND, False)
    assert (span.trace_id, span.parent_id, span.state) == (TRACE, "b7ad6b7169203331", "congo=1")
    assert span.attributes == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2025-11-25",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "network.protocol.name": "http",
        "a2a.correlation_id": "edge-1234",
    }
    ((path, headers),) = collector.requests
    assert (path, headers["x-tenant"]) == ("/v1/traces", "blue=1")


@pytest.mark.anyio
async def test_a_context_in_the_body_is_the_parent_and_the_one_of_the_headers_is_linked(
    make_settings: MakeSettings, collector: Collector
) -> None:
    async with serving(traced(make_settings, collector)) as (_, call):
        await call("add", {"traceparent": BODY}, traceparent=HEAD)
    (span,) = collector.spans
    assert (span.trace_id, span.parent_id) == tuple(BODY.split("-")[1:3])
    assert span.links == ((TRACE, "b7ad6b7169203331"),)


@pytest.mark.anyio
async def test_a_malformed_context_in_the_body_leaves_that_of_the_headers(
    make_settings: MakeSettings, collector: Collector
) -> None:
    async with serving(traced(make_settings, collector)) as (_, call):
        assert (await call("add", {"traceparent": "00-nonsense"}, traceparent=HEAD)).status_code == 200
    (span,) = collector.spans
    assert (span.trace_id, span.links) == (TRACE, ())


@pytest.mark.anyio
async def test_without_a_context_a_trace_begins_under_the_correlation_id(
    make_settings: MakeSettings, collector: Collector
) -> None:
    async with serving(traced(make_settings, collector)) as (_, call):
        answers = [await call("add"), await call("add", X_Request_ID="no-hexadecimal-id")]
    begun = {span.attributes["a2a.correlation_id"]: span.trace_id for span in collector.spans}
    fresh = answers[0].headers["x-request-id"]
    assert begun[fresh] == fresh
    assert len(begun["no-hexadecimal-id"]) == 32
    assert {span.parent_id for span in collector.spans} == {""}


@pytest.mark.anyio
async def test_a_failed_call_tells_its_code_and_no_word_of_its_arguments(
    make_settings: MakeSettings, collector: Collector
) -> None:
    async with serving(traced(make_settings, collector)) as (_, call):
        await call("crash")
    (span,) = collector.spans
    assert (span.failed, span.attributes["error.type"]) == (True, "internal")


@pytest.mark.anyio
async def test_a_caller_that_does_not_want_to_be_traced_is_not(
    make_settings: MakeSettings, collector: Collector
) -> None:
    async with serving(traced(make_settings, collector)) as (_, call):
        await call("add", traceparent=HEAD.removesuffix("01") + "00")
        await call("add", traceparent=HEAD)
    assert len(collector.spans) == 1


@pytest.mark.anyio
async def test_a_share_of_zero_keeps_no_new_trace(make_settings: MakeSettings, collector: Collector) -> None:
    async with serving(traced(make_settings, collector, otel_traces_sampler_arg=0)) as (_, call):
        await call("add")
    assert not collector.requests


@pytest.mark.anyio
async def test_an_absent_collector_costs_no_call_and_its_losses_are_counted(
    make_settings: MakeSettings, collector: Collector
) -> None:
    collector.status = 400
    async with serving(traced(make_settings, collector)) as (runtime, call):
        assert (await call("add")).status_code == 200
    assert b'a2a_mcp_spans_total{outcome="failed",service="sample"} 1.0' in runtime.metrics.exposition("")[0]


@pytest.mark.anyio
async def test_a_stop_does_not_wait_for_a_collector_that_hangs(
    make_settings: MakeSettings, collector: Collector
) -> None:
    collector.open.clear()
    async with serving(traced(make_settings, collector)) as (_, call):
        await call("add")
    assert not collector.spans, "the stop was over before the collector answered"


@pytest.mark.anyio
async def test_spans_that_nobody_takes_are_dropped_and_counted(
    make_settings: MakeSettings, collector: Collector
) -> None:
    from app.a2a.mcp.core.span_export import QUEUE_SPANS

    collector.open.clear()
    metrics = Metrics("sample")
    tracing = open_tracing(traced(make_settings, collector), "sample", "1", metrics)
    assert tracing is not None
    tracing.start()
    for _ in range(QUEUE_SPANS + 7):
        with tracing.serve(RequestInfo("some-id-of-it", 0.0, mcp_method="ping"), None):
            pass
    assert b'a2a_mcp_spans_total{outcome="dropped",service="sample"} 7.0' in metrics.exposition("")[0]
    collector.open.set()
    tracing.close()


def test_without_a_collector_a_server_imports_nothing_of_the_sdk(tmp_path: Any) -> None:
    code = (
        "import sys\n"
        "from app.a2a.mcp.core.asgi import build_application\n"
        "import app.a2a.mcp.core.worker\n"
        "app = build_application()\n"
        "assert app.state.runtime.tracing is None\n"
        "rooms = ('opentelemetry.sdk', 'opentelemetry.exporter', 'requests', 'google.protobuf')\n"
        "print([name for name, module in sys.modules.items() if module and name.startswith(rooms)])\n"
    )
    environ = {"MCP_SERVICE": "vector_similarity", "PYTHONPATH": str(ROOT), "MCP_STATE_DIRECTORY": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.anyio
async def test_without_a_collector_the_callers_trace_is_the_requests_own(make_settings: MakeSettings) -> None:
    settings = make_settings(api_keys=(f"{KEY}:tester:read,write",))
    async with serving(settings) as (runtime, call):
        await call("add", {"traceparent": BODY})
        page = runtime.metrics.exposition("application/openmetrics-text")[0].decode()
    line = next(line for line in page.splitlines() if "call_duration_seconds_bucket" in line and " # " in line)
    assert f'trace_id="{BODY.split("-")[1]}"' in line and 'correlation_id="' in line


def test_an_exemplar_fits_the_128_characters_of_openmetrics() -> None:
    from app.a2a.mcp.core.metrics import exemplar
    from app.a2a.mcp.core.trace_context import parse_trace

    token = current_request.set(RequestInfo("c" * 64, 0.0, trace=parse_trace(HEAD)))
    try:
        labels = exemplar()
    finally:
        current_request.reset(token)
    assert labels is not None and sum(len(name) + len(value) for name, value in labels.items()) <= 128

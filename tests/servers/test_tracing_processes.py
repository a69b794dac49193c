"""One trace from the edge's header through a tool to the sister it asks, as real processes tell a real collector."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.collector import Collector, collecting
from tests.servers.instances import Instance, headers_of, key_of, running

TRACE = "0af7651916cd43dd8448eb211c80319c"
EDGE = "b7ad6b7169203331"
ASKING = "semantic_similarity"
ASKED = "vector_similarity"
SERVER_KIND, CLIENT_KIND = 2, 3


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[tuple[Instance, Instance, Collector]]:
    """A service, the sister it asks, and the collector of both."""
    directory = tmp_path_factory.mktemp("traced")
    with collecting() as collector:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        sister = Instance(ASKED, directory, redis_url, "alice", **environ)
        url = f"http://127.0.0.1:{sister.port}"
        service = Instance(ASKING, directory, redis_url, "alice", MCP_SISTER_URL=url, **environ)
        with running(sister, service):
            yield service, sister, collector


def call(instance: Instance, **headers: str) -> Any:
    """A call that needs the sister's embeddings."""
    arguments = {"text1": "a cat", "text2": "a dog", "method": "semantic"}
    params = {"name": "calculate_text_similarity", "arguments": arguments}
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=60)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    connection.request("POST", "/mcp", body, headers_of(key_of("alice")) | headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["result"]["structuredContent"]


def log_lines(instance: Instance, correlation_id: str) -> list[dict[str, Any]]:
    """What the instance logged of one call."""
    text = (instance.directory / f"{instance.port}.log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("correlation_id") == correlation_id]


def test_a_call_and_the_sister_it_asks_are_one_trace(traced: tuple[Instance, Instance, Collector]) -> None:
    service, sister, collector = traced
    parent = f"00-{TRACE}-{EDGE}-01"
    answer = call(service, traceparent=parent, tracestate="congo=t61", **{"X-Request-ID": "edge-to-sister-1"})
    assert "error" not in answer and not answer.get("degraded"), "the sister was asked"
    spans = collector.wait_for(3)
    (tool,) = [span for span in spans if (span.service, span.kind) == (ASKING, SERVER_KIND)]
    (asking,) = [span for span in spans if (span.service, span.kind) == (ASKING, CLIENT_KIND)]
    (asked,) = [span for span in spans if (span.service, span.kind) == (ASKED, SERVER_KIND)]
    assert {span.trace_id for span in spans} == {TRACE} and {span.state for span in spans} == {"congo=t61"}
    assert (tool.parent_id, asking.parent_id, asked.parent_id) == (EDGE, tool.span_id, asking.span_id)
    assert tool.name == "tools/call calculate_text_similarity" and asking.name == asked.name
    for instance, span in ((service, tool), (sister, asked)):
        told = [(line.get("trace_id"), line.get("span_id")) for line in log_lines(instance, "edge-to-sister-1")]
        assert told == [(TRACE, span.span_id)], instance.service
    assert {span.attributes["a2a.correlation_id"] for span in (tool, asked)} == {"edge-to-sister-1"}


def test_a_stop_sends_the_spans_that_wait(tmp_path: Path, redis_url: str) -> None:
    with collecting() as collector:
        instance = Instance(ASKED, tmp_path, redis_url, "alice", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        with running(instance):
            assert instance.post(key_of("alice"), "tools/list", {})[0] == 200
            assert instance.process is not None
            instance.process.terminate()
            assert instance.process.wait(30) in (0, -15)
        assert [span.name for span in collector.spans] == ["tools/list"]

"""A trace collector of the test's own: OTLP over HTTP, parsed by the protocol's own classes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Received:
    """One span; ids in hexadecimal, no parent as an empty text."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    state: str
    failed: bool
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]


@dataclass
class Collector:
    """Takes spans at `url`; `status` is what it answers, and it answers only while `open` is set."""

    url: str
    status: int = 200
    spans: list[Received] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, number: int) -> list[Received]:
        """The spans, once there are so many."""
        end = time.monotonic() + PATIENCE_SECONDS
        while len(self.spans) < number:
            assert time.monotonic() < end, f"{len(self.spans)} of {number} spans: {self.spans}"
            time.sleep(0.02)
        return self.spans


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector on that port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            collector.open.wait(PATIENCE_SECONDS)
            if collector.status == 200:
                collector.spans += list(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        collector.open.set()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield collector
        collector.open.set()
        server.shutdown()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for group in request.resource_spans:
        service = _attributes(group.resource.attributes)["service.name"]
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Received(
                    service=service,
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    kind=span.kind,
                    state=span.trace_state,
                    failed=span.status.code == 2,
                    attributes=_attributes(span.attributes),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    return getattr(pair.value, pair.value.WhichOneof("value"))

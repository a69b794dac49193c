"""Spans of calls by OpenTelemetry's SDK, named as its conventions for MCP say; imported only where they are sent.

The parent of a call is the span in its `_meta`, for that is whoever made the call; one in the headers, which a proxy
may have begun, is linked. Without either a trace begins, with the correlation id as its id where it fits.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.request import RequestInfo, current_request
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.span_export import BoundedProcessor, open_processor
from app.a2a.mcp.core.trace_context import TraceContext
from app.a2a.mcp.errors import A2AError

NAMESPACE = "a2a-mcp"
FLUSH_SECONDS = 2.0
"""How long a stop waits for the collector; the unit's TimeoutStopSec has room for it."""

TRACE_ID = re.compile("(?!0{32})[0-9a-f]{32}")


class TraceIds(RandomIdGenerator):
    """Ids of new traces: the request's correlation id where it is one, so that logs and traces are found by one id."""

    def generate_trace_id(self) -> int:
        """128 bits, not all zero."""
        info = current_request.get()
        if info is not None and TRACE_ID.fullmatch(info.correlation_id):
            return int(info.correlation_id, 16)
        return super().generate_trace_id()


class Spans:
    """The tracer of one process."""

    def __init__(self, settings: Settings, service: str, version: str, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.otel_traces_sampler_arg)),
            resource=Resource.create(
                {
                    "service.name": service,
                    "service.namespace": NAMESPACE,
                    "service.version": version,
                    "service.instance.id": f"{socket.gethostname()}:{settings.mcp_port}",
                }
            ),
            id_generator=TraceIds(),
            shutdown_on_exit=False,
        )
        self.tracer = self.provider.get_tracer("a2a_mcp", version)
        self.processor: BoundedProcessor | None = None

    def start(self) -> None:
        """Start the thread that sends."""
        self.processor = open_processor(self.settings, self.metrics)
        self.provider.add_span_processor(self.processor)

    def close(self) -> None:
        """Send what waits, for FLUSH_SECONDS at most."""
        if self.processor is not None:
            # The SDK's own bounds are longer than a stop may take; what is left then goes down with the process.
            last = threading.Thread(target=self.processor.shutdown, name="last spans", daemon=True)
            last.start()
            last.join(FLUSH_SECONDS)

    @contextmanager
    def serve(self, info: RequestInfo, of_head: TraceContext | None) -> Iterator[None]:
        """A server span, child of the body's context or else of the headers'."""
        linked = of_head if of_head != info.trace else None
        span = self.tracer.start_span(
            _name(info.mcp_method, info.tool),
            _within(info.trace, remote=True),
            SpanKind.SERVER,
            _attributes(info),
            [Link(_span_context(linked, remote=True))] if linked else (),
        )
        info.trace = _context(span)
        with _ended(span):
            yield
            if info.error_code is not None:
                _fail(span, info.error_code)

    @contextmanager
    def ask(self, info: RequestInfo, service: str, tool: str) -> Iterator[TraceContext]:
        """A client span; what it gives is what the sister is told."""
        attributes = _tool_attributes("tools/call", tool) | {"peer.service": service}
        span = self.tracer.start_span(
            _name("tools/call", tool), _within(info.trace, remote=False), SpanKind.CLIENT, attributes
        )
        with _ended(span):
            yield _context(span)


def _name(method: str | None, tool: str | None) -> str:
    return f"{method or 'other'} {tool}" if tool else method or "other"


def _attributes(info: RequestInfo) -> dict[str, AttributeValue]:
    attributes = _tool_attributes(info.mcp_method or "other", info.tool)
    attributes["a2a.correlation_id"] = info.correlation_id
    if info.protocol_version is not None:
        attributes["mcp.protocol.version"] = info.protocol_version
    return attributes


def _tool_attributes(method: str, tool: str | None) -> dict[str, AttributeValue]:
    """OpenTelemetry's semantic conventions for MCP; no argument and no result is an attribute."""
    attributes: dict[str, AttributeValue] = {"mcp.method.name": method, "network.protocol.name": "http"}
    if tool is not None:
        attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
    return attributes


def _within(parent: TraceContext | None, *, remote: bool) -> Context:
    # An empty context, not None: None would mean whatever span the SDK thinks is current.
    return set_span_in_context(NonRecordingSpan(_span_context(parent, remote)), Context()) if parent else Context()


def _span_context(trace: TraceContext, remote: bool) -> SpanContext:
    return SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=remote,
        trace_flags=TraceFlags(int(trace.flags, 16)),
        trace_state=TraceState([(key, value) for key, _, value in _members(trace.state)]),
    )


def _members(state: str) -> Iterator[tuple[str, str, str]]:
    return (member.partition("=") for member in state.split(",") if member)


def _context(span: Span) -> TraceContext:
    known = span.get_span_context()
    state = known.trace_state.to_header()
    return TraceContext(f"{known.trace_id:032x}", f"{known.span_id:016x}", f"{known.trace_flags:02x}", state)


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """Ends the span with what went wrong in it, by name alone: messages may quote the caller."""
    try:
        yield
    except asyncio.CancelledError:
        _fail(span, "cancelled")
        raise
    except Exception as error:
        _fail(span, error.code if isinstance(error, A2AError) else type(error).__qualname__)
        raise
    finally:
        span.end()


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))

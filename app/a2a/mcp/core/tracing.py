"""Tracing as the layers see it: nothing where no collector is named, and then OpenTelemetry's SDK is not even imported.

Without it a caller's trace is passed on to sister services unchanged, and its ids are in the logs all the same.
"""

import sys
from contextlib import AbstractContextManager
from typing import Protocol

from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.request import RequestInfo
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.trace_context import TraceContext


class Tracing(Protocol):
    """Makes spans and sends them in the background; the spans of one request are told by its record."""

    def start(self) -> None:
        """Begin to send; threads do not cross a fork, so it is called in the process that serves."""

    def serve(self, info: RequestInfo, of_head: TraceContext | None) -> AbstractContextManager[None]:
        """A span around the answer to one message, child of `info.trace`, which it takes the place of.

        The context that came by HTTP headers is linked where that is another.
        """

    def ask(self, info: RequestInfo, service: str, tool: str) -> AbstractContextManager[TraceContext]:
        """A span around a call to a sister, which makes hers its child."""

    def close(self) -> None:
        """Send what is left, for a bounded time. It blocks."""


def open_tracing(settings: Settings, service: str, version: str, metrics: Metrics) -> Tracing | None:
    """The spans of a process, None without OTEL_EXPORTER_OTLP_ENDPOINT."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    if sys.modules.get("opentelemetry.sdk.metrics", ...) is None:
        del sys.modules["opentelemetry.sdk.metrics"]
    from app.a2a.mcp.core.spans import Spans

    return Spans(settings, service, version, metrics)

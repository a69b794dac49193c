"""The way of ended spans to the collector: a bounded queue, a background thread, and a count of what got lost."""

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.settings import Settings

log = logging.getLogger(__name__)

TRACES_PATH = "/v1/traces"
"""What OTLP/HTTP appends to the endpoint (OTLP 1.5, "OTLP/HTTP Request")."""

QUEUE_SPANS = 2048
BATCH_SPANS = 512
DELAY_SECONDS = 1.0
EXPORT_SECONDS = 5.0
"""How long the collector has to take a batch, retries included."""


class CountedExporter(SpanExporter):
    """An exporter that counts what it sent and what it could not, and logs once when the collector goes or comes."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self.exporter = exporter
        self.metrics = metrics
        self.done = 0
        self.away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch."""
        try:
            result = self.exporter.export(spans)
        finally:
            self.done += len(spans)
        well = result is SpanExportResult.SUCCESS
        self.metrics.spans("exported" if well else "failed", len(spans))
        if well is self.away:
            self.away = not well
            if well:
                log.info("the trace collector takes spans again")
            else:
                log.warning("the trace collector does not take spans: they are lost until it does, calls go on")
        return result

    def shutdown(self) -> None:
        """Stop; a retry that is waiting is given up."""
        self.exporter.shutdown()


class BoundedProcessor(BatchSpanProcessor):
    """Drops and counts a span when too many wait, since waiting for a collector must cost neither time nor memory."""

    def __init__(self, exporter: CountedExporter, metrics: Metrics) -> None:
        super().__init__(
            exporter,
            max_queue_size=QUEUE_SPANS,
            max_export_batch_size=BATCH_SPANS,
            schedule_delay_millis=DELAY_SECONDS * 1000,
            export_timeout_millis=EXPORT_SECONDS * 1000,
        )
        self.counted = exporter
        self.metrics = metrics
        self.ended = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Queue one span; called on the event loop."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self.ended - self.counted.done >= QUEUE_SPANS:
            self.metrics.spans("dropped", 1)
            return
        self.ended += 1
        super().on_end(span)


def open_processor(settings: Settings, metrics: Metrics) -> BoundedProcessor:
    """The processor for the settings' collector; it starts a thread."""
    exporter = OTLPSpanExporter(
        endpoint=settings.otel_exporter_otlp_endpoint.rstrip("/") + TRACES_PATH,
        headers=dict(pair.split("=", 1) for pair in settings.otel_exporter_otlp_headers),
        certificate_file=settings.otel_exporter_otlp_certificate or None,
        timeout=EXPORT_SECONDS,
    )
    return BoundedProcessor(CountedExporter(exporter, metrics), metrics)

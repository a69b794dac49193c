"""The metrics of one process. Label values come from closed lists only: a caller cannot make a new time series."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from app.a2a.mcp.core.journal import DropCount, dropped
from app.a2a.mcp.core.request import current_request
from app.a2a.mcp.errors import A2AError, ConfigurationError

CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REDIS_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BREAKER_STATES = {"closed": 0, "half-open": 1, "half_open": 1, "open": 2}
MOST_VALUES = 48
"""How many values a label may take that code, not this module, names (outcomes, reasons, commands)."""

OTHER = "other"

ERROR_CODES = {error.code for error in A2AError.__subclasses__() if error is not ConfigurationError}
OUTCOMES = ("ok", "protocol_error", "cancelled", *sorted(ERROR_CODES))
"""How a call can end: exposed as zeros from the start, or a rate would miss the first failure of each kind."""

POST_STATUSES = (200, 202, 400, 401, 403, 404, 413, 429, 499, 500, 503, 504)
"""What POST /mcp is answered with, for the same reason."""


@dataclass(slots=True)
class Track:
    """A call being measured; whoever serves it sets how it ended."""

    outcome: str = "internal"


class Bounded:
    """Lets the first `MOST_VALUES` distinct values through and calls the rest `other`."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, or `other` when the list is full."""
        if value not in self.seen:
            if len(self.seen) >= MOST_VALUES or len(value) > 64:
                return OTHER
            self.seen.add(value)
        return value


class DroppedRecords(Collector):
    """The journal sender's own count, read when scraped: logging must not depend on metrics."""

    def __init__(self, service: str, drops: DropCount) -> None:
        self.service = service
        self.drops = drops

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One counter."""
        help_text = "Log records lost because the journal did not take them"
        family = CounterMetricFamily("a2a_mcp_log_records_dropped", help_text, labels=["service"])
        family.add_metric([self.service], self.drops.value)
        yield family


def exemplar() -> dict[str, str] | None:
    """The labels by which the current request is found in logs and traces; 118 of the 128 characters they may have."""
    info = current_request.get()
    if info is None:
        return None
    found = {"correlation_id": info.correlation_id}
    return found | {"trace_id": info.trace.trace_id} if info.trace else found


class Metrics:
    """Everything the process counts; `exposition` is what Prometheus reads."""

    def __init__(self, service: str, registry: CollectorRegistry | None = None) -> None:
        self.service = service
        self.registry = registry if registry is not None else CollectorRegistry()
        self.calls_served = 0
        self.calls_in_flight = 0
        self._tools: frozenset[str] = frozenset()
        self._outcome, self._reason, self._command, self._breaker = Bounded(), Bounded(), Bounded(), Bounded()
        self._make_call_metrics()
        self._make_http_metrics()
        self._make_dependency_metrics()
        self.registry.register(DroppedRecords(service, dropped))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"a2a_mcp_{name}", text, ("service", *labels), registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"a2a_mcp_{name}", text, ("service", *labels), registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        names = ("service", *labels)
        return Histogram(f"a2a_mcp_{name}", text, names, registry=self.registry, buckets=buckets)

    def _make_call_metrics(self) -> None:
        self._calls = self._counter("calls_total", "Tool calls by outcome", "tool", "outcome")
        self._call_seconds = self._histogram("call_duration_seconds", "Time a tool call took", CALL_SECONDS, "tool")
        self._in_flight = self._gauge("calls_in_flight", "Tool calls being served", "tool")

    def _make_http_metrics(self) -> None:
        self._http = self._counter("http_requests_total", "HTTP requests answered", "method", "status")
        self._http_seconds = self._histogram(
            "http_request_duration_seconds", "Time from request to end of answer", CALL_SECONDS
        ).labels(self.service)
        self._refusals = self._counter("auth_refusals_total", "Requests refused for their credential", "reason")
        self._limited = self._counter("rate_limited_total", "Requests answered 429").labels(self.service)
        self._suppressed = self._counter(
            "log_records_suppressed_total", "Records of refusals left out because their client caused too many"
        ).labels(self.service)
        self._fallbacks = self._counter(
            "rate_limit_fallbacks_total", "Requests limited locally because Redis was away"
        ).labels(self.service)

    def _make_dependency_metrics(self) -> None:
        self._breakers = self._gauge("circuit_breaker_state", "0 closed, 1 half-open, 2 open", "breaker")
        self._redis_seconds = self._histogram(
            "redis_command_duration_seconds", "Time Redis took to answer", REDIS_SECONDS, "command"
        )
        self._redis_errors = self._counter("redis_errors_total", "Redis commands that failed", "command")
        self._spans = self._counter("spans_total", "Spans by what became of them, where tracing is on", "outcome")
        self._build = self._gauge("build_info", "Always 1; the labels tell what runs", "version", "release", "python")

    def prepare(self, tools: Iterable[str]) -> None:
        """Name the tools there are: only they become labels, and each is exposed from the start with zeros."""
        self._tools = frozenset(tools)
        for status in POST_STATUSES:
            self._http.labels(self.service, "POST", str(status))
        for tool in self._tools:
            for outcome in OUTCOMES:
                self._calls.labels(self.service, tool, self._outcome(outcome))
            self._call_seconds.labels(self.service, tool)
            self._in_flight.labels(self.service, tool)

    def spans(self, outcome: str, number: int) -> None:
        """Count ended spans: exported, failed (the collector did not take them) or dropped (too many waited)."""
        self._spans.labels(self.service, outcome).inc(number)

    def build_info(self, version: str, release: str, python: str) -> None:
        """Say which version, deployed release and interpreter this process runs."""
        self._build.labels(self.service, version, release, python).set(1)

    @contextmanager
    def track_call(self, tool: str) -> Iterator[Track]:
        """Count and time one call; the body sets `.outcome`, and a body that never does has failed inside."""
        tool = tool if tool in self._tools else OTHER
        track = Track()
        gauge = self._in_flight.labels(self.service, tool)
        gauge.inc()
        self.calls_in_flight += 1
        started = time.perf_counter()
        try:
            yield track
        except asyncio.CancelledError:
            # Its client left or its instance stops: nobody waits for the answer that is not given.
            track.outcome = "cancelled"
            raise
        finally:
            self._call_seconds.labels(self.service, tool).observe(time.perf_counter() - started, exemplar())
            self._calls.labels(self.service, tool, self._outcome(track.outcome)).inc()
            gauge.dec()
            self.calls_in_flight -= 1
            self.calls_served += 1

    def http_request(self, method: str, status: int, seconds: float) -> None:
        """Count one answered HTTP request."""
        method = method if method in HTTP_METHODS else "OTHER"
        self._http.labels(self.service, method, str(status)).inc()
        self._http_seconds.observe(seconds, exemplar())

    def auth_refused(self, reason: str) -> None:
        """Count one refused credential; `reason` is one of the authenticator's own words."""
        self._refusals.labels(self.service, self._reason(reason)).inc()

    def rate_limited(self) -> None:
        """Count one 429."""
        self._limited.inc()

    def record_suppressed(self) -> None:
        """Count one refusal that was left out of the log."""
        self._suppressed.inc()

    def limiter_fallback(self) -> None:
        """Count one request limited without Redis."""
        self._fallbacks.inc()

    def breaker_state(self, name: str, state: str) -> None:
        """Show a breaker's state: closed, half-open or open."""
        self._breakers.labels(self.service, self._breaker(name)).set(BREAKER_STATES[state])

    def observe_redis(self, command: str, seconds: float, ok: bool) -> None:
        """Time one Redis command and count it when it failed."""
        command = self._command(command.lower())
        self._redis_seconds.labels(self.service, command).observe(seconds, exemplar())
        self._redis_errors.labels(self.service, command).inc(0 if ok else 1)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The page Prometheus reads and its content type: OpenMetrics when `accept` asks for it."""
        # The library's own negotiation fails on a version that is no number, and the header is the caller's.
        if any(media.split(";")[0].strip() == "application/openmetrics-text" for media in accept.split(",")):
            page: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return page, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

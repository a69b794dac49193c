"""The fleet at a glance: is it well, what is wrong, since when, and for whom."""

from monitoring.grafana.board import Board
from monitoring.grafana.panels import (
    COUNT,
    HALF,
    PER_SECOND,
    SECONDS,
    SHARE,
    THIRD,
    Query,
    figure,
    lines,
    rows,
    states,
)

UP = [("0", "down", "red"), ("1", "up", "green")]
BREAKER = [("0", "closed", "green"), ("1", "half-open", "yellow"), ("2", "open", "red")]
ALERTS = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'

NOW = [
    figure("Instances down", "Instances that did not answer the last scrape.", COUNT,
           'count(up{job="a2a-mcp"} == 0) or vector(0)', [(1, "red")], ["InstanceDown"]),
    figure("Services down", "Services of which no instance answers.", COUNT,
           'count(sum by (service) (up{job="a2a-mcp"}) == 0) or vector(0)', [(1, "red")], ["ServiceDown"]),
    figure("Alerts", "Alerts that fire, but for the one that always does.", COUNT,
           f"count({ALERTS}) or vector(0)", [(1, "orange")]),
    figure("Requests", "Requests of all services a second.", PER_SECOND, "sum(service:a2a_mcp_requests:rate5m)"),
    figure("Failing", "Share of requests that fail on our side: 5xx, and results that say internal, unavailable or "
           "deadline_exceeded.", SHARE,
           "sum(service:a2a_mcp_failures:rate5m) / (sum(service:a2a_mcp_requests:rate5m) > 0)",
           [(0.001, "orange"), (0.1, "red")], ["ServiceErrorRatioHigh"]),
    figure("Slowest service", "The largest p95 of all services.", SECONDS,
           "max(service:a2a_mcp_call_duration_seconds:p95_rate5m)", [(0.5, "orange"), (2.5, "red")], ["ServiceSlow"]),
]  # fmt: skip

WHO = [
    states("Instances", "Red from when an instance stopped answering until it answered again.",
           'min by (instance, service) (up{job="a2a-mcp"})', "{{service}} {{instance}}", UP, ["InstanceDown"],
           height=16),
    rows("Alerts that fire", "What Alertmanager has been told of.", ALERTS,
         ["alertstate", "Value", "fleet", "job", "scope", "window"]),
    rows("Releases", "What runs: more than one release of a service is a deployment that did not end.",
         "count by (service, release, version) (a2a_mcp_build_info)", [], runbooks=["ReleasesDiffer"]),
]  # fmt: skip

SIGNALS = [
    lines("Traffic", "Requests a second by service.", PER_SECOND,
          Query("service:a2a_mcp_requests:rate5m", "{{service}}"), stacked=True),
    lines("Errors", "Share of requests that fail on our side.", SHARE,
          Query("service:a2a_mcp_failures:ratio_rate5m", "{{service}}"), limits=[(0.1, "red")],
          runbooks=["ServiceErrorRatioHigh"]),
    lines("Latency", "Time within which 95 of 100 tool calls are answered.", SECONDS,
          Query("fleet:a2a_mcp_call_duration_seconds:p95_rate5m", "all together"),
          Query("service:a2a_mcp_call_duration_seconds:p95_rate5m", "{{service}}"), runbooks=["ServiceSlow"]),
    lines("Saturation: memory", "Memory of the fullest instance against its MemoryMax.", SHARE,
          Query("max by (service) (a2a_mcp_memory_working_set_bytes / a2a_mcp_memory_limit_bytes)", "{{service}}"),
          limits=[(0.75, "orange")], runbooks=["InstanceMemoryHigh"]),
    lines("Saturation: processor", "Cores that the instances of a service use together.", COUNT,
          Query('sum by (service) (rate(process_cpu_seconds_total{job="a2a-mcp"}[$__rate_interval]))', "{{service}}"),
          stacked=True),
    lines("Calls in flight", "Tool calls being served; one that only grows is stuck.", COUNT,
          Query("sum by (service) (a2a_mcp_calls_in_flight)", "{{service}}")),
]  # fmt: skip

PROMISES = [
    lines("Availability budget, 1 h", "How fast the last hour spends the error budget; 1 is as fast as 30 days allow.",
          COUNT, Query("service:availability_burn:ratio_rate1h", "{{service}}"), limits=[(1, "orange"), (14.4, "red")],
          runbooks=["AvailabilityBudgetBurnsFast", "AvailabilityBudgetBurnsSlowly"], span=THIRD),
    lines("Latency budget, 1 h", "The same for calls that are slower than promised.", COUNT,
          Query("service:latency_burn:ratio_rate1h", "{{service}}"), limits=[(1, "orange"), (14.4, "red")],
          runbooks=["LatencyBudgetBurnsFast", "LatencyBudgetBurnsSlowly"], span=THIRD),
    lines("Failures, 3 days", "Requests that failed on our side within 3 days.", COUNT,
          Query("service:a2a_mcp_failures:increase3d", "{{service}}"), span=THIRD),
    states("Breakers", "A breaker opens where a dependency does not answer.",
           "max by (service, breaker) (a2a_mcp_circuit_breaker_state)", "{{service}} → {{breaker}}", BREAKER,
           ["CircuitBreakerOpen"], span=HALF, height=8),
    lines("Restarts", "Starts of instances within 15 minutes.", COUNT,
          Query('sum by (service) (changes(process_start_time_seconds{job="a2a-mcp"}[15m]))', "{{service}}"),
          limits=[(4, "red")], runbooks=["InstanceRestartLoop"]),
]  # fmt: skip

BOARD = Board(
    "a2a-fleet",
    "Fleet",
    "All services: whether they answer, how much, how well, how fast, and how full they are.",
    {"Is it well?": NOW, "Who is down": WHO, "Traffic, errors, latency, saturation": SIGNALS, "Promises": PROMISES},
)

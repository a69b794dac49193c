"""One service: by tool, by instance, and what it depends on; exemplars lead from a slow call to its lines."""

from monitoring.grafana.board import Board, Variable
from monitoring.grafana.boards.fleet import BREAKER, UP
from monitoring.grafana.panels import (
    BYTES,
    COUNT,
    HALF,
    PER_SECOND,
    SECONDS,
    SHARE,
    THIRD,
    Query,
    figure,
    lines,
    spread,
    states,
)

ONE = 'service=~"$service"'
TOOLS = f'{ONE}, tool=~"$tool"'
INSTANCES = f'{ONE}, instance=~"$instance"'
EXEMPLARS = "Dots are single calls: their correlation_id finds every line with `journalctl CORRELATION_ID=…`."

NOW = [
    figure("Instances", "Share of instances that answer.", SHARE, f'avg(up{{job="a2a-mcp", {ONE}}})',
           runbooks=["ServiceDown", "InstanceDown"]),
    figure("Requests", "Requests a second.", PER_SECOND, f"sum(service:a2a_mcp_requests:rate5m{{{ONE}}})"),
    figure("Failing", "Share of requests that fail on our side.", SHARE,
           f"max(service:a2a_mcp_failures:ratio_rate5m{{{ONE}}})", [(0.001, "orange"), (0.1, "red")],
           ["ServiceErrorRatioHigh"]),
    figure("p95", "Time within which 95 of 100 tool calls are answered.", SECONDS,
           f"max(service:a2a_mcp_call_duration_seconds:p95_rate5m{{{ONE}}})", runbooks=["ServiceSlow"]),
    figure("Too slow", "Share of calls that take longer than promised.", SHARE,
           f"max(service:a2a_mcp_slow_calls:ratio_rate5m{{{ONE}}})", [(0.01, "orange"), (0.25, "red")],
           ["LatencyBudgetBurnsFast"]),
    figure("Budget, 1 h", "How fast the error budget is spent; 1 is as fast as 30 days allow.", COUNT,
           f"max(service:availability_burn:ratio_rate1h{{{ONE}}})", [(1, "orange"), (14.4, "red")],
           ["AvailabilityBudgetBurnsFast"]),
]  # fmt: skip

BY_TOOL = [
    lines("Calls", "Tool calls a second.", PER_SECOND,
          Query(f"sum by (tool) (rate(a2a_mcp_calls_total{{{TOOLS}}}[$__rate_interval]))", "{{tool}}"), stacked=True),
    lines("Calls that did not end well", "By outcome. Refused arguments are the caller's; internal, unavailable and "
          "deadline_exceeded are ours.", PER_SECOND,
          Query(f'sum by (tool, outcome) (rate(a2a_mcp_calls_total{{{TOOLS}, outcome!="ok"}}[$__rate_interval])) > 0',
                "{{tool}} {{outcome}}"), runbooks=["ServiceErrorRatioHigh"]),
    lines("p95 by tool", f"Time within which 95 of 100 calls are answered. {EXEMPLARS}", SECONDS,
          Query("histogram_quantile(0.95, sum by (tool, le) "
                f"(rate(a2a_mcp_call_duration_seconds_bucket{{{TOOLS}}}[$__rate_interval])))", "{{tool}}", True),
          runbooks=["ServiceSlow"]),
    spread("Duration of calls", f"How many calls took how long. {EXEMPLARS}",
           f"sum by (le) (increase(a2a_mcp_call_duration_seconds_bucket{{{TOOLS}}}[$__rate_interval]))"),
    lines("p50, p95, p99", "Of all tools together.", SECONDS,
          Query(f"service:a2a_mcp_call_duration_seconds:p50_rate5m{{{ONE}}}", "p50"),
          Query(f"service:a2a_mcp_call_duration_seconds:p95_rate5m{{{ONE}}}", "p95"),
          Query(f"service:a2a_mcp_call_duration_seconds:p99_rate5m{{{ONE}}}", "p99")),
    lines("In flight", "Tool calls being served.", COUNT,
          Query(f"sum by (tool) (a2a_mcp_calls_in_flight{{{TOOLS}}})", "{{tool}}")),
]  # fmt: skip

BY_INSTANCE = [
    states("Up", "Red while an instance did not answer.", f'up{{job="a2a-mcp", {INSTANCES}}}', "{{instance}}", UP,
           ["InstanceDown"], height=6),
    lines("Requests", "Requests a second.", PER_SECOND,
          Query(f"instance:a2a_mcp_requests:rate5m{{{INSTANCES}}}", "{{instance}}"), span=THIRD),
    lines("Failing", "Share of requests that fail on our side.", SHARE,
          Query(f"instance:a2a_mcp_failures:ratio_rate5m{{{INSTANCES}}}", "{{instance}}"), span=THIRD),
    lines("p95", "Time within which 95 of 100 tool calls are answered.", SECONDS,
          Query(f"instance:a2a_mcp_call_duration_seconds:p95_rate5m{{{INSTANCES}}}", "{{instance}}"), span=THIRD),
    lines("Memory", "Working set, and the limit at which the kernel ends it.", BYTES,
          Query(f"a2a_mcp_memory_working_set_bytes{{{INSTANCES}}}", "{{instance}}"),
          Query(f"min(a2a_mcp_memory_limit_bytes{{{INSTANCES}}})", "MemoryMax"), runbooks=["InstanceMemoryHigh"],
          span=THIRD),
    lines("Processor", "Cores in use.", COUNT,
          Query(f"rate(process_cpu_seconds_total{{{INSTANCES}}}[$__rate_interval])", "{{instance}}"), span=THIRD),
    lines("How runs ended", "Runs that ended badly within an hour, by what systemd says of them.", COUNT,
          Query(f"sum by (instance, result) (increase(a2a_mcp_unit_failures_total{{{INSTANCES}}}[1h]))",
                "{{instance}} {{result}}"), runbooks=["InstanceHung", "InstanceCrashed"], span=THIRD),
]  # fmt: skip

AROUND = [
    lines("Redis: p95", "Time Redis took to answer this service.", SECONDS,
          Query("histogram_quantile(0.95, sum by (command, le) "
                f"(rate(a2a_mcp_redis_command_duration_seconds_bucket{{{ONE}}}[$__rate_interval])))", "{{command}}"),
          runbooks=["RedisFails"]),
    lines("Redis: errors", "Commands that failed, a second.", PER_SECOND,
          Query(f"sum by (command) (rate(a2a_mcp_redis_errors_total{{{ONE}}}[$__rate_interval]))", "{{command}}"),
          runbooks=["RedisFails"]),
    states("Breakers", "A breaker opens where a dependency does not answer.",
           f"max by (breaker) (a2a_mcp_circuit_breaker_state{{{ONE}}})", "{{breaker}}", BREAKER,
           ["CircuitBreakerOpen"], span=HALF, height=8),
    lines("Limits", "Requests answered 429, and requests limited without Redis.", PER_SECOND,
          Query(f"sum(rate(a2a_mcp_rate_limited_total{{{ONE}}}[$__rate_interval]))", "429"),
          Query(f"sum(rate(a2a_mcp_rate_limit_fallbacks_total{{{ONE}}}[$__rate_interval]))", "without Redis"),
          runbooks=["RateLimiterAlone"]),
    lines("Answers", "POST requests by HTTP status.", PER_SECOND,
          Query(f'sum by (status) (rate(a2a_mcp_http_requests_total{{method="POST", {ONE}}}[$__rate_interval]))',
                "{{status}}"), stacked=True),
    lines("Log records dropped", "Lines that the journal did not take within 10 minutes.", COUNT,
          Query(f"sum(increase(a2a_mcp_log_records_dropped_total{{{ONE}}}[10m]))", "dropped"),
          runbooks=["LogRecordsDropped"]),
]  # fmt: skip

BOARD = Board(
    "a2a-service",
    "Service",
    "One service by tool and by instance, with exemplars, and what it depends on.",
    {"Is it well?": NOW, "By tool": BY_TOOL, "By instance": BY_INSTANCE, "What it depends on": AROUND},
    (
        Variable("service", 'up{job="a2a-mcp"}', "service", several=False),
        Variable("tool", 'a2a_mcp_calls_in_flight{service=~"$service"}', "tool"),
        Variable("instance", 'up{job="a2a-mcp", service=~"$service"}', "instance"),
    ),
)

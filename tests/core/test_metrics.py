"""The metrics page: the promised names, parsed by Prometheus's own parser, and labels that callers cannot make."""

import asyncio

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.a2a.mcp.core.journal import dropped
from app.a2a.mcp.core.metrics import MOST_VALUES, OUTCOMES, Metrics
from app.a2a.mcp.core.refusal import STATUS
from app.a2a.mcp.errors import A2AError, ConfigurationError

PROMISED = {
    "a2a_mcp_calls": "counter",
    "a2a_mcp_call_duration_seconds": "histogram",
    "a2a_mcp_calls_in_flight": "gauge",
    "a2a_mcp_http_requests": "counter",
    "a2a_mcp_http_request_duration_seconds": "histogram",
    "a2a_mcp_auth_refusals": "counter",
    "a2a_mcp_rate_limited": "counter",
    "a2a_mcp_rate_limit_fallbacks": "counter",
    "a2a_mcp_circuit_breaker_state": "gauge",
    "a2a_mcp_redis_command_duration_seconds": "histogram",
    "a2a_mcp_redis_errors": "counter",
    "a2a_mcp_log_records_dropped": "counter",
    "a2a_mcp_build_info": "gauge",
    "process_cpu_seconds": "counter",
    "process_resident_memory_bytes": "gauge",
}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics("sample")
    metrics.prepare(["add", "wait"])
    return metrics


def samples(metrics: Metrics) -> Samples:
    page, _ = metrics.exposition("")
    families = parse_text(page.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset({"service": "sample", **labels}.items())))


def test_every_promised_metric_is_exposed_under_its_name_and_type(metrics: Metrics) -> None:
    metrics.build_info("1.2.3", "1.2.3-abc", "3.11.2")
    families = {family.name: family.type for family in parse_text(metrics.exposition("")[0].decode())}
    assert {name: families.get(name) for name in PROMISED} == PROMISED


def test_a_scraper_that_asks_for_openmetrics_gets_it(metrics: Metrics) -> None:
    page, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "a2a_mcp_calls" in {family.name for family in parse_openmetrics(page.decode())}
    assert metrics.exposition("")[1].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=x", "text/plain; version=é", ";,;", "*/*"])
def test_whatever_is_accepted_gets_a_page(metrics: Metrics, accept: str) -> None:
    assert b"a2a_mcp_calls" in metrics.exposition(accept)[0]


def test_a_call_is_counted_timed_and_no_longer_in_flight(metrics: Metrics) -> None:
    with metrics.track_call("add") as track:
        assert value(metrics, "a2a_mcp_calls_in_flight", tool="add") == 1
        assert metrics.calls_in_flight == 1
        track.outcome = "ok"
    assert value(metrics, "a2a_mcp_calls_in_flight", tool="add") == 0
    assert value(metrics, "a2a_mcp_calls_total", tool="add", outcome="ok") == 1
    assert value(metrics, "a2a_mcp_call_duration_seconds_count", tool="add") == 1
    assert (metrics.calls_served, metrics.calls_in_flight) == (1, 0)


def test_a_call_that_raises_is_counted_as_internal(metrics: Metrics) -> None:
    with pytest.raises(RuntimeError), metrics.track_call("add"):
        raise RuntimeError
    assert value(metrics, "a2a_mcp_calls_total", tool="add", outcome="internal") == 1
    assert metrics.calls_in_flight == 0


def test_a_call_whose_client_left_is_not_counted_as_our_failure(metrics: Metrics) -> None:
    with pytest.raises(asyncio.CancelledError), metrics.track_call("add"):
        raise asyncio.CancelledError
    assert value(metrics, "a2a_mcp_calls_total", tool="add", outcome="cancelled") == 1
    assert value(metrics, "a2a_mcp_calls_total", tool="add", outcome="internal") == 0


def test_every_code_of_the_error_tree_is_an_outcome_that_is_exposed_from_the_start(metrics: Metrics) -> None:
    pending, codes = [A2AError], set()
    while pending:
        error = pending.pop()
        pending += error.__subclasses__()
        codes.add(error.code)
    codes -= {ConfigurationError.code}
    assert codes < set(OUTCOMES)
    for outcome in OUTCOMES:
        assert value(metrics, "a2a_mcp_calls_total", tool="wait", outcome=outcome) == 0


def test_failures_of_the_endpoint_are_exposed_before_the_first(metrics: Metrics) -> None:
    for status in {str(status) for status in STATUS.values()} - {"409"} | {"200", "499"}:
        assert value(metrics, "a2a_mcp_http_requests_total", method="POST", status=status) == 0


def test_known_tools_are_exposed_before_their_first_call(metrics: Metrics) -> None:
    assert value(metrics, "a2a_mcp_call_duration_seconds_count", tool="wait") == 0


def test_an_unknown_tool_never_becomes_a_label(metrics: Metrics) -> None:
    for number in range(200):
        with metrics.track_call(f"invented_{number}"):
            pass
    assert b"invented" not in metrics.exposition("")[0]
    assert value(metrics, "a2a_mcp_call_duration_seconds_count", tool="other") == 200


def test_words_from_elsewhere_are_bounded_in_number_and_length(metrics: Metrics) -> None:
    metrics.auth_refused("x" * 65)
    for number in range(500):
        metrics.auth_refused(f"reason-{number}")
        metrics.observe_redis(f"COMMAND{number}", 0.001, ok=False)
        metrics.breaker_state(f"breaker-{number}", "closed")
        metrics.http_request(f"METHOD{number}", 200, 0.1)
    names = [name for name, _ in samples(metrics)]
    assert names.count("a2a_mcp_auth_refusals_total") == MOST_VALUES + 1
    assert names.count("a2a_mcp_redis_errors_total") == MOST_VALUES + 1
    assert names.count("a2a_mcp_circuit_breaker_state") == MOST_VALUES + 1
    assert value(metrics, "a2a_mcp_http_requests_total", method="OTHER", status="200") == 500


@pytest.mark.parametrize(("state", "number"), [("closed", 0), ("half-open", 1), ("open", 2)])
def test_breaker_states_are_numbers(metrics: Metrics, state: str, number: int) -> None:
    metrics.breaker_state("redis", state)
    assert value(metrics, "a2a_mcp_circuit_breaker_state", breaker="redis") == number


def test_redis_commands_are_timed_and_only_failures_are_errors(metrics: Metrics) -> None:
    metrics.observe_redis("EVALSHA", 0.0003, ok=True)
    metrics.observe_redis("evalsha", 0.5, ok=False)
    assert value(metrics, "a2a_mcp_redis_command_duration_seconds_count", command="evalsha") == 2
    assert value(metrics, "a2a_mcp_redis_errors_total", command="evalsha") == 1


def test_a_redis_command_that_never_failed_says_so(metrics: Metrics) -> None:
    metrics.observe_redis("ping", 0.0003, ok=True)
    assert value(metrics, "a2a_mcp_redis_errors_total", command="ping") == 0


def test_limiter_counters_count(metrics: Metrics) -> None:
    metrics.rate_limited()
    metrics.limiter_fallback()
    assert value(metrics, "a2a_mcp_rate_limited_total") == 1
    assert value(metrics, "a2a_mcp_rate_limit_fallbacks_total") == 1


def test_records_the_journal_refused_are_exposed(metrics: Metrics) -> None:
    before = value(metrics, "a2a_mcp_log_records_dropped_total") or 0
    dropped.add()
    assert value(metrics, "a2a_mcp_log_records_dropped_total") == before + 1


def test_two_processes_metrics_do_not_share_a_registry() -> None:
    first, second = Metrics("sample"), Metrics("sample")
    first.rate_limited()
    assert value(second, "a2a_mcp_rate_limited_total") == 0

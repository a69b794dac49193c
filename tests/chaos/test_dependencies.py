"""What happens when the journal freezes and when Redis goes: answers go on, and everything recovers by itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import orjson
import pytest

from tests.chaos.conftest import SERVICE, Instance
from tests.fleet import Fleet, until
from tests.load import Load

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

Loader = Callable[..., AbstractContextManager[Load]]


@contextmanager
def stopped(fleet: Fleet, stop: str, start: str) -> Iterator[None]:
    fleet.sh(stop)
    try:
        yield
    finally:
        fleet.sh(start)


def health(instance: Instance) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(instance.fleet.sh(f"curl -s http://127.0.0.1:{instance.port}/health"))
    return answer


def test_a_frozen_journal_stops_no_answer(instance: Instance, load: Loader) -> None:
    kill = "systemctl kill --kill-whom=main -s {} systemd-journald"
    with load() as running, stopped(instance.fleet, kill.format("STOP"), kill.format("CONT")):
        begun = running.answered
        until(lambda: running.answered > begun + 3000, 90, "the answers stopped with the journal", running)
    assert not running.failures, running.failures
    metrics = instance.fleet.sh(f"curl -s http://127.0.0.1:{instance.port}/metrics")
    assert "a2a_mcp_log_records_dropped_total" in metrics


def test_calls_go_on_without_redis_and_recover_with_it(instance: Instance, load: Loader) -> None:
    with load() as running:
        with stopped(instance.fleet, "systemctl stop redis-server", "systemctl start redis-server"):
            begun = running.answered
            until(lambda: running.answered > begun + 1000, 90, "the answers stopped with Redis", running)
            until(lambda: not health(instance)["state"]["redis_ok"], 20, "health does not say that Redis is away")
            assert instance.answers(), "an instance without Redis is degraded, and still ready"
        until(lambda: health(instance)["state"]["redis_ok"], 30, "health does not see Redis again")
    assert not running.failures, running.failures


def test_what_was_stored_is_there_after_redis_restarts(fleet: Fleet, edge: httpx.Client) -> None:
    service = "vector_similarity"
    items = [{"id": f"v{n}", "vector": [float(n), 1.0]} for n in range(20)]
    stored = fleet.call(edge, service, "upsert_vectors", {"collection": "chaos", "items": items})
    assert stored.json()["result"]["structuredContent"]["size"] == len(items)
    fleet.sh("systemctl kill -s KILL --kill-whom=main redis-server; sleep 1; systemctl start redis-server")

    def found() -> bool:
        query = {"collection": "chaos", "query_vector": [19.0, 1.0], "top_k": 1}
        result = fleet.call(edge, service, "search_vectors", query).json()["result"]
        return not result.get("isError") and result["structuredContent"]["collection_size"] == len(items)

    until(found, 40, "the collection is not found again")
    fleet.call(edge, service, "upsert_vectors", {"collection": "chaos", "items": [], "drop": True})


def test_a_sister_that_is_gone_is_answered_for_locally(fleet: Fleet, edge: httpx.Client) -> None:
    texts = {"text1": "How do I reset my password?", "text2": "Steps to change your password", "method": "semantic"}
    whole = fleet.call(edge, SERVICE, "calculate_text_similarity", texts).json()["result"]["structuredContent"]
    sisters = " ".join(fleet.units("vector_similarity"))
    with stopped(fleet, f"systemctl stop {sisters}", f"systemctl start {sisters}"):
        alone = fleet.call(edge, SERVICE, "calculate_text_similarity", texts).json()["result"]["structuredContent"]
    assert whole["degraded"] is False
    assert alone["degraded"] is True
    assert alone["similarity"] == pytest.approx(whole["similarity"], abs=2e-3)

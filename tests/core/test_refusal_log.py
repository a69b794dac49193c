"""A client that causes refusals without end leaves a bounded number of records, and nobody else loses one."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core import refusal_log
from app.a2a.mcp.core.access import AccessMiddleware
from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.refusal_log import MAX_CLIENTS, MOST_TOLD, RefusalLog, client_of
from app.a2a.mcp.core.request import Caller, RequestInfo, current_request, request_info
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.asgi import answer, exchange, scope_of
from tests.core.conftest import Clock
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio

ANN, BOB = ("CLIENT_ID", "ann"), ("CLIENT_ID", "bob")
BURST = 5


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.a2a.mcp.core")


@pytest.fixture
def counted() -> list[int]:
    return []


@pytest.fixture
def refusals(counted: list[int]) -> RefusalLog:
    return RefusalLog(BURST, 0.5, lambda: counted.append(1))


async def test_a_client_has_a_burst_and_then_so_many_a_second(
    refusals: RefusalLog, clock: Clock, counted: list[int]
) -> None:
    taken = 0
    for _ in range(1000):
        taken += refusals.takes(ANN, clock())
        clock.advance(0.01)
    assert taken == BURST + 4, "half a record a second for ten seconds, and the last is not whole yet"
    assert len(counted) == 1000 - taken


async def test_another_client_keeps_its_own_burst(refusals: RefusalLog, clock: Clock) -> None:
    assert sum(refusals.takes(ANN, clock()) for _ in range(1000)) == BURST
    assert all(refusals.takes(BOB, clock()) for _ in range(BURST))


async def test_a_quiet_client_gets_its_whole_burst_back_and_no_more(refusals: RefusalLog, clock: Clock) -> None:
    for _ in range(1000):
        refusals.takes(ANN, clock())
    clock.advance(3600)
    assert sum(refusals.takes(ANN, clock()) for _ in range(1000)) == BURST


async def test_what_was_left_out_is_told_once_in_a_record_of_no_request(
    refusals: RefusalLog, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_log, "TELL_SECONDS", 0.01)
    seen, told = [], asyncio.Event()

    def notice(record: logging.LogRecord) -> bool:
        seen.append(current_request.get())
        told.set()
        return True

    monkeypatch.setattr(refusal_log.log, "filter", notice)
    token = current_request.set(RequestInfo("the-last-refusal", 0.0))
    for _ in range(BURST + 7):
        refusals.takes(ANN, clock())
    current_request.reset(token)
    async with asyncio.timeout(10):
        await told.wait()
    (record,) = caplog.records
    assert record.getMessage() == "7 refusals of client ann were not logged"
    assert (vars(record)["CLIENT_ID"], vars(record)["SUPPRESSED"]) == ("ann", 7)
    assert seen == [None]
    refusals.tell()
    assert len(caplog.records) == 1


async def test_many_clients_cost_bounded_memory_and_few_records(
    refusals: RefusalLog, clock: Clock, caplog: pytest.LogCaptureFixture, counted: list[int]
) -> None:
    for number in range(MAX_CLIENTS + 100):
        for _ in range(BURST + 1):
            refusals.takes(("CLIENT_ADDRESS", f"client {number}"), clock())
    assert len(refusals.buckets) == MAX_CLIENTS
    refusals.tell()
    assert len(caplog.records) == MOST_TOLD + 1
    assert sum(vars(record)["SUPPRESSED"] for record in caplog.records) == len(counted) == MAX_CLIENTS + 100


@pytest.mark.parametrize(
    ("address", "client"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), (None, "unknown")],
)
def test_without_a_caller_a_client_is_its_address_or_its_ipv6_network(address: str | None, client: str) -> None:
    assert client_of(RequestInfo("an-id", 0.0, client_address=address)) == ("CLIENT_ADDRESS", client)


def test_a_caller_is_its_name_wherever_it_calls_from() -> None:
    info = RequestInfo("an-id", 0.0, client_address="192.0.2.7", caller=Caller("ann", frozenset(), "api_key"))
    assert client_of(info) == ANN


@pytest.fixture
def runtime(make_settings: Callable[..., Settings], clock: Clock) -> Runtime:
    runtime = build_runtime(SERVICE, make_settings(mcp_log_refusals_burst=BURST))
    runtime.clock = clock
    return runtime


def answering(status: int, decision: Any = None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request_info(scope).decision = decision
        await answer(send, status)

    return app


@pytest.mark.parametrize(
    ("status", "decision", "left"),
    [(429, None, BURST), (403, "denied", BURST), (200, None, 20), (503, None, 20), (404, "allowed", 20)],
)
async def test_refusals_alone_are_left_out_of_the_log_and_counted(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, status: int, decision: Any, left: int
) -> None:
    app = CorrelationMiddleware(AccessMiddleware(answering(status, decision), runtime), runtime)
    for _ in range(20):
        await exchange(app, scope_of("/mcp", "POST"))
    assert len(caplog.records) == left
    suppressed = runtime.metrics.registry.get_sample_value(
        "a2a_mcp_log_records_suppressed_total", {"service": "sample"}
    )
    assert suppressed == 20 - left
    runtime.drain()
    assert len(caplog.records) == left + (suppressed > 0), "a stop tells what is still untold"

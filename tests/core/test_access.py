"""One record for each request, at a level a client cannot flood, and one answer for whatever fails."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core.access import AccessMiddleware
from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.request import request_info
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.asgi import answer, exchange, scope_of
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio

LEFT = {"type": "http.disconnect"}
Wrap = Callable[[ASGIApp], ASGIApp]


@pytest.fixture
def runtime(make_settings: Callable[..., Settings]) -> Runtime:
    runtime = build_runtime(SERVICE, make_settings())
    times = iter(range(1000))
    runtime.clock = lambda: next(times) / 4
    return runtime


@pytest.fixture
def wrap(runtime: Runtime, caplog: pytest.LogCaptureFixture) -> Wrap:
    caplog.set_level(logging.DEBUG, "app.a2a.mcp.core.access")
    return lambda app: CorrelationMiddleware(AccessMiddleware(app, runtime), runtime)


def answering(status: int) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, status)

    return app


def the_record(caplog: pytest.LogCaptureFixture) -> Any:
    (record,) = [record for record in caplog.records if hasattr(record, "STATUS")]
    return record


def counted(runtime: Runtime, status: int, method: str = "GET") -> float | None:
    labels = {"service": "sample", "method": method, "status": str(status)}
    return runtime.metrics.registry.get_sample_value("a2a_mcp_http_requests_total", labels)


@pytest.mark.parametrize(
    ("path", "status", "level", "outcome"),
    [
        ("/mcp", 200, logging.INFO, "ok"),
        ("/mcp", 202, logging.INFO, "ok"),
        ("/mcp", 401, logging.INFO, "refused"),
        ("/mcp", 429, logging.INFO, "refused"),
        ("/mcp", 500, logging.ERROR, "failed"),
        ("/livez", 200, logging.DEBUG, "ok"),
        ("/metrics", 200, logging.DEBUG, "ok"),
        ("/health", 401, logging.INFO, "refused"),
        ("/readyz", 503, logging.INFO, "failed"),
    ],
)
async def test_a_request_is_one_record_with_its_status_outcome_and_level(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime, path: str, status: int, level: int, outcome: str
) -> None:
    await exchange(wrap(answering(status)), scope_of(path))
    record = the_record(caplog)
    assert (record.levelno, record.STATUS, record.OUTCOME, record.HTTP_PATH) == (level, status, outcome, path)
    assert record.DURATION_MS == 250
    assert record.CLIENT_ADDRESS == "127.0.0.1"
    assert counted(runtime, status) == 1


async def test_the_message_names_the_method_and_tool(wrap: Wrap, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        info = request_info(scope)
        info.mcp_method, info.tool, info.outcome = "tools/call", "add", "not_found"
        await answer(send)

    await exchange(wrap(app), scope_of("/mcp", "POST"))
    record = the_record(caplog)
    assert (record.getMessage(), record.OUTCOME) == ("tools/call add 200", "not_found")


async def test_a_path_nobody_serves_and_an_invented_method_are_not_repeated(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime
) -> None:
    await exchange(wrap(answering(404)), scope_of("/a-callers-secret", "SECRET"))
    record = the_record(caplog)
    assert "secret" not in str(vars(record)).lower()
    assert counted(runtime, 404, "OTHER") == 1


async def test_what_nobody_caught_is_logged_once_and_answered_500_with_the_id(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    result = await exchange(wrap(app), scope_of("/health", headers={"X-Request-ID": "edge-1234"}))
    assert result.status == 500
    assert result.headers["x-content-type-options"] == "nosniff"
    assert result.headers["x-request-id"] == "edge-1234"
    error = json.loads(result.body)["error"]
    assert error["code"] == "internal"
    assert "edge-1234" in error["message"]
    assert "broken" not in error["message"]
    assert [record.exc_info is not None for record in caplog.records] == [True, False]
    assert the_record(caplog).OUTCOME == "internal"
    assert counted(runtime, 500) == 1


async def test_on_the_mcp_endpoint_a_failure_is_a_json_rpc_error(wrap: Wrap) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    body = json.loads((await exchange(wrap(app), scope_of("/mcp", "POST"))).body)
    assert (body["jsonrpc"], body["id"], body["error"]["data"]["code"]) == ("2.0", None, "internal")


async def test_a_failure_after_the_answer_began_sends_nothing_more(
    wrap: Wrap, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("broken")

    result = await exchange(wrap(app), scope_of("/mcp"))
    assert len(result.messages) == 1
    assert the_record(caplog).OUTCOME == "internal"


async def test_a_stream_is_recorded_when_it_ends(wrap: Wrap, caplog: pytest.LogCaptureFixture) -> None:
    lines_while_open = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
            lines_while_open.append(len(caplog.records))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    result = await exchange(wrap(app), scope_of("/mcp"))
    assert result.body == b"partpartpart"
    assert lines_while_open == [0, 0, 0]
    assert the_record(caplog).OUTCOME == "ok"


async def test_a_client_that_leaves_a_stream_is_recorded_as_cancelled(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"

    await exchange(wrap(app), scope_of("/mcp"), [LEFT])
    record = the_record(caplog)
    assert (record.OUTCOME, record.levelno, record.STATUS) == ("cancelled", logging.INFO, 200)


async def test_a_client_that_leaves_before_any_answer_is_499_and_no_error(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    await exchange(wrap(app), scope_of("/mcp"), [LEFT])
    record = the_record(caplog)
    assert (record.OUTCOME, record.STATUS, record.levelno) == ("cancelled", 499, logging.INFO)
    assert counted(runtime, 499) == 1


async def test_what_breaks_because_the_client_left_is_no_error(wrap: Wrap, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise RuntimeError("the stream is closed")

    result = await exchange(wrap(app), scope_of("/mcp"), [LEFT])
    assert result.messages == []
    assert the_record(caplog).OUTCOME == "cancelled"
    assert {record.levelno for record in caplog.records} == {logging.INFO}


async def test_a_client_that_leaves_after_its_answer_changes_nothing(
    wrap: Wrap, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        await receive()

    await exchange(wrap(app), scope_of("/mcp"), [LEFT])
    assert the_record(caplog).OUTCOME == "ok"


async def started_and_cancelled(app: ASGIApp) -> Any:
    """Cancel the request once it hangs, as a server does that has waited long enough."""
    task = asyncio.create_task(exchange(app, scope_of("/mcp", "POST")))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    return await task


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def test_a_cancelled_request_is_recorded_and_stays_cancelled(
    wrap: Wrap, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await started_and_cancelled(wrap(hang))
    assert (the_record(caplog).OUTCOME, the_record(caplog).STATUS) == ("cancelled", 499)


async def test_a_call_cut_by_a_stop_is_answered_503_and_told_to_try_again(
    wrap: Wrap, caplog: pytest.LogCaptureFixture, runtime: Runtime
) -> None:
    runtime.draining = True
    result = await started_and_cancelled(wrap(hang))
    assert result.status == 503
    assert json.loads(result.body)["error"]["data"]["code"] == "unavailable"
    assert the_record(caplog).STATUS == 503


async def test_other_connections_pass_through(runtime: Runtime) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def unused(*_: Any) -> Any:
        raise AssertionError

    await CorrelationMiddleware(AccessMiddleware(app, runtime), runtime)({"type": "lifespan"}, unused, unused)
    assert seen == ["lifespan"]

"""Every request has an id that the answer carries back, an address that cannot be forged, and a bounded deadline."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.a2a.mcp.core.correlation import CorrelationMiddleware
from app.a2a.mcp.core.request import RequestInfo, current_request, request_info
from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.asgi import Exchange, answer, exchange, scope_of
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
Ask = Callable[..., Any]


@pytest.fixture
def ask(make_settings: Callable[..., Settings]) -> Ask:
    """Sends one request through the middleware; gives its record and its answer."""

    async def ask(client: str = "127.0.0.1", **headers: str) -> tuple[RequestInfo, Exchange]:
        seen: list[RequestInfo] = []

        async def inner(scope: Scope, receive: Receive, send: Send) -> None:
            assert current_request.get() is request_info(scope)
            seen.append(request_info(scope))
            await answer(send)

        settings = make_settings(mcp_trusted_proxies=("127.0.0.1", "10.0.0.0/8"), mcp_call_timeout_seconds=30)
        runtime = build_runtime(SERVICE, settings)
        runtime.clock = lambda: 100.0
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        result = await exchange(CorrelationMiddleware(inner, runtime), scope_of(headers=sent, client=client))
        assert current_request.get() is None
        return seen[0], result

    return ask


async def test_a_well_formed_request_id_is_kept_and_returned(ask: Ask) -> None:
    info, result = await ask(X_Request_ID="edge-1234.abc_D")
    assert info.correlation_id == "edge-1234.abc_D"
    assert result.headers["x-request-id"] == "edge-1234.abc_D"


@pytest.mark.parametrize("bad", ["short", "x" * 65, "has space in it", 'quote"quote', "semi;colon;id", "ümlaut-id", ""])
async def test_a_malformed_request_id_is_replaced(ask: Ask, bad: str) -> None:
    info, result = await ask(X_Request_ID=bad)
    assert re.fullmatch("[0-9a-f]{32}", info.correlation_id)
    assert result.headers["x-request-id"] == info.correlation_id


async def test_without_an_id_the_trace_id_is_used_and_the_parent_kept(ask: Ask) -> None:
    info, _ = await ask(traceparent=PARENT)
    assert (info.correlation_id, info.trace.traceparent) == (TRACE, PARENT)


async def test_an_id_wins_over_the_trace_and_the_parent_is_kept(ask: Ask) -> None:
    info, _ = await ask(traceparent=PARENT, X_Request_ID="edge-1234")
    assert (info.correlation_id, info.trace.traceparent) == ("edge-1234", PARENT)


@pytest.mark.parametrize(
    "bad",
    [
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01-more",
        f"00-{TRACE}-b7ad6b7169203331",
        "nonsense",
    ],
)
async def test_a_malformed_parent_is_ignored(ask: Ask, bad: str) -> None:
    info, _ = await ask(traceparent=bad)
    assert info.trace is None
    assert info.correlation_id != TRACE


async def test_a_later_trace_version_may_say_more(ask: Ask) -> None:
    info, _ = await ask(traceparent=f"01-{TRACE}-b7ad6b7169203331-01-more")
    assert info.correlation_id == TRACE


async def test_the_state_of_a_trace_goes_along_with_it(ask: Ask) -> None:
    info, _ = await ask(traceparent=PARENT, tracestate="congo=t61rcWkgMzE, rojo=00f067aa0ba902b7")
    assert info.trace.state == "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


async def test_made_ids_differ(ask: Ask) -> None:
    ids = {(await ask())[0].correlation_id for _ in range(20)}
    assert len(ids) == 20


async def test_the_clients_address_is_the_last_hop_that_is_no_proxy(ask: Ask) -> None:
    info, _ = await ask(X_Forwarded_For="1.1.1.1, 203.0.113.9, 10.1.2.3")
    assert info.client_address == "203.0.113.9"


async def test_an_untrusted_peer_cannot_forge_its_address(ask: Ask) -> None:
    info, _ = await ask(client="198.51.100.7", X_Forwarded_For="127.0.0.1")
    assert info.client_address == "198.51.100.7"


async def test_a_sister_may_shorten_the_deadline_and_never_lengthen_it(ask: Ask) -> None:
    assert (await ask(X_A2A_Timeout_Ms="1500"))[0].deadline == 101.5
    assert (await ask(X_A2A_Timeout_Ms="999999"))[0].deadline == 130.0
    assert (await ask(X_A2A_Timeout_Ms="0"))[0].deadline == pytest.approx(100.001)


@pytest.mark.parametrize("bad", ["-1", "1e3", "", "soon", "9" * 30, "1.5"])
async def test_a_deadline_that_is_no_number_is_ignored(ask: Ask, bad: str) -> None:
    assert (await ask(X_A2A_Timeout_Ms=bad))[0].deadline is None


async def test_strangers_do_not_set_deadlines_directly_or_through_the_proxy(ask: Ask) -> None:
    assert (await ask(client="198.51.100.7", X_A2A_Timeout_Ms="1500"))[0].deadline is None
    assert (await ask(X_Forwarded_For="198.51.100.7", X_A2A_Timeout_Ms="1500"))[0].deadline is None

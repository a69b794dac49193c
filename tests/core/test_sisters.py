"""Calls between services, against a real HTTP server that can fail in every way."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import orjson
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.auth import Authenticator
from app.a2a.mcp.core.breaker import FAIL_MAX
from app.a2a.mcp.core.call import Binding, Call
from app.a2a.mcp.core.circuit_breaker import Breakers
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.registry import INSTANCE_STEP, Registry
from app.a2a.mcp.core.request import RequestInfo
from app.a2a.mcp.core.runtime import Runtime, build_runtime
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.sisters import SERVICE_TOKEN_SECONDS, Sisters
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.core.trace_context import parse_trace
from app.a2a.mcp.errors import (
    A2AError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
)
from tests.core.conftest import Clock
from tests.core.sample import build

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]
CORRELATION = "correlation-of-the-test"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Sister:
    """A small MCP server whose next answers a test writes; it keeps every request."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, dict[str, str], Any]] = []
        self.answer: Callable[[Any, Send], Awaitable[None]] = self.say({"value": 1})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["server"][1], headers | {":path": scope["path"]}, orjson.loads(body)))
        await self.answer(self.requests[-1][2], send)

    def reply(self, status: int, body: bytes, media: str = "application/json") -> None:
        """Answer so from now on."""

        async def answer(_: Any, send: Send) -> None:
            headers = [(b"content-type", media.encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        self.answer = answer

    def say(self, content: object, *, is_error: bool = False) -> Callable[[Any, Send], Awaitable[None]]:
        """Answer with a tool's result from now on."""
        result = {"structuredContent": content, "content": [], "isError": is_error, "resultType": "complete"}
        self.reply(200, orjson.dumps({"jsonrpc": "2.0", "id": 1, "result": result}))
        return self.answer

    def hang(self) -> None:
        """Never answer."""

        async def answer(_: Any, send: Send) -> None:
            await asyncio.Event().wait()

        self.answer = answer


@asynccontextmanager
async def serving(
    app: ASGIApp, port: int, lifespan: Literal["on", "off"] = "off", **options: Any
) -> AsyncIterator[None]:
    """The app behind a real server on the port; `options` are the server's own, such as a certificate."""
    options = {"ws": "none", "log_config": None, "timeout_graceful_shutdown": 0, **options}
    config = uvicorn.Config(app, host="127.0.0.1", port=port, lifespan=lifespan, **options)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    end = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < end and not task.done(), "the test's server did not start"
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)


def free_port() -> int:
    """A port that is free together with those of two more instances."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port + 2 * INSTANCE_STEP < 65536 and all(_is_free(port + INSTANCE_STEP * k) for k in (1, 2)):
            return port
    raise AssertionError("no three free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def fleet(port: int, instances: int = 1, named: str = "sister") -> Registry:
    """A registry with a caller and a sister."""
    services = [
        {"name": "caller", "port": port - 1, "tools": 0, "purpose": "asks", "calls": [named]},
        {"name": named, "port": port, "tools": 1, "purpose": "answers"},
    ]
    return Registry.model_validate({"instances": instances, "services": services})


class Caller:
    """The asking side, as a runtime holds it."""

    def __init__(self, settings: Settings, registry: Registry, clock: Clock) -> None:
        self.runtime: Runtime = build_runtime(registry.get("caller"), settings, registry)
        metrics = Metrics("caller")
        self.breakers = Breakers("caller", Stores.open(settings, metrics), metrics, clock)
        self.authenticator = Authenticator(settings, clock)
        self.sisters = Sisters("caller", settings, registry, self.breakers, self.authenticator, clock)

    def call(self, seconds: float = 5.0) -> Call[Any]:
        """A call under way with so much time left."""
        info = RequestInfo(
            CORRELATION, self.runtime.clock(), parse_trace(TRACE), deadline=self.runtime.clock() + seconds
        )
        return Call(info, Binding(self.runtime))

    async def ask(self, seconds: float = 5.0, **options: Any) -> dict[str, Any]:
        """Ask the sister once."""
        return await self.sisters.call("sister", "embed", {"text": "hello\u2028"}, self.call(seconds), **options)

    async def refusal(self, **options: Any) -> A2AError:
        """The error of one call."""
        with pytest.raises(A2AError) as caught:
            await self.ask(**options)
        return caught.value


@pytest.fixture
async def sister() -> AsyncIterator[tuple[Sister, int]]:
    """A running sister and her port."""
    app, port = Sister(), free_port()
    async with serving(app, port):
        yield app, port


@pytest.fixture
async def caller(make_settings: MakeSettings, clock: Clock, sister: tuple[Sister, int]) -> AsyncIterator[Caller]:
    """A started caller of that sister."""
    asking = Caller(make_settings(), fleet(sister[1]), clock)
    await asking.sisters.start()
    yield asking
    await asking.sisters.close()


async def test_a_call_is_one_stateless_request_that_carries_what_belongs_to_it(
    sister: tuple[Sister, int], caller: Caller
) -> None:
    sister[0].say({"vectors": [[0.5]]})
    assert await caller.ask() == {"vectors": [[0.5]]}
    ((_, headers, body),) = sister[0].requests
    assert headers[":path"] == "/mcp" and headers["content-type"] == "application/json"
    assert (headers["mcp-protocol-version"], headers["mcp-method"], headers["mcp-name"]) == (
        "2026-07-28", "tools/call", "embed",
    )  # fmt: skip
    assert (headers["x-request-id"], headers["traceparent"]) == (CORRELATION, TRACE)
    assert body["params"]["_meta"]["traceparent"] == TRACE
    assert 4000 < int(headers["x-a2a-timeout-ms"]) <= 4500, "nine tenths of what is left"
    assert body["method"] == "tools/call" and body["params"]["arguments"] == {"text": "hello\u2028"}
    assert body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"] == "caller"


async def test_the_service_token_reads_only_lives_short_and_is_renewed_at_half_its_life(
    sister: tuple[Sister, int], caller: Caller, clock: Clock
) -> None:
    for _ in range(2):
        await caller.ask()
    clock.advance(SERVICE_TOKEN_SECONDS / 2)
    await caller.ask()
    first, second, third = (headers["authorization"] for _, headers, _ in sister[0].requests)
    assert first == second != third
    known = caller.authenticator.authenticate([(b"authorization", third.encode())])
    assert (known.client_id, known.permissions) == ("service:caller", {"read"})
    assert known.expires_at == clock.now + SERVICE_TOKEN_SECONDS


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_a_streamed_answer_is_read_past_its_notifications(
    sister: tuple[Sister, int], caller: Caller, newline: str
) -> None:
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": {"text": "a\u2028b"}, "isError": False}}
    lines = [": ping", "", "event: message", b"data: " + orjson.dumps(progress), ""]
    lines += ["event: message", b"data: " + orjson.dumps(answer), "", ""]
    stream = newline.encode().join(line if isinstance(line, bytes) else line.encode() for line in lines)
    sister[0].reply(200, stream, "text/event-stream; charset=utf-8")
    assert await caller.ask() == {"text": "a\u2028b"}


@pytest.mark.parametrize("kind", [InvalidArgumentError, LimitExceededError, NotFoundError, DeadlineExceededError])
async def test_a_tools_error_comes_back_as_itself_and_is_no_fault(
    sister: tuple[Sister, int], caller: Caller, kind: type[A2AError]
) -> None:
    told = kind.at("/items/0", "is wrong")
    sister[0].say({"error": told.as_dict()}, is_error=True)
    for _ in range(FAIL_MAX + 1):
        error = await caller.refusal()
        assert type(error) is kind and error.as_dict() == told.as_dict()
    assert caller.breakers.states() == {"sister": "closed"}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no","data":{"code":"unauthenticated"}}}',
         "refused the call: unauthenticated"),
        (429, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"x","data":{"code":"rate_limited"}}}',
         "refused the call: rate_limited"),
        (404, b"<html>not here</html>", "refused the call: HTTP 404"),
        (200, b"", "refused the call: HTTP 200"),
        (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"none"}}', "refused the call: HTTP 200"),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}', "without a structured result"),
    ],
)  # fmt: skip
async def test_a_refused_call_is_unavailable_and_does_not_open_the_breaker(
    sister: tuple[Sister, int], caller: Caller, status: int, body: bytes, says: str
) -> None:
    sister[0].reply(status, body)
    for _ in range(FAIL_MAX + 1):
        error = await caller.refusal()
        assert isinstance(error, UnavailableError) and says in error.message
    assert len(sister[0].requests) == FAIL_MAX + 1, "a refusal is not asked again"
    assert caller.breakers.states() == {"sister": "closed"}


async def test_an_error_without_a_known_code_is_internal(sister: tuple[Sister, int], caller: Caller) -> None:
    sister[0].say({"error": {"code": "brand_new", "message": "secret text"}}, is_error=True)
    error = await caller.refusal()
    assert error.code == "internal" and error.message == "sister failed"


async def test_a_5xx_opens_the_breaker_and_is_not_asked_again(sister: tuple[Sister, int], caller: Caller) -> None:
    sister[0].reply(503, b"")
    for _ in range(FAIL_MAX):
        assert isinstance(await caller.refusal(), UnavailableError)
    assert caller.breakers.states() == {"sister": "open"}
    assert "circuit breaker is open" in (await caller.refusal()).message
    assert len(sister[0].requests) == FAIL_MAX


async def test_a_sister_who_hangs_is_left_before_the_callers_deadline(
    sister: tuple[Sister, int], caller: Caller
) -> None:
    sister[0].hang()
    started = time.monotonic()
    assert isinstance(await caller.refusal(seconds=1.2), UnavailableError)
    assert time.monotonic() - started < 1.2
    assert caller.breakers.get("sister").failures == 1


async def test_a_caller_in_a_hurry_does_not_open_the_breaker(sister: tuple[Sister, int], caller: Caller) -> None:
    sister[0].hang()
    for _ in range(FAIL_MAX + 1):
        assert isinstance(await caller.refusal(seconds=0.05), DeadlineExceededError)
    assert (caller.breakers.states(), caller.breakers.get("sister").failures) == ({"sister": "closed"}, 0)
    assert isinstance(await caller.refusal(seconds=-1), DeadlineExceededError)


async def test_a_lost_connection_is_tried_once_more_and_only_where_that_is_harmless(
    make_settings: MakeSettings, clock: Clock
) -> None:
    caller = Caller(make_settings(), fleet(free_port()), clock)
    await caller.sisters.start()
    assert "cannot be reached" in (await caller.refusal()).message
    assert caller.breakers.get("sister").failures == 2
    assert "cannot be reached" in (await caller.refusal(idempotent=False)).message
    assert caller.breakers.get("sister").failures == 3
    await caller.sisters.close()


async def test_a_broken_answer_is_a_lost_connection(make_settings: MakeSettings, clock: Clock) -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    port = free_port()
    server = await asyncio.start_server(half, "127.0.0.1", port)
    caller = Caller(make_settings(), fleet(port), clock)
    await caller.sisters.start()
    assert "cannot be reached" in (await caller.refusal()).message
    await caller.sisters.close()
    server.close()
    await server.wait_closed()


async def test_calls_go_round_the_instances_and_past_one_that_is_down(
    make_settings: MakeSettings, clock: Clock
) -> None:
    app, port = Sister(), free_port()
    caller = Caller(make_settings(), fleet(port, instances=3), clock)
    await caller.sisters.start()
    async with serving(app, port), serving(app, port + INSTANCE_STEP):
        for _ in range(9):
            assert await caller.ask() == {"value": 1}
        assert {asked for asked, _, _ in app.requests} == {port, port + INSTANCE_STEP}
        assert caller.breakers.states() == {"sister": "closed"}
        await caller.sisters.close()


async def test_the_url_template_may_lead_over_another_host(
    make_settings: MakeSettings, clock: Clock, sister: tuple[Sister, int]
) -> None:
    url = f"http://127.0.0.1:{sister[1]}/{{service}}/"
    caller = Caller(make_settings(mcp_sister_url=url), fleet(free_port()), clock)
    await caller.sisters.start()
    await caller.ask()
    assert sister[0].requests[0][1][":path"] == "/sister/mcp"
    await caller.sisters.close()


async def test_a_real_server_of_ours_understands_a_sister(make_settings: MakeSettings, clock: Clock) -> None:
    port = free_port()
    clock.now = time.time()
    caller = Caller(make_settings(mcp_sister_url=f"http://127.0.0.1:{port}"), fleet(port, named="sample"), clock)
    await caller.sisters.start()
    async with serving(create_app(build(), make_settings()), port, lifespan="on"):
        told = await caller.sisters.call("sample", "who", {}, caller.call())
        assert told == {"client_id": "service:caller", "correlation_id": CORRELATION, "opened": "opened for sample"}
        with pytest.raises(InvalidArgumentError) as caught:
            await caller.sisters.call("sample", "add", {"a": "1"}, caller.call())
        assert [detail.path for detail in caught.value.details] == ["/a"]
        with pytest.raises(UnavailableError, match="refused the call: permission_denied"):
            await caller.sisters.call("sample", "erase", {"name": "x"}, caller.call())
        await caller.sisters.close()
    assert caller.breakers.states() == {"sample": "closed"}


async def test_a_call_that_the_registry_does_not_list_is_not_made(sister: tuple[Sister, int], caller: Caller) -> None:
    with pytest.raises(ConfigurationError, match="caller calls caller: its line in the registry must list that"):
        await caller.sisters.call("caller", "embed", {}, caller.call())
    assert not sister[0].requests and caller.breakers.states() == {"sister": "closed"}


async def test_without_a_secret_or_a_start_a_call_is_unavailable(
    make_settings: MakeSettings, clock: Clock, sister: tuple[Sister, int], caller: Caller
) -> None:
    bare = Caller(make_settings(jwt_secret_key=""), fleet(sister[1]), clock)
    assert "JWT_SECRET_KEY" in (await bare.refusal()).message
    await caller.sisters.close()
    assert "has not started" in (await caller.refusal()).message
    assert caller.breakers.states() == {"sister": "closed"} and not sister[0].requests

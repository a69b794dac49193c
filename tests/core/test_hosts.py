"""Host, Origin and CORS: what a browser may do, and what nobody may."""

from collections.abc import Callable

import httpx
import pytest
from starlette.types import ASGIApp, Message

from app.a2a.mcp.core.hosts import ClientAddress, HostsMiddleware
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import ConfigurationError
from tests.core.exchange import browse, layers, runtime_of

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]
PAGE = "https://app.example"


@pytest.fixture
def app(make_settings: MakeSettings) -> ASGIApp:
    hosts = ("localhost", "[::1]", "Fleet.Example")
    return layers(runtime_of(make_settings(mcp_allowed_hosts=hosts, cors_allowed_origins=(PAGE,))), HostsMiddleware)


async def ask(app: ASGIApp, method: str = "POST", path: str = "/mcp", **headers: str) -> httpx.Response:
    """A request from another machine; underscores in header names are dashes."""
    async with browse(app) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.request(method, path, headers=named)


@pytest.mark.parametrize("host", ["localhost", "localhost:4711", "[::1]:443", "fleet.example.", "FLEET.EXAMPLE:1"])
async def test_a_host_of_the_settings_is_answered_whatever_its_port_and_case(app: ASGIApp, host: str) -> None:
    assert (await ask(app, Host=host)).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[::2]", "[", "127.0.0.1", "lo calhost"]
)
async def test_any_other_host_gets_421_in_our_shape(app: ASGIApp, host: str) -> None:
    answer = await ask(app, Host=host)
    assert answer.status_code == 421
    assert answer.json()["error"]["data"]["code"] == "invalid_argument"
    assert (await ask(app, path="/metrics", Host=host)).json()["error"]["code"] == "invalid_argument"


async def test_two_hosts_or_none_get_421(app: ASGIApp) -> None:
    async with browse(app) as client:
        request = client.build_request("POST", "/mcp", headers=[("Host", "localhost"), ("Host", "localhost")])
        assert (await client.send(request)).status_code == 421
        del request.headers["host"]
        assert (await client.send(request)).status_code == 421


async def test_a_monitor_on_this_machine_may_use_any_name_for_operator_paths(app: ASGIApp) -> None:
    for peer, path, status in (
        ("127.0.0.1", "/metrics", 200),
        ("::1", "/livez", 200),
        ("127.0.0.1", "/mcp", 421),
        ("192.0.2.9", "/metrics", 421),
    ):
        async with browse(app, peer) as client:
            assert (await client.get(path, headers={"Host": "some-name"})).status_code == status


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "https://app.example.evil", "http://[::2]"]
)
async def test_a_foreign_origin_gets_403_in_our_shape(app: ASGIApp, origin: str) -> None:
    answer = await ask(app, Origin=origin)
    assert answer.status_code == 403
    assert answer.json()["error"]["data"]["code"] == "permission_denied"
    assert "access-control-allow-origin" not in answer.headers and answer.headers["vary"] == "Origin"


async def test_an_allowed_origin_may_read_the_answer_and_its_headers(app: ASGIApp) -> None:
    answer = await ask(app, Origin=PAGE)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert {"X-Request-ID", "Retry-After", "WWW-Authenticate", "RateLimit-Remaining"} <= set(
        answer.headers["access-control-expose-headers"].split(", ")
    )
    assert answer.headers["vary"] == "Origin" and "access-control-allow-credentials" not in answer.headers


async def test_the_servers_own_pages_are_welcome_without_cors(app: ASGIApp) -> None:
    answer = await ask(app, Origin="http://localhost:4711")
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


async def test_a_preflight_is_answered_here_and_needs_no_credential(make_settings: MakeSettings) -> None:
    app = layers(runtime_of(make_settings(cors_allowed_origins=(PAGE,))))
    answer = await ask(app, "OPTIONS", Origin=PAGE, Access_Control_Request_Method="POST")
    assert answer.status_code == 204 and answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "POST, GET, DELETE, OPTIONS"
    allowed = {name.lower() for name in answer.headers["access-control-allow-headers"].split(", ")}
    assert {"authorization", "x-api-key", "mcp-protocol-version", "mcp-method", "mcp-name", "traceparent"} <= allowed
    assert answer.headers["access-control-max-age"] == "600" and answer.headers["vary"] == "Origin"


async def test_a_preflight_of_another_origin_is_refused(app: ASGIApp) -> None:
    for origin in ("https://evil.example", "http://localhost:4711"):
        assert (await ask(app, "OPTIONS", Origin=origin, Access_Control_Request_Method="POST")).status_code == 403


async def test_no_origin_is_allowed_by_default(make_settings: MakeSettings) -> None:
    app = layers(runtime_of(make_settings()), HostsMiddleware)
    assert (await ask(app, Origin=PAGE)).status_code == 403
    assert "vary" not in (await ask(app)).headers


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example", "app.example", "https://app.example/", "ftp://x", "https://["]
)
def test_an_origin_that_is_none_stops_the_start(make_settings: MakeSettings, origin: str) -> None:
    with pytest.raises(ConfigurationError, match="CORS_ALLOWED_ORIGINS"):
        layers(runtime_of(make_settings(cors_allowed_origins=(origin,))), HostsMiddleware)


def test_a_proxy_that_is_no_address_stops_the_start(make_settings: MakeSettings) -> None:
    with pytest.raises(ConfigurationError, match="MCP_TRUSTED_PROXIES"):
        ClientAddress(make_settings(mcp_trusted_proxies=("proxy.example",)))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "who knows", None),
        ("10.0.0.1", "203.0.113.7, ,", None),
    ],
)
def test_the_address_is_the_last_hop_that_is_no_proxy_of_ours(
    make_settings: MakeSettings, peer: str, forwarded: str, address: str | None
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    finder = ClientAddress(make_settings(mcp_trusted_proxies=("10.0.0.0/8",)))
    found = finder.of({"client": (peer, 1), "headers": headers})
    assert (str(found) if found else None) == address
    assert finder.is_trusted({"client": (peer, 1), "headers": headers}) == peer.startswith("10.")


async def test_a_websocket_is_closed_before_anything_looks_at_it(app: ASGIApp) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await app({"type": "websocket", "path": "/mcp", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]

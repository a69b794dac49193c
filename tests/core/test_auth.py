"""Authentication over HTTP: who gets in, with what, from where, and how refusals read."""

import re
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from app.a2a.mcp.core.auth import MAX_REMEMBERED_TOKENS, AuthenticationMiddleware, Authenticator
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.tokens import LEEWAY_SECONDS, CredentialError
from tests.conftest import SECRET
from tests.core.conftest import Clock
from tests.core.exchange import browse, layers, runtime_of

pytestmark = pytest.mark.anyio
MakeSettings = Callable[..., Settings]
KEYS = ("reader-key:reader:read", "writer-key:writer:read,write")


@pytest.fixture
def app(make_settings: MakeSettings) -> ASGIApp:
    return layers(runtime_of(make_settings(api_keys=KEYS)), AuthenticationMiddleware)


async def get(app: ASGIApp, path: str = "/mcp", peer: str = "192.0.2.9", **headers: str) -> httpx.Response:
    """A GET with headers whose underscores are dashes."""
    async with browse(app, peer) as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def challenge(answer: httpx.Response) -> dict[str, str]:
    """The parameters of a WWW-Authenticate header."""
    value = answer.headers["www-authenticate"]
    assert value.startswith("Bearer")
    return dict(re.findall(r'(\w+)="([^"]*)"', value))


@pytest.mark.parametrize(
    "headers",
    [{"X_API_Key": "reader-key"}, {"Authorization": "Bearer reader-key"}, {"Authorization": "bearer  reader-key "}],
)
async def test_a_key_is_taken_from_either_header(app: ASGIApp, headers: dict[str, str]) -> None:
    answer = await get(app, **headers)
    assert answer.status_code == 200 and answer.json() == {"client": "reader", "permissions": ["read"]}


async def test_a_token_is_taken_and_the_same_credential_twice_too(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(api_keys=KEYS))
    token = runtime.authenticator.mint("alice", ["write"], 60)
    app = layers(runtime, AuthenticationMiddleware)
    assert (await get(app, Authorization=f"Bearer {token}")).json()["client"] == "alice"
    assert (await get(app, Authorization=f"Bearer {token}", X_API_Key=token)).json()["permissions"] == ["write"]


async def test_without_a_credential_the_challenge_names_no_error(app: ASGIApp) -> None:
    answer = await get(app)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    error = answer.json()["error"]
    assert answer.json()["id"] is None and error["data"]["code"] == "unauthenticated"
    assert (await get(app, "/nowhere")).json()["error"]["code"] == "unauthenticated"


async def test_a_bad_credential_is_challenged_with_invalid_token(app: ASGIApp) -> None:
    answer = await get(app, X_API_Key="guessed-key")
    assert answer.status_code == 401
    assert challenge(answer) == {"error": "invalid_token", "error_description": "the API key is not known"}
    assert "guessed-key" not in answer.text + str(answer.headers)


async def test_the_challenge_points_at_the_metadata_where_a_public_url_is_set(make_settings: MakeSettings) -> None:
    app = layers(runtime_of(make_settings(mcp_public_url="https://fleet.example/")), AuthenticationMiddleware)
    url = "https://fleet.example/.well-known/oauth-protected-resource/sample/mcp"
    assert (await get(app)).headers["www-authenticate"] == f'Bearer resource_metadata="{url}"'
    assert challenge(await get(app, X_API_Key="bad"))["resource_metadata"] == url


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "missing"),
        ([(b"authorization", b"")], "malformed"),
        ([(b"authorization", b"Bearer")], "malformed"),
        ([(b"authorization", b"Bearer ")], "malformed"),
        ([(b"authorization", b"Basic cmVhZGVyOmtleQ==")], "malformed"),
        ([(b"authorization", b"reader-key")], "malformed"),
        ([(b"x-api-key", b"")], "malformed"),
        ([(b"x-api-key", b"\xff\xfe")], "malformed"),
        ([(b"x-api-key", b"reader-key"), (b"x-api-key", b"writer-key")], "invalid"),
        ([(b"x-api-key", b"reader-key"), (b"authorization", b"Bearer writer-key")], "invalid"),
        ([(b"x-api-key", b"reader-key,writer-key")], "invalid"),
        ([(b"authorization", b"Bearer a.b.c")], "malformed"),
        ([(b"authorization", b"Bearer " + b"a.b." + b"c" * 5000)], "malformed"),
        ([(b"x-api-key", b"readeR-key")], "invalid"),
        ([(b"x-api-key", b"reader")], "invalid"),
    ],
)
async def test_each_bad_credential_has_its_reason(
    make_settings: MakeSettings, headers: list[tuple[bytes, bytes]], reason: str
) -> None:
    with pytest.raises(CredentialError) as caught:
        Authenticator(make_settings(api_keys=KEYS)).authenticate(headers)
    assert caught.value.reason == reason


@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-api-key", b"cookie"]), st.binary(max_size=80))))
@hypothesis_settings(max_examples=300, deadline=None)
def test_no_header_whatever_gets_in_or_breaks_anything(headers: list[tuple[bytes, bytes]]) -> None:
    authenticator = Authenticator(Settings(jwt_secret_key=SECRET, api_keys=KEYS))
    with pytest.raises(CredentialError):
        authenticator.authenticate(headers)


async def test_refusals_are_counted_by_reason(make_settings: MakeSettings) -> None:
    runtime = runtime_of(make_settings(api_keys=KEYS))
    app = layers(runtime, AuthenticationMiddleware)
    await get(app)
    await get(app, X_API_Key="bad")
    page = runtime.metrics.exposition("")[0].decode()
    for reason in ("missing", "invalid"):
        assert f'a2a_mcp_auth_refusals_total{{reason="{reason}",service="sample"}} 1.0' in page


async def test_liveness_readiness_and_metadata_are_open_to_all(app: ASGIApp) -> None:
    for path in ("/livez", "/readyz", "/.well-known/oauth-protected-resource/sample/mcp"):
        assert (await get(app, path)).status_code == 200
        async with browse(app) as client:
            assert (await client.post(path)).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/metrics", "/circuit-breakers", "/openapi.json"])
async def test_operator_paths_are_open_to_operator_networks_only(app: ASGIApp, path: str) -> None:
    assert (await get(app, path, peer="127.0.0.1")).status_code == 200
    assert (await get(app, path, peer="::1")).status_code == 200
    assert (await get(app, path, peer="::ffff:127.0.0.1")).status_code == 200
    assert (await get(app, path, peer="192.0.2.9")).status_code == 401
    assert (await get(app, path, peer="not-an-address")).status_code == 401
    assert (await get(app, path, peer="192.0.2.9", X_API_Key="reader-key")).status_code == 200


async def test_other_paths_are_not_open_to_operator_networks(app: ASGIApp) -> None:
    for path in ("/mcp", "/", "/health/", "/metricsx", "/livez/x", "/docs"):
        assert (await get(app, path, peer="127.0.0.1")).status_code == 401


async def test_networks_named_in_settings_are_operators(make_settings: MakeSettings) -> None:
    app = layers(runtime_of(make_settings(mcp_ops_networks="10.1.0.0/16,fd00::/8")), AuthenticationMiddleware)
    statuses = [(await get(app, "/metrics", peer=peer)).status_code for peer in ("10.1.2.3", "fd00::5", "127.0.0.1")]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", "203.0.113.7", 401),
        ("127.0.0.1", "127.0.0.1, 203.0.113.7", 401),
        ("127.0.0.1", "203.0.113.7, 127.0.0.1", 401),
        ("127.0.0.1", "unknown", 401),
        ("127.0.0.1", "", 200),
        ("203.0.113.7", "127.0.0.1", 401),
    ],
)
async def test_a_proxy_does_not_make_its_clients_operators(
    app: ASGIApp, peer: str, forwarded: str, status: int
) -> None:
    headers = {"X_Forwarded_For": forwarded} if forwarded else {}
    assert (await get(app, "/metrics", peer=peer, **headers)).status_code == status


async def test_resetting_breakers_needs_write_even_from_this_machine(app: ASGIApp) -> None:
    async with browse(app, "127.0.0.1") as client:
        path = "/circuit-breakers/reset"
        assert (await client.post(path)).status_code == 401
        refused = await client.post(path, headers={"X-API-Key": "reader-key"})
        allowed = await client.post(path, headers={"X-API-Key": "writer-key"})
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "permission_denied"
    assert challenge(refused)["error"] == "insufficient_scope" and challenge(refused)["scope"] == "write"
    assert allowed.status_code == 200


async def test_a_remembered_token_still_expires(make_settings: MakeSettings, clock: Clock) -> None:
    authenticator = Authenticator(make_settings(), clock)
    headers = [(b"authorization", f"Bearer {authenticator.mint('alice', ['read'], 60)}".encode())]
    first = authenticator.authenticate(headers)
    assert authenticator.authenticate(headers) is first
    clock.advance(60 + LEEWAY_SECONDS)
    with pytest.raises(CredentialError) as caught:
        authenticator.authenticate(headers)
    assert caught.value.reason == "expired"


async def test_no_more_tokens_are_remembered_than_the_bound(make_settings: MakeSettings, clock: Clock) -> None:
    authenticator = Authenticator(make_settings(), clock)
    for number in range(MAX_REMEMBERED_TOKENS + 50):
        token = authenticator.mint(f"client-{number}", ["read"], 60)
        authenticator.authenticate([(b"x-api-key", token.encode())])
    assert len(authenticator._verified) == MAX_REMEMBERED_TOKENS

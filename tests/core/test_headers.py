"""Every answer carries the security headers, and none that tells what serves it."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.headers import SECURITY_HEADERS, HeadersMiddleware
from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.asgi import exchange, scope_of
from tests.core.sample import SERVICE, build


@pytest.fixture
def client(make_settings: Callable[..., Settings]) -> Iterator[TestClient]:
    settings = make_settings(mcp_service=SERVICE.name, mcp_port=SERVICE.port)
    with TestClient(create_app(build(), settings)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"), [("/livez", 200), ("/readyz", 200), ("/mcp", 401), ("/nothing", 401), ("/metrics", 401)]
)
def test_every_answer_carries_the_guides_headers(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    expected = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    assert expected.items() <= dict(response.headers).items()
    assert "server" not in response.headers
    assert "strict-transport-security" not in response.headers


def test_the_content_policy_allows_nothing_and_no_frame(client: TestClient) -> None:
    headers = client.get("/livez").headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.anyio
async def test_a_header_the_answer_sets_itself_is_kept(make_settings: Callable[..., Settings]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"Cache-Control", b"max-age=60")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    wrapped = HeadersMiddleware(app, build_runtime(SERVICE, make_settings()))
    names = [name.lower() for name, _ in (await exchange(wrapped, scope_of())).messages[0]["headers"]]
    assert names.count(b"cache-control") == 1
    assert len(names) == len(SECURITY_HEADERS)

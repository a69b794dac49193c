"""probe_endpoint against real TLS servers: one that is as it should be, and one for each fault of a certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.servers.session_management_mcp_server import server as sessions
from app.a2a.mcp.servers.transport_layer_mcp_server import server
from tests.core.test_sisters import free_port, serving
from tests.servers.certificates import Authority

pytestmark = pytest.mark.anyio
Connect = Callable[..., AbstractAsyncContextManager[Any]]
SERVICE = load_registry().names[0]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process trusts the authority, and no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.directory / "none"))


@pytest.fixture
async def silent(anyio_backend: str) -> AsyncIterator[Callable[..., Any]]:
    """`port = await silent(certificate, key, **options)`: a TLS server that says nothing."""
    listeners: list[asyncio.Server] = []

    async def listen(certificate: Path, key: Path, version: ssl.TLSVersion | None = None) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if version is not None:
            context.minimum_version = context.maximum_version = version

        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listeners.append(await asyncio.start_server(close, "127.0.0.1", 0, ssl=context))
        port: int = listeners[-1].sockets[0].getsockname()[1]
        return port

    yield listen
    for listener in listeners:
        listener.close()


async def probe(client_for: Connect, port: int, **arguments: Any) -> Any:
    async with client_for(server, mcp_sister_url=f"https://127.0.0.1:{port}") as client:
        return (await client.call_tool("probe_endpoint", {"service": SERVICE, **arguments})).structured_content


async def test_a_good_certificate_is_described_and_every_check_goes_on_over_tls(
    client_for: Connect, make_settings: Callable[..., Settings], authority: Authority, trusting: None
) -> None:
    certificate, key = authority.issue("good", (-1, 30))
    port, settings = free_port(), make_settings(mcp_service=sessions.name)
    tls = {"ssl_certfile": certificate, "ssl_keyfile": key}
    async with (
        serving(create_app(sessions, settings), port, "on", **tls),
        client_for(server, mcp_sister_url=f"https://127.0.0.1:{port}") as client,
    ):
        found = (await client.call_tool("probe_endpoint", {"service": sessions.name})).structured_content
    assert [(check["name"], check["ok"]) for check in found["checks"]] == [
        (name, True) for name in ("tcp", "tls", "health", "mcp", "tools")
    ]
    assert found["reachable"] and found["negotiated_version"] == "2026-07-28"
    ends = datetime.strptime(found["tls"]["not_after"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(ends - (datetime.now(UTC) + timedelta(days=30))) < timedelta(minutes=10)
    assert (found["tls"]["version"], found["tls"]["days_left"]) == ("TLSv1.3", 29)
    assert found["tls"]["cipher"].startswith("TLS_")


@pytest.mark.parametrize(
    ("label", "options", "reason"),
    [
        ("expired", {"days": (-30, -1)}, "certificate_expired"),
        ("future", {"days": (1, 30)}, "certificate_not_yet_valid"),
        ("own", {"self_signed": True}, "certificate_self_signed"),
        ("elsewhere", {"host": "other.example"}, "certificate_for_another_name"),
        ("address", {"host": "192.0.2.1"}, "certificate_for_another_name"),
    ],
)
async def test_a_faulty_certificate_ends_the_probe_and_is_named(
    client_for: Connect, silent: Any, authority: Authority, trusting: None, label: str, options: Any, reason: str
) -> None:
    port = await silent(*authority.issue(label, **options))
    found = await probe(client_for, port)
    assert [(check["name"], check["ok"], check["reason"]) for check in found["checks"]] == [
        ("tcp", True, None), ("tls", False, reason)
    ]  # fmt: skip
    assert (found["reachable"], found["tls"]) == (False, None)
    assert found["checks"][1]["detail"], "what the library says of it"
    assert found["recommendation"] == f"tls failed: {reason}"
    alone = await probe(client_for, port, checks=["mcp"])
    assert [(check["name"], check["reason"]) for check in alone["checks"]] == [("mcp", reason)], "no check lets it pass"


async def test_an_authority_nobody_here_knows_is_not_trusted(
    client_for: Connect, silent: Any, trusting: None, tmp_path: Path
) -> None:
    port = await silent(*Authority(tmp_path).issue("stranger"))
    found = await probe(client_for, port)
    assert found["checks"][1]["reason"] == "certificate_not_trusted"


async def test_a_server_without_tls_is_no_tls(client_for: Connect, trusting: None) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        found = await probe(client_for, listener.sockets[0].getsockname()[1])
    assert (found["reachable"], found["checks"][1]["reason"]) == (False, "tls_failed")


async def test_the_version_that_was_negotiated_is_told(
    client_for: Connect, silent: Any, authority: Authority, trusting: None
) -> None:
    port = await silent(*authority.issue("older"), version=ssl.TLSVersion.TLSv1_2)
    found = await probe(client_for, port, checks=["tcp", "tls"])
    assert (found["tls"]["version"], found["reachable"]) == ("TLSv1.2", True)

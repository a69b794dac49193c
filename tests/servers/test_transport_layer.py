"""The two tools of transport_layer: probes of a real server process and of none, and inspected messages."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp_types import PromptReference

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.servers import transport_layer_wire
from app.a2a.mcp.servers.transport_layer_mcp_server import server
from app.a2a.mcp.servers.vector_ranking_mcp_server import server as ranking
from tests.core.test_sisters import free_port, serving
from tests.servers.instances import SECRET, Instance, running

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(scope="module")
def sister(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running service to probe."""
    directory: Path = tmp_path_factory.mktemp("sister")
    instance = Instance("session_management", directory, "", "prober")
    with running(instance):
        yield instance


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port that is taken and refuses: bound, not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def reach(port: int) -> dict[str, Any]:
    return {"mcp_sister_url": f"http://127.0.0.1:{port}", "jwt_secret_key": SECRET}


async def ask(client: Any, tool: str, **arguments: Any) -> Any:
    return (await client.call_tool(tool, arguments)).structured_content


async def test_a_running_service_is_described(client_for: Connect, sister: Instance) -> None:
    async with client_for(server, **reach(sister.port)) as client:
        found = await ask(client, "probe_endpoint", service="session_management")
        assert found["reachable"], found["checks"]
        assert [check["name"] for check in found["checks"]] == ["tcp", "health", "mcp", "tools"]
        assert (found["era"], found["negotiated_version"]) == ("modern", "2026-07-28")
        # A token that reads is shown one of the three, so nothing can be said about the other two.
        assert found["tools"]["names"] == ["validate_session"] and found["tools"]["expected"] == 3
        assert found["tools"]["match"] is None
        assert found["breaker"] == {"state": "closed"} and found["transport"] == "streamable_http"
        old = await ask(
            client, "probe_endpoint", service="session_management", protocol_versions=["2025-06-18"], checks=["mcp"]
        )
        assert (old["era"], old["negotiated_version"]) == ("handshake", "2025-06-18")
        stats = json.loads((await client.read_resource("transport://stats")).contents[0].text)
        assert [probe["version"] for probe in stats["probes"]] == ["2025-06-18", "2026-07-28"]


async def test_a_stopped_service_is_data_and_its_breaker_answers(client_for: Connect, refused_port: int) -> None:
    async with client_for(server, **reach(refused_port)) as client:
        for _ in range(5):
            found = await ask(client, "probe_endpoint", service="vector_similarity")
            assert found["reachable"] is False
            assert [(check["name"], check["reason"]) for check in found["checks"]] == [("tcp", "connection_refused")]
        found = await ask(client, "probe_endpoint", service="vector_similarity")
        assert (found["checks"][0]["reason"], found["breaker"]["state"]) == ("breaker_open", "open")
        found = await ask(client, "probe_endpoint", service="vector_similarity", bypass_breaker=True)
        assert found["checks"][0]["reason"] == "connection_refused"
        listed = json.loads((await client.read_resource("transport://services")).contents[0].text)["services"]
        assert {one["health"] for one in listed} == {"unreachable"}


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://169.254.169.254/", ()),
        ("http://169.254.169.254/", ("169.254.169.254",)),
        ("http://127.0.0.1:1/", ("127.0.0.1",)),
        ("http://localhost:1/", ("localhost:1",)),
        ("http://[::ffff:10.0.0.1]/", ("[::ffff:10.0.0.1]",)),
        ("http://2130706433/", ("2130706433",)),
    ],
)
async def test_no_packet_goes_to_a_forbidden_target(
    client_for: Connect, monkeypatch: pytest.MonkeyPatch, url: str, allowed: tuple[str, ...]
) -> None:
    async def opened(*args: Any, **options: Any) -> Any:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(transport_layer_wire.asyncio, "open_connection", opened)
    async with client_for(server, transport_allowed_targets=allowed) as client:
        error = (await ask(client, "probe_endpoint", url=url))["error"]
        assert (error["code"], error["details"][0]["reason"]) == ("permission_denied", "target_not_allowed")


async def test_a_client_has_four_probes_at_once(client_for: Connect, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with client_for(server, **reach(silent.getsockname()[1])) as client:
            call = {"service": "vector_similarity", "checks": ["mcp"], "timeout_ms": 500}
            answers = await asyncio.gather(*(ask(client, "probe_endpoint", **call) for _ in range(6)))
    refused = [answer for answer in answers if "error" in answer]
    assert [answer["error"]["code"] for answer in refused] == ["limit_exceeded"] * 2
    assert {a["checks"][0]["reason"] for a in answers if "error" not in a} == {"timeout"}


async def test_replies_are_read_to_64_kib_and_redirects_are_not_followed(client_for: Connect) -> None:
    served: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.readuntil(b"\r\n\r\n"))
        if b"/readyz" in served[-1]:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b" " * 99999
            )
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener, client_for(server, **reach(listener.sockets[0].getsockname()[1])) as client:
        found = await ask(client, "probe_endpoint", service="vector_similarity", checks=["health", "mcp"])
    assert [(check["ok"], check["reason"]) for check in found["checks"]] == [(True, None), (False, "reply_too_large")]


async def test_messages_are_judged(client_for: Connect) -> None:
    async with client_for(server) as client:
        found = await ask(client, "inspect_message", message='{"jsonrpc":"2.0","method":1,"params":"bar"}')
        assert found["valid"] is False and found["bytes"] == 43
        assert found["errors"][0] | {"message": ""} == {
            "code": -32600, "http_status": 400, "path": "/method", "rule": "type", "message": ""
        }  # fmt: skip
        good = await ask(
            client, "inspect_message", message='{"id":1,"jsonrpc":"2.0","method":"ping"}', protocol_version="2025-11-25"
        )
        assert good["valid"] and good["canonical"] == '{"id":1,"jsonrpc":"2.0","method":"ping"}'
        large = await ask(client, "inspect_message", message="ü" * 200_000)
        assert large["error"]["code"] == "limit_exceeded"
        prompt = await client.get_prompt("diagnose_connection", {"service": "x", "symptom": "502"})
        assert "probe_endpoint" in prompt.messages[0].content.text
        for name, spec in server.tools.items():
            for example in spec.examples:
                assert not (await client.call_tool(name, dict(example))).is_error


async def test_names_of_services_are_completed(client_for: Connect) -> None:
    reference = PromptReference(name="diagnose_connection")
    async with client_for(server) as client:
        found = await client.complete(reference, {"name": "service", "value": "Se"})
        assert found.completion.values == [name for name in load_registry().names if name.startswith("se")]
        assert len(found.completion.values) > 1
        assert (await client.complete(reference, {"name": "symptom", "value": ""})).completion.values == []


async def test_all_tools_of_a_service_that_only_reads_are_those_the_registry_promises(
    client_for: Connect, make_settings: Callable[..., Settings]
) -> None:
    port = free_port()
    app = create_app(ranking, make_settings(mcp_service=ranking.name))
    async with (
        serving(app, port, "on"),
        client_for(server, mcp_sister_url=f"http://127.0.0.1:{port}") as client,
    ):
        found = await ask(client, "probe_endpoint", service=ranking.name)
    assert (found["reachable"], found["era"], found["negotiated_version"]) == (True, "modern", "2026-07-28")
    assert found["tools"] == {"count": 5, "expected": 5, "match": True, "names": list(ranking.tools)}
    assert found["breaker"] == {"state": "closed"}

"""A call whose client leaves is cancelled at once, in both eras; one whose client waits is not."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from tests.core.processes import KEY, Instance, await_that, call_body, free_port, read_answer, request_bytes

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
LONGEST = 600.0


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    one = Instance(tmp_path_factory.mktemp("leaving"), free_port(), MCP_CALL_TIMEOUT_SECONDS=str(int(LONGEST)))
    one.start()
    try:
        yield one.await_ready()
    finally:
        one.kill()


def in_flight(instance: Instance) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/health", headers={"Authorization": f"Bearer {KEY}"})
        calls: dict[str, int] = json.loads(connection.getresponse().read())["calls"]
        return calls["in_flight"]


def work(era: str, seconds: float) -> bytes:
    if era != MODERN:
        return request_bytes(call_body("work", seconds=seconds))
    params = {"name": "work", "arguments": {"seconds": seconds}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    return request_bytes(body, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "work"})


@pytest.mark.parametrize("era", ["2025-11-25", MODERN])
def test_a_call_ends_when_its_connection_is_closed(instance: Instance, era: str) -> None:
    calls = [socket.create_connection(("127.0.0.1", instance.port)) for _ in range(8)]
    for call in calls:
        call.sendall(work(era, LONGEST))
    await_that(lambda: in_flight(instance) == 8, "the calls to begin")
    for call in calls[:5]:
        call.close()
    await_that(lambda: in_flight(instance) == 3, "the calls of those who left to end")
    for call in calls[5:]:
        call.close()
    await_that(lambda: in_flight(instance) == 0, "all calls to end")


@pytest.mark.parametrize("era", ["2025-11-25", MODERN])
def test_a_call_whose_client_waits_is_answered_and_its_connection_serves_the_next(instance: Instance, era: str) -> None:
    with socket.create_connection(("127.0.0.1", instance.port)) as connection:
        for seconds in (0.3, 0.0, 0.3):
            connection.sendall(work(era, seconds))
            answer = read_answer(connection)
            assert answer.status == 200 and b'"thread"' in answer.content  # type: ignore[attr-defined]

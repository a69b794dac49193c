"""Calls between services as processes make them: every call passes a front that notes it, and can lose it."""

import contextlib
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
import pytest

from app.a2a.mcp.core.breaker import FAIL_MAX
from app.a2a.mcp.core.registry import load_registry
from tests.servers.instances import SECRET, Instance, headers_of, key_of, running

CLIENT = "outsider"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BUDGET_MS = 20_000
EDGES = {(service.name, called) for service in load_registry() for called in service.calls}

SCHEMA = {"fields": {"zip": {"type": "string"}, "town": {"type": "string"}}}
OTHER = {"fields": {"postal_code": {"type": "string"}, "city": {"type": "string"}}}
STEPS = [
    {"premise": "It has rained all night.", "conclusion": "The streets are wet.", "evidence": ["the gauge"]},
    {"premises": ["step:0"], "premise": "Wet streets are slippery.", "conclusion": "Driving is risky today."},
]
CALLS: dict[str, dict[str, Any]] = {
    "calculate_text_similarity": {"text1": "a cat", "text2": "a dog", "method": "semantic"},
    "hybrid_ranking_search": {
        "query": "a cat",
        "candidate_documents": [{"id": "1", "text": "a dog"}],
        "embed_missing": True,
    },
    "calculate_semantic_alignment": {"question": "What is a cat?", "answer": "An animal."},
    "harmonize_schemas": {
        "source_schemas": [{"name": "a", **SCHEMA}, {"name": "b", **OTHER}],
        "use_semantics": True,
    },
    "reasoning_chain_analysis": {"reasoning_steps": STEPS, "assess_confidence": True},
}
"""One tool of each service that asks another."""

SERVICE_OF = {tool: service for service in load_registry() for tool in import_module(service.module).server.tools}
CALLERS = {SERVICE_OF[tool].name: tool for tool in CALLS}


class Front:
    """The way of every call between services: `/CALLER/CALLEE/mcp`."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.seen: list[dict[str, Any]] = []
        self.losing: dict[str, int] = {}
        """callee → how many of its next calls get lost"""

    def lose(self, callee: str) -> bool:
        """Whether this call gets lost."""
        left = self.losing.get(callee, 0)
        self.losing[callee] = max(0, left - 1)
        return left > 0


class Handler(BaseHTTPRequestHandler):
    """One exchange: noted, and then passed on or cut off."""

    protocol_version = "HTTP/1.1"
    front: Front

    def do_POST(self) -> None:
        _, caller, callee, _ = self.path.split("/")
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.front.seen.append({"from": caller, "to": callee, "headers": headers, "body": json.loads(body)})
        if self.front.lose(callee):
            self.close_connection = True
            return
        status, answer = exchange(self.front.ports[callee], body, headers)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Silence."""


def exchange(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/mcp", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    """A running front."""
    noted = Front()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"front": noted}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    noted.ports[""] = server.server_address[1]
    yield noted
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def fleet(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Instance]]:
    """One process of each service that calls or is called."""
    directory: Path = tmp_path_factory.mktemp("sisters")
    instances = {}
    for name in sorted({name for edge in EDGES for name in edge}):
        url = f"http://127.0.0.1:{front.ports['']}/{name}/{{service}}"
        instances[name] = Instance(name, directory, "", CLIENT, MCP_SISTER_URL=url)
        front.ports[name] = instances[name].port
    with running(*instances.values()):
        yield instances


@pytest.fixture(autouse=True)
def clean(front: Front, fleet: dict[str, Instance]) -> None:
    """Nothing noted, nothing lost, every breaker closed."""
    front.seen.clear()
    front.losing.clear()
    for instance in fleet.values():
        request(instance, "POST", "/circuit-breakers/reset", {})


def request(instance: Instance, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {key_of(CLIENT)}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())


def ask(instance: Instance, correlation: str) -> dict[str, Any]:
    """The answer to the service's call of CALLS, made with an id, a trace and a deadline of our own."""
    tool = CALLERS[instance.service]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": CALLS[tool]}}
    ours = {"X-Request-ID": correlation, "traceparent": TRACE, "X-A2A-Timeout-Ms": str(BUDGET_MS)}
    status, answer = exchange(instance.port, json.dumps(body).encode(), headers_of(key_of(CLIENT)) | ours)
    assert status == 200, answer
    content: dict[str, Any] = json.loads(answer)["result"]["structuredContent"]
    assert "error" not in content, content
    return content


def degraded(content: dict[str, Any]) -> bool:
    return bool(content.get("ranking_metadata", content)["degraded"])


def test_every_call_of_the_registry_carries_id_trace_time_left_and_a_token_that_only_reads(
    front: Front, fleet: dict[str, Instance]
) -> None:
    for name in CALLERS:
        assert degraded(ask(fleet[name], f"correlation-of-{name}")) is False
    assert {(call["from"], call["to"]) for call in front.seen} == EDGES
    assert {call["headers"]["x-request-id"] for call in front.seen} == {f"correlation-of-{name}" for name in CALLERS}
    for call in front.seen:
        headers = call["headers"]
        assert headers["traceparent"] == TRACE
        claims = jwt.decode(headers["authorization"][7:], SECRET, algorithms=["HS256"], audience="a2a-mcp")
        assert (claims["sub"], claims["scope"]) == (f"service:{call['from']}", "read")
        assert claims["exp"] - time.time() <= 300
        assert key_of(CLIENT) not in json.dumps(call), "a caller's own credential goes nowhere"


def test_each_hop_has_less_time_than_the_one_before(front: Front, fleet: dict[str, Instance]) -> None:
    ask(fleet["reasoning_agent"], "correlation-of-the-hops")
    first, second = (
        [int(call["headers"]["x-a2a-timeout-ms"]) for call in front.seen if call["to"] == called]
        for called in (SERVICE_OF["calculate_text_similarity"].name, SERVICE_OF["embed_texts"].name)
    )
    assert min(second) > 0 and max(second) < max(first) < BUDGET_MS


@pytest.mark.parametrize("name", CALLERS)
def test_a_call_lost_once_is_made_once_more(front: Front, fleet: dict[str, Instance], name: str) -> None:
    called = load_registry().get(name).calls[0]
    bodies: list[Counter[str]] = []
    for front.losing[called] in (0, 1):
        front.seen.clear()
        assert degraded(ask(fleet[name], "correlation-of-a-lost-call")) is False
        sent = (json.dumps(call["body"]) for call in front.seen if (call["from"], call["to"]) == (name, called))
        bodies.append(Counter(sent))
    unharmed, harmed = bodies
    assert (harmed - unharmed).total() == 1 and harmed.keys() == unharmed.keys()


@pytest.mark.parametrize("name", CALLERS)
def test_a_service_left_alone_answers_degraded_and_its_own_breaker_opens(
    front: Front, fleet: dict[str, Instance], name: str
) -> None:
    calls = load_registry().get(name).calls
    front.losing = dict.fromkeys(calls, 1000)
    for _ in range(FAIL_MAX):
        assert degraded(ask(fleet[name], "correlation-of-a-lone-service")) is True
    lost = len(front.seen)
    assert degraded(ask(fleet[name], "correlation-of-a-lone-service")) is True
    assert len(front.seen) == lost, "an open breaker asks nobody"
    shown = {service: request(fleet[service], "GET", "/circuit-breakers")["circuit_breakers"] for service in fleet}
    assert {(service, called) for service in shown for called in shown[service]} == EDGES, "one breaker a pair"
    opened = {(service, called) for service in shown for called, state in shown[service].items() if state == "open"}
    assert opened == {(name, called) for called in calls}

"""What the edge does with requests, asked of a real nginx with the role's configuration."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .conftest import Evaluate
from .edge import HOST, Edge, running_edge

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def edge(evaluate: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    unlimited = {"a2a_nginx_requests_per_second": 0, "a2a_nginx_connections_per_client": 0}
    with running_edge(evaluate, tmp_path_factory.mktemp("edge"), **unlimited) as running:
        yield running


@pytest.fixture(scope="module")
def strict_edge(evaluate: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    limits = {"a2a_nginx_requests_per_second": 1, "a2a_nginx_requests_burst": 3}
    with running_edge(evaluate, tmp_path_factory.mktemp("strict"), **limits) as running:
        yield running


def assert_envelope(answer: httpx.Response, status: int, code: str) -> None:
    """The JSON-RPC form of a refusal, and our error object inside it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["jsonrpc"], body["id"], body["error"]["code"]) == ("2.0", None, -32000)
    data = body["error"]["data"]
    assert data == {"code": code, "message": body["error"]["message"], "details": []}


def assert_plain(answer: httpx.Response, status: int, code: str) -> None:
    """The form outside the endpoints."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == {"code": code, "message": answer.json()["error"]["message"], "details": []}


def test_call_is_passed_to_the_instance_endpoint_with_what_it_needs_to_know(edge: Edge) -> None:
    sent = {"Authorization": "Bearer k", "Forwarded": "for=1.2.3.4", "X-Forwarded-For": "1.2.3.4", "traceparent": TRACE}
    answer = edge.call("POST", "/one/mcp", content=b"{}", headers=sent)
    assert answer.json() == {"from": "instance"}
    method, path, headers = edge.instances["one"].requests[-1]
    assert (method, path) == ("POST", "/mcp")
    assert headers["host"] == f"{HOST}:{edge.port}"
    assert headers["authorization"] == "Bearer k"
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert headers["traceparent"] == TRACE
    assert "forwarded" not in headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
def test_other_methods_are_refused_without_reaching_an_instance(edge: Edge, method: str) -> None:
    before = len(edge.instances["one"].requests)
    answer = edge.call(method, "/one/mcp")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert_envelope(answer, 405, "invalid_argument")
    assert len(edge.instances["one"].requests) == before


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_service_that_clients_hang_on_sees_what_they_ask_of_its_streams(edge: Edge, method: str) -> None:
    answer = edge.call(method, "/two/mcp", headers={"Mcp-Session-Id": "s", "Last-Event-ID": "7"})
    assert answer.status_code == 200
    seen, path, headers = edge.instances["two"].requests[-1]
    assert (seen, path, headers["mcp-session-id"], headers["last-event-id"]) == (method, "/mcp", "s", "7")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/two/mcp", "GET, POST, DELETE, OPTIONS"),
        ("HEAD", "/two/mcp", "GET, POST, DELETE, OPTIONS"),
        ("POST", "/two/streams/events", "GET, OPTIONS"),
        ("DELETE", "/two/streams/events", "GET, OPTIONS"),
    ],
)
def test_other_methods_are_refused_there_too(edge: Edge, method: str, path: str, allowed: str) -> None:
    before = len(edge.instances["two"].requests)
    answer = edge.call(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if path.endswith("events"):
        assert_plain(answer, 405, "invalid_argument")
    assert len(edge.instances["two"].requests) == before


@pytest.mark.parametrize("path", ["/two/streams/events?uri=stream://shared/x", "/two/mcp"])
def test_events_pass_at_once_and_the_stream_stays_open(edge: Edge, path: str) -> None:
    two = edge.instances["two"]
    two.release.clear()
    options = {"headers": {"Host": HOST, "Accept": "text/event-stream"}, "extensions": {"sni_hostname": HOST}}
    with (
        httpx.Client(verify=edge.trust, trust_env=False, timeout=10) as client,
        client.stream("GET", f"https://127.0.0.1:{edge.port}{path}", **options) as answer,
    ):
        parts = answer.iter_raw()
        assert next(parts) == b"data: 1\n\n"
        assert answer.headers["x-accel-buffering"] == "no"
        two.release.set()
        assert list(parts) == []
    assert two.requests[-1][1].startswith(path.removeprefix("/two"))


def test_streams_of_a_service_without_any_are_not_published(edge: Edge) -> None:
    assert_plain(edge.call("GET", "/one/streams/events"), 404, "not_found")


def test_preflight_request_of_a_browser_reaches_the_application(edge: Edge) -> None:
    assert edge.call("OPTIONS", "/one/mcp").status_code == 200
    assert edge.instances["one"].requests[-1][0] == "OPTIONS"


def test_resource_metadata_is_passed_on(edge: Edge) -> None:
    path = "/.well-known/oauth-protected-resource/one/mcp"
    assert edge.call("GET", path).status_code == 200
    assert edge.instances["one"].requests[-1][1] == path


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/health", "/readyz", "/circuit-breakers", "/one", "/one/", "/one/mcp/", "/one/metrics"]
)
def test_nothing_else_is_published(edge: Edge, path: str) -> None:
    before = len(edge.instances["one"].requests)
    assert_plain(edge.call("GET", path), 404, "not_found")
    assert len(edge.instances["one"].requests) == before


def test_edge_tells_that_it_is_there(edge: Edge) -> None:
    assert edge.call("GET", "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1", f"{HOST}.evil.test"])
def test_unknown_host_is_misdirected(edge: Edge, host: str) -> None:
    assert_plain(edge.call("GET", "/healthz", host=host), 421, "invalid_argument")
    before = len(edge.instances["one"].requests)
    assert edge.call("POST", "/one/mcp", host=host, content=b"{}").status_code == 421
    assert len(edge.instances["one"].requests) == before


def test_call_goes_to_another_instance_when_one_refuses_the_connection(edge: Edge) -> None:
    answers = [edge.call("POST", "/two/mcp", content=b"{}").status_code for _ in range(20)]
    assert answers == [200] * 20


def test_service_without_instances_is_unavailable(edge: Edge) -> None:
    assert_envelope(edge.call("POST", "/gone/mcp", content=b"{}"), 502, "unavailable")


def test_call_that_an_instance_took_and_dropped_is_not_sent_twice(edge: Edge) -> None:
    flaky = edge.instances["flaky"]
    flaky.drop = True
    try:
        assert_envelope(edge.call("POST", "/flaky/mcp", content=b"{}"), 502, "unavailable")
    finally:
        flaky.drop = False
    assert len(flaky.requests) == 1


def test_body_above_the_limit_of_the_service_is_refused(edge: Edge) -> None:
    before = len(edge.instances["one"].requests)
    assert edge.call("POST", "/one/mcp", content=b"x" * 1024 * 1024).status_code == 200
    assert_envelope(edge.call("POST", "/one/mcp", content=b"x" * (1024 * 1024 + 1)), 413, "limit_exceeded")
    assert len(edge.instances["one"].requests) == before + 1


@pytest.mark.parametrize("given", ["a", "my-id_1.2", "A" * 64])
def test_well_formed_id_of_the_client_is_kept(edge: Edge, given: str) -> None:
    answer = edge.call("POST", "/one/mcp", content=b"{}", headers={"X-Request-ID": given})
    assert answer.headers.get_list("x-request-id") == [given]
    assert edge.instances["one"].requests[-1][2]["x-request-id"] == given
    assert edge.access_line(given)["status"] == 200


@pytest.mark.parametrize("given", ["", "with space", "A" * 65, 'quote"', "ü".encode().decode("latin-1"), "a\tb"])
def test_other_ids_are_replaced(edge: Edge, given: str) -> None:
    headers = {b"X-Request-ID": given.encode("latin-1")}
    answer = edge.call("POST", "/one/mcp", content=b"{}", headers={"X-Request-ID": headers[b"X-Request-ID"]})
    made = answer.headers["x-request-id"]
    assert len(made) == 32 and set(made) <= set("0123456789abcdef")
    assert edge.instances["one"].requests[-1][2]["x-request-id"] == made


def test_trace_id_serves_where_the_client_names_no_id(edge: Edge) -> None:
    answer = edge.call("POST", "/one/mcp", content=b"{}", headers={"traceparent": TRACE})
    assert answer.headers["x-request-id"] == TRACE.split("-")[1]


@pytest.mark.parametrize("trace", ["00-" + 32 * "0" + "-b7ad6b7169203331-01", "nonsense", TRACE + "-x"])
def test_malformed_trace_is_not_passed_on(edge: Edge, trace: str) -> None:
    answer = edge.call("POST", "/one/mcp", content=b"{}", headers={"traceparent": trace})
    assert answer.headers["x-request-id"] not in trace
    assert "traceparent" not in edge.instances["one"].requests[-1][2]


def test_answers_carry_each_security_header_once(edge: Edge) -> None:
    ours = edge.call("GET", "/nothing").headers
    assert ours.get_list("strict-transport-security") == ["max-age=63072000"]
    assert ours.get_list("x-content-type-options") == ["nosniff"]
    assert ours.get_list("x-frame-options") == ["DENY"]
    assert ours["server"] == "nginx"
    theirs = edge.call("POST", "/one/mcp", content=b"{}").headers
    assert theirs.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert theirs.get_list("x-content-type-options") == ["nosniff"]


def test_log_line_names_call_and_instance_and_nothing_secret(edge: Edge) -> None:
    headers = {
        "X-Request-ID": "logged-1",
        "Authorization": "Bearer hidden-1",
        "X-API-Key": "hidden-2",
        "Cookie": "hidden-3",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "add",
    }
    edge.call("POST", "/one/mcp?token=hidden-4", content=b'{"hidden-5": 1}', headers=headers)
    line = edge.access_line("logged-1")
    assert (line["service"], line["path"], line["status"]) == ("one", "/one/mcp", 200)
    assert (line["mcp_method"], line["mcp_name"], line["client"]) == ("tools/call", "add", "127.0.0.1")
    assert line["upstream_addr"] == edge.instances["one"].address
    assert float(line["request_time"]) >= 0 and float(line["upstream_response_time"]) >= 0
    edge.call("POST", "/gone/mcp?token=hidden-6", content=b"{}", headers={"X-Request-ID": "logged-2"})
    edge.access_line("logged-2")
    logs = "".join(path.read_text() for path in edge.directory.glob("*.log"))
    assert "hidden" not in logs


def test_names_that_are_no_names_stay_out_of_the_log(edge: Edge) -> None:
    headers = {"X-Request-ID": "logged-3", "Mcp-Name": 'x","status":0,"y":"', "Mcp-Method": "two words"}
    edge.call("POST", "/one/mcp", content=b"{}", headers=headers)
    assert (edge.access_line("logged-3")["mcp_name"], edge.access_line("logged-3")["mcp_method"]) == ("", "")


def raw(edge: Edge, request: bytes, tls: bool) -> str:
    """What comes back for bytes that no client library would send."""
    parts = []
    with (
        socket.create_connection(("127.0.0.1", edge.port), timeout=10) as plain,
        edge.trust.wrap_socket(plain, server_hostname=HOST) if tls else plain as stream,
    ):
        stream.sendall(request)
        while part := stream.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    ("request_bytes", "tls", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", True, 400, "invalid_argument"),
        (b"GET / HTTP/1.1\r\n\r\n", True, 400, "invalid_argument"),
        (b"GET / HTTP/1.1\r\nHost: fleet.test\r\n\r\n", False, 400, "invalid_argument"),
        (b"GET /" + 20000 * b"x" + b" HTTP/1.1\r\nHost: fleet.test\r\n\r\n", True, 414, "limit_exceeded"),
        (b"GET / HTTP/1.1\r\nHost: fleet.test\r\nX: " + 20000 * b"x" + b"\r\n\r\n", True, 431, "limit_exceeded"),
    ],
    ids=["garbage", "no-host", "plain-http", "long-path", "long-header"],
)
def test_what_is_no_request_is_refused_in_our_form(
    edge: Edge, request_bytes: bytes, tls: bool, status: int, code: str
) -> None:
    head, body = raw(edge, request_bytes, tls).split("\r\n\r\n", 1)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(body)["error"]["code"] == code


def test_plain_http_is_sent_to_tls(edge: Edge) -> None:
    answer = httpx.get(f"http://127.0.0.1:{edge.plain_port}/one/mcp", headers={"Host": HOST}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{HOST}:{edge.port}/one/mcp")
    assert "strict-transport-security" not in answer.headers
    strange = httpx.get(f"http://127.0.0.1:{edge.plain_port}/", headers={"Host": "evil.test"}, trust_env=False)
    assert strange.status_code == 421


def test_client_above_its_rate_is_told_when_to_come_back(strict_edge: Edge) -> None:
    answers = [strict_edge.call("POST", "/one/mcp", content=b"{}") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert_envelope(answer, 429, "rate_limited")
        assert answer.headers["retry-after"] == "1"


def test_many_clients_at_once_get_each_their_own_id(edge: Edge) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: edge.call("POST", "/one/mcp", content=b"{}"), range(40)))
    assert len({answer.headers["x-request-id"] for answer in answers}) == 40

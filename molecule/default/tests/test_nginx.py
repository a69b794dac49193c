"""The edge: TLS as promised, confined, logging every call with the id that the instance logs too."""

import json
import secrets
import socket
import ssl

import httpx
import pytest
from deployed import REGISTRY, Show
from testinfra.host import Host

from tests.fleet import Fleet

EXPOSURE_BUDGET = 3.0
HYBRID_SINCE_DEBIAN = 13
SUITES = {
    f"ECDHE-{signature}-{cipher}"
    for signature in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
}
SERVICE = REGISTRY.names[0]
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def handshake(fleet: Fleet, version: ssl.TLSVersion) -> str | None:
    """The protocol agreed on in one version of TLS; raises ssl.SSLError where the edge does not speak it."""
    context = ssl.create_default_context(cafile=str(fleet.ca))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((fleet.address, 443), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=fleet.address) as connection,
    ):
        return connection.selected_alpn_protocol()


def entries(host: Host, correlation_id: str) -> list[dict[str, object]]:
    """The access log's lines of one request; waits until the first is there."""
    find = f"journalctl --no-pager -t nginx_a2a -o cat | grep -F {correlation_id}"
    host.check_output(f"timeout 10 sh -c 'until {find} >/dev/null; do sleep 0.2; done'")
    return [json.loads(line) for line in host.check_output(find).splitlines()]


def test_edge_is_active_and_enabled(host: Host, show: Show) -> None:
    properties = show("nginx.service")["nginx.service"]
    assert (properties["ActiveState"], properties["UnitFileState"]) == ("active", "enabled")
    assert properties["MemoryMax"] == str(512 * 2**20)
    assert properties["PIDFile"] == "/run/nginx/nginx.pid"


def test_edge_is_confined(exposure: dict[str, float]) -> None:
    assert exposure["nginx.service"] <= EXPOSURE_BUDGET


def test_workers_are_not_root_and_nobody_has_more_than_four_capabilities(host: Host, show: Show) -> None:
    master = show("nginx.service")["nginx.service"]["MainPID"]
    workers = host.check_output(f"pgrep -P {master}").split()
    assert workers
    for process in [master, *workers]:
        lines = host.check_output(f"cat /proc/{process}/status").splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert int(status["CapBnd"], 16).bit_count() == 4
        if process in workers:
            assert int(status["CapEff"], 16) == 0
            assert status["Uid"].split()[0] == str(host.user("www-data").uid)


def test_what_is_live_is_what_was_checked(host: Host) -> None:
    host.check_output("cmp /etc/nginx/staging/nginx.conf /etc/nginx/nginx.conf && nginx -t")


def test_private_key_is_readable_by_root_alone(host: Host) -> None:
    key = host.file("/etc/ssl/private/a2a.key")
    assert (key.user, oct(key.mode)) == ("root", "0o600")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_with_http2_is_spoken(fleet: Fleet, version: ssl.TLSVersion) -> None:
    assert handshake(fleet, version) == "h2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused(fleet: Fleet, version: str) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(fleet, ssl.TLSVersion[version])


def test_only_the_six_suites_and_the_curves_of_the_profile_are_offered(host: Host) -> None:
    config = host.file("/etc/nginx/nginx.conf").content_string
    suites, curves = (
        next(line.split()[1].rstrip(";") for line in config.splitlines() if line.strip().startswith(directive))
        for directive in ("ssl_ciphers", "ssl_ecdh_curve")
    )
    assert set(suites.split(":")) == SUITES
    hybrid = int(host.system_info.release.split(".")[0]) >= HYBRID_SINCE_DEBIAN
    assert ("X25519MLKEM768" in curves.split(":")) is hybrid
    if hybrid:
        said = host.check_output("openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | grep group")
        assert "X25519MLKEM768" in said


def test_edge_answers_for_itself_and_for_nothing_private(fleet: Fleet) -> None:
    with fleet.http() as edge:
        assert edge.get("/healthz").json() == {"status": "ok"}
        for path in ("/metrics", "/health", "/readyz", "/circuit-breakers", f"/{SERVICE}/metrics", "/"):
            assert edge.get(path).status_code == 404, path
        assert edge.post("/circuit-breakers/reset").status_code == 404
        assert edge.get("/healthz", headers={"Host": "evil.test"}).status_code == 421


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_session_methods_are_refused_before_any_instance(host: Host, fleet: Fleet, method: str) -> None:
    correlation_id = secrets.token_hex(8)
    with fleet.http() as edge:
        answer = edge.request(method, f"/{SERVICE}/mcp", headers={"X-Request-ID": correlation_id})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert answer.json()["error"]["data"]["code"] == "invalid_argument"
    assert [entry["upstream_addr"] for entry in entries(host, correlation_id)] == [""]


@pytest.mark.parametrize("name", REGISTRY.names)
def test_every_service_is_called_through_the_edge_under_one_id(host: Host, fleet: Fleet, name: str) -> None:
    correlation_id = secrets.token_hex(8)
    headers = {"X-Request-ID": correlation_id, "MCP-Protocol-Version": "2025-11-25"}
    with fleet.http() as edge:
        answer = edge.post(f"/{name}/mcp", json=LIST_TOOLS, headers=headers)
    assert len(answer.json()["result"]["tools"]) == REGISTRY.get(name).tools
    assert answer.headers.get_list("x-request-id") == [correlation_id]
    (entry,) = entries(host, correlation_id)
    assert (entry["service"], entry["status"]) == (name, 200)
    instance = host.check_output(f"journalctl --no-pager -o json CORRELATION_ID={correlation_id}").splitlines()
    assert {json.loads(line)["MCP_SERVICE"] for line in instance} == {name}


def test_metadata_of_the_protected_resource_is_public(fleet: Fleet) -> None:
    with httpx.Client(verify=fleet.tls, base_url=f"https://{fleet.address}") as stranger:
        metadata = stranger.get(f"/.well-known/oauth-protected-resource/{SERVICE}/mcp")
        assert metadata.json()["resource"] == fleet.url(SERVICE)
        refused = stranger.post(f"/{SERVICE}/mcp", json=LIST_TOOLS)
    assert refused.status_code == 401
    assert str(metadata.url) in refused.headers["www-authenticate"]


def test_large_bodies_are_refused_at_the_edge_by_the_registry_limit(fleet: Fleet) -> None:
    limit = REGISTRY.get(SERVICE).max_body_bytes
    with fleet.http() as edge:
        answer = edge.post(f"/{SERVICE}/mcp", content=b" " * (limit + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["data"]["code"] == "limit_exceeded"


def test_no_log_of_the_edge_repeats_what_clients_should_not_have_sent(host: Host, fleet: Fleet) -> None:
    marker = secrets.token_hex(16)
    sent = {"Authorization": f"Bearer {marker}", "X-API-Key": marker, "Cookie": marker, "Mcp-Name": f"a {marker}"}
    correlation_id = secrets.token_hex(8)
    with fleet.http() as edge:
        edge.post(f"/{SERVICE}/mcp?token={marker}", content=marker, headers=sent | {"X-Request-ID": correlation_id})
        edge.post(f"/{SERVICE}/mcp?token={marker}", content=b" " * (REGISTRY.get(SERVICE).max_body_bytes + 1))
    assert entries(host, correlation_id)
    # The search itself must not be what is found: only what nginx and the servers wrote counts.
    found = host.check_output(
        "sleep 1; journalctl --no-pager -o json --since -2min"
        f' | grep -F {marker} | grep -cE \'"(SYSLOG_IDENTIFIER|_COMM)":"(nginx|gunicorn)\' || true'
    )
    assert found == "0"

"""What probes and operators read, and who may."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.settings import Settings
from tests.core.sample import SERVICE, build

READER = "reader-key-of-more-than-32-characters"
WRITER = "writer-key-of-more-than-32-characters"
Open = Callable[..., TestClient]


@pytest.fixture
def open_client(make_settings: Callable[..., Settings]) -> Iterator[Open]:
    """A running application, asked from loopback, where operators may read without a credential."""
    clients = []

    def open_client(client: str = "127.0.0.1", **overrides: Any) -> TestClient:
        values: dict[str, Any] = {
            "api_keys": (f"{READER}:ann:read", f"{WRITER}:bob:read,write"),
            "mcp_service": SERVICE.name,
            "mcp_port": SERVICE.port,
            "mcp_public_url": "https://mcp.example",
        }
        app = create_app(build(), make_settings(**(values | overrides)))
        clients.append(TestClient(app, client=(client, 50000)))
        return clients[-1].__enter__()

    yield open_client
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(open_client: Open) -> TestClient:
    return open_client()


def runtime_of(client: TestClient) -> Runtime:
    runtime: Runtime = client.app.state.runtime  # type: ignore[attr-defined]
    return runtime


def test_a_live_process_says_so(client: TestClient) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_a_started_process_is_ready(client: TestClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "reasons": [], "degraded": []}


def test_a_process_is_not_ready_before_it_started_and_while_it_drains(client: TestClient) -> None:
    runtime = runtime_of(client)
    runtime.started = False
    response = client.get("/readyz")
    assert (response.status_code, response.json()["reasons"]) == (503, ["starting"])
    runtime.started = True
    runtime.drain()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["reasons"]) == (503, ["draining"])
    assert client.get("/livez").status_code == 200


def test_redis_away_degrades_and_does_not_make_unready(open_client: Open) -> None:
    client = open_client(redis_url="unix:///nonexistent/redis.sock")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["degraded"]) == (200, ["redis"])
    health = client.get("/health").json()
    assert (health["status"], health["state"]) == ("degraded", {"store": "redis", "redis_ok": False})


def test_redis_there_is_healthy(open_client: Open, redis_url: str) -> None:
    health = open_client(redis_url=redis_url).get("/health").json()
    assert (health["status"], health["state"]) == ("ok", {"store": "redis", "redis_ok": True})


def test_health_is_the_instance_on_one_page(client: TestClient) -> None:
    health = client.get("/health").json()
    assert health.keys() == {
        "status", "service", "instance", "version", "uptime_seconds", "ready", "draining", "state",
        "circuit_breakers", "calls", "watchdog_seconds",
    }  # fmt: skip
    assert (health["status"], health["service"], health["instance"]) == ("ok", "sample", SERVICE.port)
    assert health["state"] == {"store": "memory", "redis_ok": None}
    assert health["calls"] == {"served": 0, "in_flight": 0}
    assert health["uptime_seconds"] >= 0


def test_an_open_breaker_shows_as_degraded(client: TestClient) -> None:
    runtime_of(client).breakers.get("redis").follow("open", 10)
    health = client.get("/health").json()
    assert (health["status"], health["circuit_breakers"]["redis"]) == ("degraded", "open")
    assert client.get("/circuit-breakers").json()["circuit_breakers"]["redis"] == "open"


def test_metrics_are_what_prometheus_reads(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    build_info = families["a2a_mcp_build_info"].samples[0].labels
    assert build_info["service"] == "sample"
    assert re.match(r"3\.\d+", build_info["python"])
    accept = {"accept": "application/openmetrics-text;version=1.0.0"}
    assert client.get("/metrics", headers=accept).text.endswith("# EOF\n")


def test_strangers_read_probes_and_metadata_and_nothing_else(open_client: Open) -> None:
    client = open_client(client="203.0.113.9")
    metadata = "/.well-known/oauth-protected-resource/sample/mcp"
    opened = [client.get(path).status_code for path in ("/livez", "/readyz", metadata)]
    closed = [client.get(path).status_code for path in ("/health", "/metrics", "/circuit-breakers", "/openapi.json")]
    assert (opened, closed) == ([200] * 3, [401] * 4)
    headers = {"authorization": f"Bearer {READER}"}
    assert client.get("/health", headers=headers).status_code == 200


def test_the_metadata_names_the_resource_and_its_scopes(client: TestClient) -> None:
    document = client.get("/.well-known/oauth-protected-resource/sample/mcp").json()
    assert document["resource"] == "https://mcp.example/sample/mcp"
    assert set(document["scopes_supported"]) == {"read", "write"}


def reset(client: TestClient, body: object = None, key: str = WRITER) -> Any:
    content = None if body is None else json.dumps(body)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return client.post("/circuit-breakers/reset", content=content, headers=headers)


def test_a_writer_resets_all_breakers_or_one_by_name(client: TestClient) -> None:
    breakers = runtime_of(client).breakers
    for name in ("redis", "other"):
        breakers.get(name).follow("open", 10)
    assert reset(client, {"name": "redis"}).json() == {"reset": ["redis"]}
    assert breakers.states() == {"redis": "closed", "other": "open"}
    assert reset(client).status_code == 200
    assert set(breakers.states().values()) == {"closed"}


def test_resetting_a_breaker_nobody_has_is_404_in_our_shape(client: TestClient) -> None:
    response = reset(client, {"name": "absent"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("body", [{"nme": "redis"}, {"name": 3}, {"name": "x" * 129}, [1], "redis"])
def test_a_reset_that_does_not_fit_is_400_in_our_shape(client: TestClient, body: object) -> None:
    response = reset(client, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_argument"


def test_a_reader_and_a_stranger_may_not_reset(client: TestClient) -> None:
    assert reset(client, key=READER).status_code == 403
    assert client.post("/circuit-breakers/reset").status_code == 401


def test_the_api_description_names_every_route_and_its_refusals(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/livez", "/readyz", "/health", "/metrics", "/circuit-breakers", "/circuit-breakers/reset",
        "/.well-known/oauth-protected-resource/sample/mcp",
    }  # fmt: skip
    assert set(paths["/circuit-breakers/reset"]["post"]["responses"]) == {"200", "400", "401", "403", "404", "default"}
    assert "422" not in json.dumps(paths)

"""The example inventories, and what playbooks derive from them."""

from pathlib import Path

import pytest

from app.a2a.mcp.core.registry import load_registry

from .conftest import ROOT, Evaluate

PRODUCTION = ROOT / "inventory" / "production"
EDGES, WATCH = ["198.51.100.11", "198.51.100.12"], "198.51.100.41"
DERIVED = """{
  'services': a2a_nginx_services, 'redis': a2a_mcp_redis_url, 'listen': a2a_mcp_listen_address,
  'hosts': a2a_mcp_allowed_hosts, 'open': a2a_common_firewall_open_ports, 'allow': a2a_common_firewall_allow,
  'redis_listen': a2a_redis_listen, 'proxies': a2a_mcp_trusted_proxies, 'keys': a2a_mcp_api_keys,
  'url': a2a_public_url, 'environment': a2a_mcp_environment}"""


def servers(addresses: list[str]) -> list[dict[str, object]]:
    """What the edge is told: every service with every instance on every address."""
    registry = load_registry()
    return [
        {
            "name": service.name,
            "max_body_mib": service.max_body_mib,
            "streams": service.streams,
            "servers": [f"{a}:{port}" for a in addresses for port in service.instance_ports(registry.instances)],
        }
        for service in registry
    ]


@pytest.fixture(scope="module")
def one_host(evaluate: Evaluate) -> dict[str, object]:
    keys = ["plain-key:first:read,write", "sha256$00:second:read"]
    host: dict[str, object] = evaluate(PRODUCTION / "hosts.yml", DERIVED, {"a2a_api_keys": keys})["fleet1"]
    return host


@pytest.fixture(scope="module")
def cluster(evaluate: Evaluate) -> dict[str, dict[str, object]]:
    return evaluate(PRODUCTION / "cluster.example.yml", DERIVED)


def test_one_host_keeps_everything_on_loopback_and_a_socket(one_host: dict[str, object]) -> None:
    assert one_host["services"] == servers(["127.0.0.1"])
    assert one_host["listen"] == "127.0.0.1"
    assert str(one_host["redis"]).startswith("unix://")
    assert one_host["redis_listen"] == []
    assert one_host["allow"] == []
    assert one_host["open"] == [443]


def test_keys_are_taken_apart_for_the_role(one_host: dict[str, object]) -> None:
    assert one_host["keys"] == [
        {"key": "plain-key", "client": "first", "permissions": ["read", "write"]},
        {"key": "sha256$00", "client": "second", "permissions": ["read"]},
    ]


def test_every_edge_of_a_cluster_balances_over_the_instances_of_all_hosts(
    cluster: dict[str, dict[str, object]],
) -> None:
    addresses = ["198.51.100.21", "198.51.100.22", "198.51.100.23"]
    assert cluster["edge1"]["services"] == cluster["edge2"]["services"] == servers(addresses)


def test_hosts_of_a_cluster_open_their_ports_to_those_who_need_them(cluster: dict[str, dict[str, object]]) -> None:
    registry = load_registry()
    ports = [str(port) for service in registry for port in service.instance_ports(registry.instances)]
    watched = {"ports": ["9100", "9113", "9121", "9115"], "from": [WATCH]}
    assert cluster["app1"]["allow"] == [{"ports": ports, "from": [*EDGES, WATCH]}, watched]
    assert cluster["state1"]["allow"] == [
        {"ports": ["6379"], "from": ["198.51.100.21", "198.51.100.22", "198.51.100.23"]},
        watched,
    ]
    assert cluster["watch1"]["allow"] == [watched, {"ports": ["9090", "9093", "3000"], "from": EDGES}]
    assert cluster["app1"]["open"] == cluster["state1"]["open"] == cluster["watch1"]["open"] == []
    assert cluster["edge1"]["open"] == [443]


def test_services_of_a_cluster_find_redis_each_other_and_their_edges(cluster: dict[str, dict[str, object]]) -> None:
    app = cluster["app2"]
    assert app["listen"] == "198.51.100.22"
    assert app["redis"] == "redis://198.51.100.31:6379"
    assert app["environment"] == {"MCP_SISTER_URL": "http://198.51.100.22:{port}"}
    assert app["proxies"] == ["127.0.0.1", "::1", "198.51.100.11", "198.51.100.12"]
    assert cluster["state1"]["redis_listen"] == ["198.51.100.31"]


def test_examples_hold_no_secret() -> None:
    vault = (PRODUCTION / "vault.example.yml").read_text(encoding="utf-8")
    values = [line.split(":", 1)[1].strip() for line in vault.splitlines() if line.startswith("a2a_")]
    assert values
    assert set(values) <= {'""', "[]", "{}"}


def test_two_standalone_hosts_in_one_inventory_are_two_fleets(evaluate: Evaluate, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    group = "{hosts: {a: , b: }}"
    inventory.write_text(
        f"all: {{children: {{mcp_servers: {group}, edge: {group}, redis: {group}, monitoring: {group}}}}}\n"
    )
    extra = {"a2a_public_hosts": ["x.internal"], "a2a_standalone": True}
    for host in evaluate(inventory, DERIVED, extra).values():
        assert host["services"] == servers(["127.0.0.1"])
        assert host["allow"] == []

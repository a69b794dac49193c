"""The rendered configuration of the edge: nginx accepts it, and it says what was decided."""

import re
from pathlib import Path

import pytest

from .conftest import Evaluate
from .edge import check, make_pair, nginx_build, render
from .test_inventories import servers

DEBIAN_12 = "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.17 1 Jul 2025\n"
DEBIAN_13 = "nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.1 1 Jul 2025\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nginx")
    make_pair(made)
    return made


@pytest.fixture(scope="module")
def fleet(evaluate: Evaluate, directory: Path) -> str:
    services = servers(["127.0.0.1", "198.51.100.21"])
    return render(evaluate, directory, nginx_build(), a2a_nginx_services=services)


def test_configuration_of_the_registry_passes_nginx(fleet: str, directory: Path) -> None:
    assert check(directory, fleet) == ""


@pytest.mark.parametrize(
    "variables",
    [
        {"a2a_nginx_http": "redirect", "a2a_nginx_ipv6": False},
        {"a2a_nginx_requests_per_second": 0, "a2a_nginx_connections_per_client": 0, "a2a_nginx_hsts_seconds": 0},
        {
            "a2a_nginx_trusted_proxies": ["192.0.2.0/24"],
            "a2a_nginx_server_names": ["a.b", "192.0.2.1", "[2001:db8::1]"],
        },
        {"a2a_nginx_services": []},
    ],
    ids=["redirect", "unlimited", "proxied", "empty"],
)
def test_every_choice_of_parameters_passes_nginx(
    evaluate: Evaluate, directory: Path, variables: dict[str, object]
) -> None:
    services = {"a2a_nginx_services": servers(["127.0.0.1"])}
    assert check(directory, render(evaluate, directory, nginx_build(), **services | variables)) == ""


def test_broken_configuration_is_refused_with_nginx_own_words(evaluate: Evaluate, directory: Path) -> None:
    broken = [{"name": "one", "max_body_mib": 1, "servers": ["127.0.0.1:99999"]}]
    refusal = check(directory, render(evaluate, directory, nginx_build(), a2a_nginx_services=broken))
    assert 'invalid port in upstream "127.0.0.1:99999"' in refusal


def test_each_service_has_its_path_upstream_and_body_limit(fleet: str) -> None:
    for service in servers(["127.0.0.1", "198.51.100.21"]):
        name = service["name"]
        upstream = re.search(rf"upstream {name} {{(.*?)}}", fleet, re.DOTALL)
        location = re.search(rf"location = /{name}/mcp {{(.*?)\n        }}", fleet, re.DOTALL)
        assert upstream and location
        assert re.findall(r"server (\S+) max_fails=2 fail_timeout=1s;", upstream[1]) == service["servers"]
        assert {"least_conn;", "keepalive 16;"} <= {line.strip() for line in upstream[1].splitlines()}
        assert f"client_max_body_size {service['max_body_mib']}m;" in location[1]


def test_post_is_never_sent_to_a_second_instance(fleet: str) -> None:
    directive = re.findall(r"^\s*proxy_next_upstream (.*);", fleet, re.MULTILINE)
    assert directive == ["error timeout"]


def test_tls_is_the_intermediate_profile(fleet: str) -> None:
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in fleet
    suites = re.search(r"ssl_ciphers (\S+);", fleet)
    assert suites
    assert len(suites[1].split(":")) == 6
    assert all(suite.startswith("ECDHE-") and ("GCM" in suite or "POLY1305" in suite) for suite in suites[1].split(":"))


@pytest.mark.parametrize(
    ("build", "curves", "by_listen"),
    [
        (DEBIAN_12, "X25519:prime256v1:secp384r1", True),
        (DEBIAN_13, "X25519MLKEM768:X25519:prime256v1:secp384r1", False),
    ],
    ids=["debian12", "debian13"],
)
def test_http2_and_curves_follow_the_installed_nginx(
    evaluate: Evaluate, directory: Path, build: str, curves: str, by_listen: bool
) -> None:
    text = render(evaluate, directory, build, a2a_nginx_services=servers(["127.0.0.1"]))
    assert f"ssl_ecdh_curve {curves};" in text
    assert ("listen 443 ssl http2;" in text) is by_listen
    assert ("http2 on;" in text) is not by_listen

"""What preflight refuses: every problem is named with its variable and its remedy, and none hides another."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Evaluate

HERE = str(Path(__file__))
GOOD_PASSWORD = "correct-horse-battery-staple"

GOOD: dict[str, Any] = {
    "controller": "2.19.14",
    "a2a_public_hosts": ["mcp.internal"],
    "a2a_jwt_secret_key": "xkV5cI2-5cC8oYwVn3x6Vg4kqJt0aM9bLrTzQeWuYpI",
    "a2a_request_state_keys": ["p0QkV5cI2-5cC8oYwVn3x6Vg4kqJt0aM9bLrTzQeWuY"],
    "a2a_api_keys": ["h7JkV5cI2-5cC8oYwVn3x6Vg4kqJt0aM9bLrTzQeWuY:me:read,write", "sha256$" + 64 * "0" + ":it:read"],
    "a2a_services": [{"name": "alpha", "port": 9101}, {"name": "beta", "port": 9102}],
    "a2a_instances": 3,
    "a2a_standalone": True,
    "facts": {
        "distribution": "Debian",
        "distribution_major_version": "13",
        "distribution_version": "13.1",
        "python_version": "3.13.5",
        "service_mgr": "systemd",
        "user_id": "root",
        "memtotal_mb": 4000,
    },
    "__python": {"stdout": "/usr/bin/python3\r\n"},
    "__sockets": {"rc": 0, "stdout_lines": ['LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=7,fd=3))']},
    "__processes": {"rc": 0, "stdout_lines": ["    7 ssh.service", "   11 a2a-mcp-alpha@9101.service"]},
    "__room": {"stdout_lines": ["Avail", "  9000", "  9000"]},
}


SEVERAL_HOSTS: dict[str, Any] = {"a2a_on_one_host": False, "a2a_private_address": "198.51.100.1"}


def facts(**changed: object) -> dict[str, Any]:
    return {"facts": GOOD["facts"] | changed}


def listening(line: str) -> dict[str, Any]:
    return {"__sockets": {"rc": 0, "stdout_lines": [line]}}


# What is changed in a good fleet, what is said of it, and a word of the remedy.
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "ansible_too_old": ({"controller": "2.18.3"}, "ansible-core 2.18.3", "install a version from 2.19"),
    "ansible_too_new": ({"controller": "2.22.0"}, "ansible-core 2.22.0", "up to 2.21"),
    "no_name": ({"a2a_public_hosts": []}, "a2a_public_hosts is empty", "list the names"),
    "name_is_url": ({"a2a_public_hosts": ["https://x/"]}, "a2a_public_hosts has https://x/", "without scheme"),
    "no_secret": ({"a2a_jwt_secret_key": ""}, "a2a_jwt_secret_key is missing", "secrets.token_urlsafe(32)"),
    "short_secret": ({"a2a_jwt_secret_key": "k3"}, "a2a_jwt_secret_key has 2 characters", "token_urlsafe"),
    "template_secret": (
        {"a2a_jwt_secret_key": "your-secret-key-of-32-characters-here"},
        "still holds a template's value",
        "token_urlsafe",
    ),
    "repeated_secret": ({"a2a_jwt_secret_key": 40 * "a"}, "a2a_jwt_secret_key repeats 1 characters", "token_urlsafe"),
    "quoted_secret": ({"a2a_jwt_secret_key": "aB3'" * 12}, "repeats 4", "token_urlsafe"),
    "odd_secret": (
        {"a2a_jwt_secret_key": "xkV5cI2'5cC8oYwVn3x6Vg4kqJt0aM9bLrTzQeWuYpI"},
        "holds a character",
        "use letters, digits",
    ),
    "short_previous_secret": (
        {"a2a_jwt_secret_key_previous": "k3"},
        "a2a_jwt_secret_key_previous has 2",
        "token_urlsafe",
    ),
    "no_state_key": ({"a2a_request_state_keys": []}, "a2a_request_state_keys is empty", "list one random value"),
    "short_state_key": ({"a2a_request_state_keys": ["k3"]}, "a2a_request_state_keys[0] has 2", "token_urlsafe"),
    "no_api_key": ({"a2a_api_keys": []}, "a2a_api_keys is empty", "key:client:permissions"),
    "api_key_without_client": ({"a2a_api_keys": ["k:read"]}, "a2a_api_keys[0] is not of the form", "write the key"),
    "api_key_unknown_permission": ({"a2a_api_keys": ["k:me:admin"]}, "a2a_api_keys[0] is not of", "read or read,write"),
    "api_key_bad_hash": ({"a2a_api_keys": ["sha256$12:me:read"]}, "a2a_api_keys[0] has a hash", "64 hexadecimal"),
    "api_key_short": ({"a2a_api_keys": ["k3:me:read"]}, "a2a_api_keys[0] has 2 characters", "token_urlsafe"),
    "redis_password_short": ({"a2a_redis_password": "k3"}, "a2a_redis_password has 2", "token_urlsafe"),
    "redis_password_missing": (
        SEVERAL_HOSTS | {"a2a_redis_exporter_password": GOOD["a2a_jwt_secret_key"]},
        "a2a_redis_password is missing",
        "token_urlsafe",
    ),
    "exporter_password_missing": (
        SEVERAL_HOSTS | {"a2a_redis_password": GOOD["a2a_jwt_secret_key"]},
        "a2a_redis_exporter_password is missing",
        "token_urlsafe",
    ),
    "redis_twice": (
        {"a2a_redis_hosts": ["a", "b"], "a2a_on_one_host": True},
        "group redis names 2 hosts",
        "a2a_standalone",
    ),
    "no_edge": (
        {"a2a_fleet": {"mcp_servers": ["a"], "redis": ["a"], "monitoring": ["a"]}},
        "no host in the group edge",
        "name at least one",
    ),
    "no_monitoring": (
        {"a2a_fleet": {"mcp_servers": ["a"], "redis": ["a"], "edge": ["a"]}},
        "no group monitoring",
        "or add the group without hosts",
    ),
    "monitoring_twice": (
        {"a2a_monitoring_hosts": ["a", "b"], "a2a_on_one_host": True},
        "group monitoring names 2 hosts",
        "a2a_standalone",
    ),
    "exporter_password_short": ({"a2a_redis_exporter_password": "k3"}, "exporter_password has 2", "token_urlsafe"),
    "operator_misnamed": (
        {"a2a_nginx_operators": {"a:b": GOOD_PASSWORD}},
        "a2a_nginx_operators names a:b",
        "use letters, digits",
    ),
    "operator_easily_guessed": (
        {"a2a_nginx_operators": {"ann": "hunter2-hunter2"}},
        "a2a_nginx_operators[ann] is easily guessed, with 15 characters of which 8 differ",
        "use 16 or more",
    ),
    "service_misnamed": ({"a2a_services": [{"name": "A-b", "port": 9101}]}, "a service A-b", "use lower case"),
    "service_twice": (
        {"a2a_services": [{"name": "alpha", "port": 9101}, {"name": "alpha", "port": 9102}]},
        "names alpha more than once",
        "service_registry.json",
    ),
    "ports_meet": (
        {"a2a_services": [{"name": "alpha", "port": 9101}, {"name": "beta", "port": 9301}]},
        "port 9301 to alpha and beta",
        "choose ports",
    ),
    "certificate_missing": (
        {"a2a_nginx_tls_certificate_source": "/nowhere.crt", "a2a_nginx_tls_key_source": HERE},
        "a2a_nginx_tls_certificate_source names /nowhere.crt",
        "correct the path",
    ),
    "certificate_without_key": (
        {"a2a_nginx_tls_certificate_source": HERE},
        "a2a_nginx_tls_key_source is empty",
        "name both files",
    ),
    "no_python": ({"__python": {"stdout": "\r\n"}}, "has no python3", "apt-get install python3"),
    "other_system": (
        facts(distribution="Ubuntu", distribution_version="24.04"),
        "runs Ubuntu 24.04",
        "use Debian 12 or 13",
    ),
    "old_debian": (
        facts(distribution_major_version="11", distribution_version="11.9"),
        "Debian 11.9",
        "Debian 12 or 13",
    ),
    "old_python": (facts(python_version="3.9.2"), "has Python 3.9.2", "3.11 or later"),
    "no_systemd": (facts(service_mgr="sysvinit"), "not run by systemd but by sysvinit", "boot it with systemd"),
    "not_root": (facts(user_id="admin"), "is entered as admin", "ansible_become: true"),
    "no_address": (
        {
            "a2a_on_one_host": False,
            "a2a_redis_password": GOOD["a2a_jwt_secret_key"],
            "a2a_redis_exporter_password": GOOD["a2a_jwt_secret_key"],
            "a2a_private_address": "app.internal",
        },
        "would be reached by the others as app.internal",
        "set a2a_private_address",
    ),
    "no_ss": ({"__sockets": {"rc": 2}}, "cannot say which ports are taken", "apt-get install iproute2"),
    "port_taken": (
        listening('LISTEN 0 5 *:9202 *:* users:(("java",pid=7,fd=3))'),
        "already uses port 9202, needed for beta, in java",
        "service_registry.json",
    ),
    "https_taken": (
        listening('LISTEN 0 5 [::]:443 [::]:* users:(("apache2",pid=7,fd=3))'),
        "port 443, needed for TLS, in apache2",
        "a2a_nginx_https_port",
    ),
    "http_taken": (
        listening("LISTEN 0 5 *:80 *:*") | {"a2a_nginx_http": "redirect"},
        "port 80, needed for the redirect",
        "a2a_nginx_http: closed",
    ),
    "exporter_taken": (
        listening('LISTEN 0 5 *:9100 *:* users:(("java",pid=7,fd=3))'),
        "port 9100, needed for the exporter of node",
        "a2a_ports",
    ),
    "prometheus_taken": (
        listening('LISTEN 0 5 *:9090 *:* users:(("cockpit",pid=7,fd=3))'),
        "port 9090, needed for Prometheus",
        "a2a_ports",
    ),
    "status_taken": (
        listening('LISTEN 0 5 *:9080 *:* users:(("java",pid=7,fd=3))'),
        "port 9080, needed for the counters of nginx",
        "a2a_nginx_status_port",
    ),
    "disk_full": ({"__room": {"stdout_lines": ["Avail", "9000", "512"]}}, "has 512 MiB left in /var", "make room"),
    "little_memory": (facts(memtotal_mb=500), "has 500 MiB of memory and needs 1120", "add memory"),
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "good": {},
    "watched_by_nobody": {"a2a_fleet": {"mcp_servers": ["a"], "redis": ["a"], "edge": ["a"], "monitoring": []}},
    "operator": {"a2a_nginx_operators": {"ann.b@internal": GOOD_PASSWORD}},
    "our_own_port": listening('LISTEN 0 5 127.0.0.1:9101 *:* users:(("gunicorn",pid=11,fd=3))'),
    "ipv6_name": {"a2a_public_hosts": ["[2001:db8::1]", "192.0.2.1"]},
    "redirect_closed": listening("LISTEN 0 5 *:80 *:*"),
    "given_pair": {"a2a_nginx_tls_certificate_source": HERE, "a2a_nginx_tls_key_source": HERE},
}

EVERYTHING_AT_ONCE: dict[str, Any] = {
    "a2a_jwt_secret_key": "",
    "a2a_api_keys": [],
    "a2a_public_hosts": [],
    "__room": {"stdout_lines": ["Avail", "1", "1"]},
}


@pytest.fixture(scope="module")
def said(evaluate: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines of preflight for each case: every case is a host of one inventory, so that one run does for all."""
    cases = {name: case[0] for name, case in REFUSED.items()} | ACCEPTED | {"all_at_once": EVERYTHING_AT_ONCE}
    hosts = {name: GOOD | changed for name, changed in cases.items()}
    group = {"hosts": dict.fromkeys(hosts)}
    children = {"mcp_servers": group, "edge": group, "redis": group, "monitoring": group}
    inventory = tmp_path_factory.mktemp("inventory") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "children": children}}))
    templates = [ROOT / "playbooks" / "templates" / f"preflight_{part}.j2" for part in ("fleet", "host")]
    lines = [f"(lookup('ansible.builtin.template', '{path}') | default('', true)).splitlines()" for path in templates]
    return evaluate(inventory, f"({' + '.join(lines)}) | map('trim') | select")


@pytest.mark.parametrize("case", REFUSED)
def test_problem_is_refused_alone_and_with_its_remedy(said: dict[str, list[str]], case: str) -> None:
    _, problem, remedy = REFUSED[case]
    assert len(said[case]) == 1, said[case]
    assert problem in said[case][0]
    assert remedy in said[case][0]


@pytest.mark.parametrize("case", ACCEPTED)
def test_good_fleet_is_let_pass(said: dict[str, list[str]], case: str) -> None:
    assert said[case] == []


def test_all_problems_are_named_together(said: dict[str, list[str]]) -> None:
    assert len(said["all_at_once"]) == 4


def test_no_refusal_shows_a_secret(said: dict[str, list[str]]) -> None:
    everything = "\n".join(line for lines in said.values() for line in lines)
    for secret in (
        "hunter2",
        "your-secret-key-of-32",
        GOOD["a2a_jwt_secret_key"],
        GOOD["a2a_api_keys"][0][:20],
        "aB3'",
    ):
        assert secret not in everything


def test_every_refusal_of_the_templates_is_tried() -> None:
    sources = [ROOT / "playbooks" / "templates" / f"preflight_{part}.j2" for part in ("fleet", "host")]
    lines = [line for source in sources for line in source.read_text(encoding="utf-8").splitlines()]
    refusals = [line for line in lines if not re.match(r"^\s*({[%#].*|)$|^{{ judge.*}}$", line)]
    assert 33 <= len(refusals) <= len(REFUSED)

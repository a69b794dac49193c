"""The environment file of all instances: what the role's parameters become, read as a server reads it."""

from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from app.a2a.mcp.core.settings import Settings, load_settings
from tests.ansible.conftest import ROOT, Evaluate

ROLE = ROOT / "roles" / "a2a_mcp"
RENDER = f"lookup('ansible.builtin.template', '{ROLE / 'templates' / 'fleet.env.j2'}')"
SECRETS = {
    "JWT_SECRET_KEY": "a-real-secret-of-more-than-32-characters",
    "MCP_REQUEST_STATE_KEYS": "a-real-key-ring-of-more-than-32-characters",
}
OF_THE_FLEET = {"mcp_environment", "mcp_allowed_hosts", "redis_url"}
"""What a deployed host has otherwise than a process on a developer's machine."""


def rendered(evaluate: Evaluate, directory: Path, **parameters: Any) -> Settings:
    """The settings of a host with these role parameters."""
    inventory = directory / "hosts.yml"
    inventory.write_text("all: {hosts: {one: {}}}")
    text = evaluate(inventory, RENDER, parameters, (ROLE / "defaults" / "main.yml",))["one"]
    return load_settings({name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()} | SECRETS)


def test_what_the_role_leaves_alone_is_as_the_servers_default(evaluate: Evaluate, tmp_path: Path) -> None:
    found = rendered(evaluate, tmp_path)
    assert found.production
    plain = load_settings(SECRETS)
    differing = {name for name in Settings.model_fields if getattr(found, name) != getattr(plain, name)}
    assert differing == OF_THE_FLEET


def test_each_parameter_reaches_the_setting_of_its_name(evaluate: Evaluate, tmp_path: Path) -> None:
    wanted = {
        "mcp_unchecked_reads": "refuse",
        "transport_allowed_targets": ["mcp.partner.example:8443", "192.0.2.7"],
        "jwt_expiration_hours": 8,
        "mcp_call_timeout_seconds": 12.5,
        "mcp_worker_threads": 2,
        "rate_limit_requests": 7,
        "rate_limit_window": 9,
        "mcp_log_level": "WARNING",
        "cors_allowed_origins": ["https://app.example"],
    }
    parameters = {f"a2a_mcp_{name.removeprefix('mcp_')}": value for name, value in wanted.items()}
    found = rendered(evaluate, tmp_path, **parameters)
    assert {name: list(v) if isinstance(v := getattr(found, name), tuple) else v for name in wanted} == wanted


def test_what_has_no_parameter_is_set_by_its_environment_name(evaluate: Evaluate, tmp_path: Path) -> None:
    given = {"MCP_DRAIN_SECONDS": 5, "RATE_LIMIT_REQUESTS": 11}
    found = rendered(evaluate, tmp_path, a2a_mcp_environment=given, a2a_mcp_rate_limit_requests=7)
    assert (found.mcp_drain_seconds, found.rate_limit_requests) == (5.0, 11)

"""Writes what is derived: `.env.template`, the settings tables, the README's list of services, and docs/tools.md.

`python -m docs.generate` writes, `make check` compares. A new setting needs a line in GROUPS, and nothing else here.
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from app.a2a.mcp.core.registry import Registry, load_registry
from app.a2a.mcp.core.settings import Settings

ROOT = Path(__file__).parents[1]

GROUPS: dict[str, tuple[str, ...]] = {
    "Secrets": ("jwt_secret_key", "jwt_secret_key_previous", "api_keys", "mcp_request_state_keys", "redis_password"),
    "Tokens": ("jwt_expiration_hours", "jwt_issuer", "jwt_audience", "mcp_unchecked_reads"),
    "Limits": (
        "rate_limit_requests",
        "rate_limit_window",
        "mcp_call_timeout_seconds",
        "mcp_worker_threads",
        "mcp_drain_seconds",
    ),
    "Who may reach it": (
        "mcp_host",
        "mcp_allowed_hosts",
        "mcp_public_url",
        "cors_allowed_origins",
        "mcp_ops_networks",
        "mcp_trusted_proxies",
        "transport_allowed_targets",
    ),
    "State and neighbours": ("redis_url", "mcp_state_directory", "mcp_wordnet_directory", "mcp_sister_url"),
    "Logging": ("mcp_log_level", "mcp_log_refusals_burst", "mcp_log_refusals_per_second"),
    "Tracing": (
        "otel_exporter_otlp_endpoint",
        "otel_exporter_otlp_headers",
        "otel_exporter_otlp_certificate",
        "otel_traces_sampler_arg",
    ),
    "Set for each process by its unit or the command line": ("mcp_environment", "mcp_service", "mcp_port"),
}
LAST_GROUP = tuple(GROUPS)[-1]

TEMPLATE_VALUES = {
    "jwt_secret_key": "change-me-to-32-or-more-random-characters",
    "api_keys": "change-me-to-the-hash-of-a-key:client1:read,write",
    "mcp_request_state_keys": "change-me-to-32-or-more-random-characters",
}
"""What the template holds for secrets that must be set; the servers refuse each by its `change-me`."""

DEPLOYMENT = {"GRAFANA_ADMIN_PASSWORD": "password of Grafana's first administrator (a2a_grafana_admin_password)"}
"""What the local inventory reads from the environment, and no server."""

HOW_TO_MAKE = {
    "jwt_secret_key": "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
    "api_keys": "python -m app.a2a.mcp.service_manager keys new",
    "mcp_request_state_keys": "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
}
TEMPLATE_HEAD = """\
# Settings for running the servers on this machine: cp .env.template .env, then replace every change-me.
# Written by docs/generate.py from the settings themselves; docs/configuration.md explains them.
# Deployed hosts do not read this file: their settings come from the inventory (docs/deployment.md).
"""


def pages() -> dict[Path, Callable[[], str]]:
    """Every generated file and what makes the text it should hold."""
    readme, configuration = ROOT / "README.md", ROOT / "docs" / "configuration.md"
    return {
        ROOT / ".env.template": env_template,
        readme: lambda: _between(readme.read_text(), "services", service_table(load_registry())),
        configuration: lambda: _between(configuration.read_text(), "settings", settings_tables()),
        ROOT / "docs" / "tools.md": _tools_page,
    }


def _tools_page() -> str:
    from docs.tools_page import tools_page  # it brings all services along

    return tools_page()


def service_table(registry: Registry) -> str:
    """The README's table: the guide's columns, with the ports of all instances."""
    rows = ["| Service | Ports | Tools | Purpose |", "|---|---|---|---|"]
    for service in registry:
        ports = ", ".join(map(str, service.instance_ports(registry.instances)))
        rows.append(f"| `{service.name}` | {ports} | {service.tools} | {service.purpose} |")
    return "\n".join(rows)


def settings_tables() -> str:
    """One table a group: name, what it may be, default, meaning."""
    parts = []
    for group, names in GROUPS.items():
        parts += [f"### {group}", "", "| Variable | Values | Default | Meaning |", "|---|---|---|---|"]
        for name, field in _fields(names):
            default = default_text(field)
            shown = f"`{default}`" if default else "empty"
            parts.append(f"| `{variable(name)}` | {values(field)} | {shown} | {_cell(field.description)} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def env_template() -> str:
    """The template: what must be set stands there to be replaced, the rest is commented out with its default."""
    lines = [TEMPLATE_HEAD]
    for group, names in GROUPS.items():
        lines += [f"# {group}", "# " + "-" * len(group)]
        if group == LAST_GROUP:
            lines.append("# Not for this file: each process is told its own.")
        for name, field in _fields(names):
            allowed = values(field)
            lines.append(f"# {field.description}" + (f" ({allowed})" if allowed != "text" else ""))
            if name in HOW_TO_MAKE:
                lines.append(f"#   make one: {HOW_TO_MAKE[name]}")
            mark = "" if name in TEMPLATE_VALUES else "#"
            lines.append(f"{mark}{variable(name, '1')}={TEMPLATE_VALUES.get(name, default_text(field))}")
        lines.append("")
    lines += ["# For the deployment of a local host", "# " + "-" * 34]
    lines += [line for name, text in DEPLOYMENT.items() for line in (f"# {text}", f"#{name}=")]
    return "\n".join(lines).rstrip() + "\n"


def variable(name: str, number: str = "<n>") -> str:
    """The environment name of a setting."""
    return f"API_KEY_{number}" if name == "api_keys" else name.upper()


def values(field: FieldInfo) -> str:
    """What the setting may be, in words."""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "list, comma-separated" if field.metadata else "text"
    word = {int: "whole number", float: "number", Path: "path"}.get(kind, "text")
    low = next((f"from {m.ge}" for m in field.metadata if isinstance(m, Ge)), "")
    low = low or next((f"over {m.gt}" for m in field.metadata if isinstance(m, Gt)), "")
    high = next((f"to {m.le}" for m in field.metadata if isinstance(m, Le)), "")
    return " ".join(part for part in (word, low, high) if part)


def default_text(field: FieldInfo) -> str:
    """The default as it would be written in the environment."""
    value = field.default
    return ",".join(map(str, value)) if isinstance(value, tuple | dict) else str(value)


def _fields(names: tuple[str, ...]) -> Iterator[tuple[str, FieldInfo]]:
    for name in names:
        yield name, Settings.model_fields[name]


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("<", "&lt;")


def _between(page: str, name: str, text: str) -> str:
    """The page with what stands between its two marks replaced."""
    pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    new, count = pattern.subn(lambda match: f"{match[1]}{text}\n{match[2]}", page)
    if count != 1:
        raise SystemExit(f"the marks `generated: {name}` and `end` are missing or not unique")
    return new


def main() -> int:
    """Write what differs, naming it; with --check only say so, and fail."""
    check = "--check" in sys.argv[1:]
    made = {path: make() for path, make in pages().items()}
    changed = {path: text for path, text in made.items() if not path.exists() or path.read_text() != text}
    for path, text in changed.items():
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is stale: run make docs' if check else 'written'}\n")
        if not check:
            path.write_text(text)
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())

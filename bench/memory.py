"""Import time and memory of the whole fleet on a deployed host, for docs/performance.md.

`python bench/memory.py [--fleet NAME] [--json FILE]` (`local` when absent, which `make up` makes) imports each server
in a fresh process here, reads the resident (RSS) and proportional (PSS) memory of every instance, nginx and Redis on
the host, then calls every tool of every instance by its first example, and reads again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from app.a2a.mcp.core.registry import load_registry

CACHE = Path(os.environ.get("A2A_CACHE", Path.home() / ".cache" / "a2a-mcp"))
ON_HOST = Path(__file__).with_name("memory_on_host.py")
WORKPLACE = "/run/a2a-mcp-bench"
MIB = 1024 * 1024
IMPORT = """
import importlib, os, sys, time
os.environ["MCP_SERVICE"] = sys.argv[1]
import app.a2a.mcp.core.gunicorn_conf, app.a2a.mcp.core.asgi
importlib.import_module(f"app.a2a.mcp.servers.{sys.argv[1]}_mcp_server")
print(time.process_time())
"""
IMPORTS = 3


def import_ms(service: str) -> float:
    """CPU milliseconds from the interpreter's start to an imported server: the least of a few."""
    command = [sys.executable, "-c", IMPORT, service]
    return 1000 * min(float(subprocess.check_output(command, text=True)) for _ in range(IMPORTS))


def on_host(fleet: str, command: str, content: str = "") -> str:
    """What a command on the host prints."""
    ssh = ["ssh", "-F", str(CACHE / "ssh_config"), fleet, command]
    return subprocess.run(ssh, input=content, capture_output=True, text=True, check=True, timeout=600).stdout


def warming_calls() -> list[dict[str, Any]]:
    """The first example of every tool, for every instance."""
    registry = load_registry()
    calls = []
    for service in registry:
        tools = importlib.import_module(service.module).server.tools.values()
        for port in service.instance_ports(registry.instances):
            for tool in tools:
                params = {"name": tool.name, "arguments": tool.examples[0]}
                message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
                calls.append({"port": port, "body": json.dumps(message)})
    return calls


def measured(fleet: str) -> dict[str, Any]:
    """The host's memory before and after a warm-up."""
    on_host(fleet, f"mkdir -p -m 700 {WORKPLACE}")
    try:
        on_host(fleet, f"cat >{WORKPLACE}/key", (CACHE / "secrets" / "api_key").read_text())
        on_host(fleet, f"cat >{WORKPLACE}/calls", json.dumps(warming_calls()))
        found: dict[str, Any] = json.loads(
            on_host(fleet, f"python3 - {WORKPLACE}/key {WORKPLACE}/calls", ON_HOST.read_text())
        )
        return found
    finally:
        on_host(fleet, f"rm -rf {WORKPLACE}")


def by_service(units: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
    """MiB by service: the sum of its instances."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: {"rss": 0.0, "pss": 0.0})
    for unit, sizes in units.items():
        name = unit.removeprefix("a2a-mcp-").partition("@")[0]
        for kind, size in sizes.items():
            sums[name][kind] += size / MIB
    return sums


def table(found: dict[str, Any], imports: dict[str, float]) -> None:
    """Print a row for each service, the fleet, nginx and Redis."""
    before, after = by_service(found["before"]), by_service(found["after"])
    print(f"MiB of all instances of a service; {found['calls']} calls between, {found['refused']} not answered 200")
    head = ("service", "import CPU ms", "RSS", "PSS", "RSS warm", "PSS warm")
    print(f"{head[0]:24}" + "".join(f"{name:>14}" for name in head[1:]))
    services = [service.name for service in load_registry()]
    for name in [*services, *sorted(after.keys() - set(services))]:
        row = [after[name][kind] if state else before[name][kind] for state in (0, 1) for kind in ("rss", "pss")]
        shown = f"{imports[name]:.0f}" if name in imports else ""
        print(f"{name:24}{shown:>14}" + "".join(f"{value:14.1f}" for value in row))
    sums = [sum(state[name][kind] for name in services) for state in (before, after) for kind in ("rss", "pss")]
    print(f"{'the fleet':24}{sum(imports.values()):14.0f}" + "".join(f"{value:14.1f}" for value in sums))


def main() -> None:
    """Measure, print, and write the figures where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--fleet", default="local")
    arguments.add_argument("--json", type=Path, default=Path(".cache/reports/memory.json"))
    given = arguments.parse_args()
    imports = {service.name: import_ms(service.name) for service in load_registry()}
    found = measured(given.fleet)
    table(found, imports)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"import_cpu_ms": imports, **found}, indent=1))
    print(f"written to {given.json}")


if __name__ == "__main__":
    main()

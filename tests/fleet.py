"""A deployed host as a client and as an operator see it: its edge, its keys, and a shell.

`pytest tests/e2e tests/chaos --fleet NAME` takes the host NAME of molecule/shared/rig.sh, deployed by site.yml with
the cache's secrets: `make molecule` leaves `debian13` to these tests, `make up` makes `local`.
"""

import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.a2a.mcp.core.registry import Registry, load_registry

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("A2A_CACHE", Path.home() / ".cache" / "a2a-mcp"))
MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which deployed host the tests marked e2e and fault talk to."""
    parser.addoption("--fleet", default="debian13", help="name of a deployed host of molecule/shared/rig.sh")


@dataclass(frozen=True)
class Fleet:
    """One host that runs everything."""

    name: str
    address: str
    ca: Path

    @property
    def registry(self) -> Registry:
        """The services that it runs."""
        return load_registry()

    @cached_property
    def key(self) -> str:
        """An API key with read and write."""
        return (CACHE / "secrets" / "api_key").read_text().strip()

    @cached_property
    def reader_key(self) -> str:
        """An API key with read."""
        return (CACHE / "secrets" / "reader_key").read_text().strip()

    @cached_property
    def operator_password(self) -> str:
        """What opens the pages for people, with the name `operator`."""
        return (CACHE / "secrets" / "operator_password").read_text().strip()

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """A context that trusts the host's certificate and nothing else."""
        return ssl.create_default_context(cafile=str(self.ca))

    def url(self, service: str) -> str:
        """The MCP endpoint of a service, through the edge."""
        return f"https://{self.address}/{service}/mcp"

    def units(self, service: str) -> tuple[str, ...]:
        """The systemd units of a service's instances, in order."""
        ports = self.registry.get(service).instance_ports(self.registry.instances)
        return tuple(f"a2a-mcp-{service}@{port}.service" for port in ports)

    def http(self, **options: Any) -> httpx.Client:
        """A client of the edge with the writer's key."""
        headers = {"X-API-Key": self.key, "Accept": "application/json, text/event-stream"}
        return httpx.Client(verify=self.tls, headers=headers, base_url=f"https://{self.address}", timeout=30, **options)

    def call(self, client: httpx.Client, service: str, tool: str, arguments: dict[str, Any]) -> httpx.Response:
        """One tools/call of the handshake era, on whatever instance the edge picks."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        return client.post(f"/{service}/mcp", json=message, headers={"MCP-Protocol-Version": HANDSHAKE})

    def sh(self, script: str, check: bool = True, timeout: float = 60) -> str:
        """What a root shell on the host prints; stderr is part of the failure's message."""
        command = ["ssh", "-F", str(CACHE / "ssh_config"), self.name, "bash", "-s"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or done.returncode == 0, f"{script!r} ended {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.sh(f"systemctl --no-pager show {unit} -p {','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, *matches: str) -> str:
        """The journal's lines for matches, as JSON lines."""
        return self.sh(f"journalctl --no-pager -o json {' '.join(matches)}")


def until(condition: Callable[[], Any], seconds: float, what: str, state: object = None) -> Any:
    """Poll a condition until it holds; its value, or a failure that says what was waited for and shows `state`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"after {seconds} s: {what} ({state})")


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The deployed host named by --fleet; its absence is an error that says how to get one."""
    name = request.config.getoption("--fleet")
    rig = ROOT / "molecule" / "shared" / "rig.sh"
    found = subprocess.run([rig, "address", name], capture_output=True, text=True, check=False)
    address = found.stdout.strip()
    assert found.returncode == 0 and address, f"no host {name!r}: `make up` and --fleet local, or `make molecule`"
    ca = tmp_path_factory.mktemp("fleet") / "ca.crt"
    host = Fleet(name, address, ca)
    ca.write_text(host.sh("cat /etc/ssl/certs/a2a.crt"))
    return host


@pytest.fixture
def edge(fleet: Fleet) -> Iterator[httpx.Client]:
    """A client of the edge."""
    with fleet.http() as client:
        yield client

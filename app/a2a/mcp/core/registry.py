"""The list of services, read once from `servers/service_registry.json` and checked.

Everything that needs a name or a port derives it from here: modules, units, upstreams, scrape targets, docs.
"""

import json
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.a2a.mcp.errors import ConfigurationError, Detail, NotFoundError

INSTANCE_STEP = 100
"""Instance k (from 0) of a service listens on its port + 100·k."""

REGISTRY_FILE = Path(__file__).parents[1] / "servers" / "service_registry.json"


class Service(BaseModel):
    """One line of the registry. `port` is the first instance's, `tools` the contract number of its tools.

    `calls` names the services whose tools it may call; no other call leaves the process. `streams` says that clients
    may hang on it: for notices at /mcp, and at /streams/events.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    port: int = Field(ge=1024, le=65535)
    tools: int = Field(ge=0)
    purpose: str = Field(min_length=1)
    max_body_mib: int = Field(default=1, ge=1, le=64)
    calls: tuple[str, ...] = Field(default=(), strict=False)
    streams: bool = False

    @property
    def module(self) -> str:
        """The import path of its menu."""
        return f"app.a2a.mcp.servers.{self.name}_mcp_server"

    @property
    def max_body_bytes(self) -> int:
        """The largest request body it reads, in bytes."""
        return self.max_body_mib * 1024 * 1024

    def instance_ports(self, instances: int) -> tuple[int, ...]:
        """The ports of its instances, in order."""
        return tuple(self.port + INSTANCE_STEP * k for k in range(instances))


class Registry(BaseModel):
    """All services and how many instances of each a host runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    instances: int = Field(ge=1, le=9)
    services: tuple[Service, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _names_and_ports_are_unique(self) -> Self:
        names = [service.name for service in self.services]
        if len(set(names)) != len(names):
            raise ValueError("service names must be unique")
        ports = [port for service in self.services for port in service.instance_ports(self.instances)]
        if len(set(ports)) != len(ports):
            raise ValueError(f"instance ports (port + {INSTANCE_STEP}·k) must be unique")
        return self

    @model_validator(mode="after")
    def _calls_make_no_cycle(self) -> Self:
        for service in self.services:
            for called in service.calls:
                if called not in self.names:
                    raise ValueError(f"{service.name} calls {called!r}, which is no service")
        try:
            TopologicalSorter({service.name: service.calls for service in self.services}).prepare()
        except CycleError as error:
            # graphlib lists whom each is called by; reversed it reads as who calls whom.
            cycle = " -> ".join(reversed(error.args[1]))
            raise ValueError(f"services call each other in a cycle: {cycle}; take one of these calls out") from error
        return self

    def __iter__(self) -> Iterator[Service]:  # type: ignore[override]
        return iter(self.services)

    @property
    def names(self) -> tuple[str, ...]:
        """The service names in the registry's order."""
        return tuple(service.name for service in self.services)

    def get(self, name: str) -> Service:
        """The service of that name; raises NotFoundError that lists the names there are."""
        for service in self.services:
            if service.name == name:
                return service
        raise NotFoundError(f"no service is named {name!r}; there are: {', '.join(self.names)}")

    def service_at(self, port: int) -> Service:
        """The service one of whose instances listens on `port`; raises NotFoundError."""
        for service in self.services:
            if port in service.instance_ports(self.instances):
                return service
        raise NotFoundError(f"no service has an instance on port {port}")


def parse_registry(text: str, source: str) -> Registry:
    """Read a registry from JSON text; raises ConfigurationError naming `source` and each bad field."""
    try:
        return Registry.model_validate(json.loads(text))
    except ValueError as error:
        if not isinstance(error, ValidationError):
            raise ConfigurationError(f"{source} is not valid JSON: {error}") from error
        details = [Detail("/" + "/".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        listed = "; ".join(f"{detail.path}: {detail.reason}" for detail in details)
        raise ConfigurationError(f"{source} does not describe a fleet: {listed}", details) from error


@cache
def load_registry() -> Registry:
    """The fleet's registry, read once a process."""
    return parse_registry(REGISTRY_FILE.read_text(encoding="utf-8"), str(REGISTRY_FILE))

"""What a deployed host must have, derived from the registry."""

from collections.abc import Callable

from app.a2a.mcp.core.registry import load_registry

REGISTRY = load_registry()

INSTANCES = {
    f"a2a-mcp-{service.name}@{port}.service": port
    for service in REGISTRY
    for port in service.instance_ports(REGISTRY.instances)
}

Properties = dict[str, str]
Show = Callable[..., dict[str, Properties]]

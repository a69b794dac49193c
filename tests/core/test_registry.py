"""The registry is read strictly: a fleet that cannot be meant is refused with the field named."""

import json
from importlib import import_module
from typing import Any

import pytest

from app.a2a.mcp.core.registry import INSTANCE_STEP, load_registry, parse_registry
from app.a2a.mcp.errors import ConfigurationError, NotFoundError


def fleet(*services: dict[str, Any], instances: int = 3) -> str:
    return json.dumps({"instances": instances, "services": list(services)})


ONE = {"name": "one", "port": 2001, "tools": 1, "purpose": "First"}
TWO = {"name": "two", "port": 2002, "tools": 1, "purpose": "Second"}


def test_instances_of_a_service_are_a_hundred_ports_apart() -> None:
    service = parse_registry(fleet(ONE), "test").get("one")
    assert service.instance_ports(3) == (2001, 2001 + INSTANCE_STEP, 2001 + 2 * INSTANCE_STEP)


def test_services_keep_the_order_of_the_file() -> None:
    assert parse_registry(fleet(TWO, ONE), "test").names == ("two", "one")


def test_a_port_leads_back_to_its_service() -> None:
    registry = parse_registry(fleet(ONE, TWO), "test")
    assert registry.service_at(2002 + INSTANCE_STEP).name == "two"
    with pytest.raises(NotFoundError):
        registry.service_at(1999)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="one, two"):
        parse_registry(fleet(ONE, TWO), "test").get("three")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        (fleet(ONE, ONE), "names must be unique"),
        (fleet(ONE, TWO | {"port": 2001 + INSTANCE_STEP}), "must be unique"),
        (fleet(ONE | {"port": "2001"}), "/services/0/port"),
        (fleet(ONE | {"extra": 1}), "/services/0/extra"),
        (fleet(ONE | {"name": "Has-Capitals"}), "/services/0/name"),
        (fleet(), "/services"),
        (fleet(ONE, instances=0), "/instances"),
    ],
)
def test_a_wrong_registry_is_refused_with_the_field(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match="test") as caught:
        parse_registry(text, "test")
    assert told in caught.value.message


def test_every_service_of_the_fleet_has_a_menu_of_its_name() -> None:
    for service in load_registry():
        assert import_module(service.module).server.service == service

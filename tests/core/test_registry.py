"""The registry is read strictly: a fleet that cannot be meant is refused with the field named."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.core.registry import INSTANCE_STEP, REGISTRY_FILE, load_registry, parse_registry
from app.a2a.mcp.errors import ConfigurationError, NotFoundError

ROOT = Path(__file__).parents[2]


def fleet(*services: dict[str, Any], instances: int = 3) -> str:
    return json.dumps({"instances": instances, "services": list(services)})


ONE = {"name": "one", "port": 2001, "tools": 1, "purpose": "First"}
TWO = {"name": "two", "port": 2002, "tools": 1, "purpose": "Second"}
THREE = {"name": "three", "port": 2003, "tools": 1, "purpose": "Third"}


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
        (fleet(ONE | {"calls": ["two"]}), "one calls 'two', which is no service"),
        (fleet(ONE | {"calls": ["one"]}), "cycle: one -> one"),
        (fleet(), "/services"),
        (fleet(ONE, instances=0), "/instances"),
    ],
)
def test_a_wrong_registry_is_refused_with_the_field(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match="test") as caught:
        parse_registry(text, "test")
    assert told in caught.value.message


def test_services_that_call_each_other_in_a_cycle_are_refused_naming_it() -> None:
    chain = ONE | {"calls": ["two"]}, TWO | {"calls": ["three"]}
    assert parse_registry(fleet(*chain, THREE), "test").get("one").calls == ("two",)
    with pytest.raises(ConfigurationError) as caught:
        parse_registry(fleet(*chain, THREE | {"calls": ["one"]}), "test")
    told = caught.value.message.partition("cycle: ")[2].partition(";")[0].split(" -> ")
    start = told.index("one")
    assert told[0] == told[-1] and (told[:-1] + told[:-1])[start : start + 3] == ["one", "two", "three"]


def test_every_service_of_the_fleet_has_a_menu_of_its_name() -> None:
    for service in load_registry():
        assert import_module(service.module).server.service == service


def sister_calls(service: str) -> Iterator[str]:
    """Every service that the menu of `service` and its parts ask through `sisters.call`."""
    for path in REGISTRY_FILE.parent.glob(f"{service}_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("sisters.call"):
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno} names no service"
                yield str(node.args[0].value)


@pytest.mark.parametrize("service", load_registry().services, ids=lambda service: service.name)
def test_the_registry_lists_exactly_the_calls_that_a_menu_makes(service: Any) -> None:
    assert set(service.calls) == set(sister_calls(service.name))


def test_what_others_call_calls_nobody_above_it() -> None:
    registry = load_registry()
    order = {name: depth(name) for name in registry.names}
    assert all(order[called] < order[service.name] for service in registry for called in service.calls)
    assert max(order.values()) == 3, "a call waits for three others at most"


def depth(name: str) -> int:
    calls = load_registry().get(name).calls
    return 1 + max(map(depth, calls)) if calls else 0


def test_a_process_over_a_registry_with_a_cycle_refuses_to_start_naming_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", copy_function=os.symlink)
    registry = json.loads(REGISTRY_FILE.read_text())
    callee, caller = next((called, s["name"]) for s in registry["services"] for called in s.get("calls", ()))
    next(s for s in registry["services"] if s["name"] == callee)["calls"] = [caller]
    file = tmp_path / REGISTRY_FILE.relative_to(ROOT)
    file.unlink()
    file.write_text(json.dumps(registry))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "MCP_SERVICE": caller, "MCP_PORT": "1025"}
    gunicorn = ["-m", "gunicorn", "-c", "python:app.a2a.mcp.core.gunicorn_conf"]
    for command in ([str(file.parent / f"{caller}_mcp_server.py")], gunicorn):
        ended = subprocess.run(
            [sys.executable, *command],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode != 0
        assert "services call each other in a cycle" in ended.stderr and f"{caller} -> {callee}" in ended.stderr
        assert "Traceback" not in ended.stderr

"""The laws that every role keeps."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.a2a.mcp.core.registry import load_registry

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.parents[1] for path in (ROOT / "roles").glob("*/tasks/main.yml"))
NOT_MODULES = {
    "always", "any_errors_fatal", "args", "async", "become", "become_user", "block", "changed_when", "check_mode",
    "delay", "delegate_facts", "delegate_to", "diff", "environment", "failed_when", "ignore_errors", "listen", "loop",
    "loop_control", "name", "no_log", "notify", "poll", "register", "rescue", "retries", "run_once", "tags",
    "throttle", "until", "vars", "when",
}  # fmt: skip

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def all_tasks(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in items:
        yield task
        for section in ("block", "rescue", "always"):
            yield from all_tasks(task.get(section, []))


def tasks_of(role: Path) -> Iterator[dict[str, Any]]:
    for file in [*role.glob("tasks/*.yml"), *role.glob("handlers/*.yml")]:
        yield from all_tasks(load(file) or [])


def text_files(role: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(role.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(ROOT), file.read_text(encoding="utf-8")


def test_there_are_roles() -> None:
    assert {role.name for role in ROLES} >= {
        "a2a_common", "a2a_redis", "a2a_mcp", "a2a_nginx", "a2a_exporters", "a2a_alertmanager", "a2a_prometheus",
    }  # fmt: skip


@each_role
def test_every_parameter_has_a_default_and_a_specification(role: Path) -> None:
    specified = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(load(role / "defaults" / "main.yml")) == set(specified)


@each_role
def test_every_parameter_is_typed_described_and_carries_the_role_name(role: Path) -> None:
    for name, option in load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"].items():
        assert name.startswith(role.name + "_")
        assert option.get("type"), f"{name} has no type"
        assert option.get("description"), f"{name} has no description"
        assert option["type"] != "list" or option.get("elements"), f"{name} does not say what its elements are"
        assert "default" not in option, f"{name} repeats its default"


@each_role
@pytest.mark.parametrize("file", ["README.md", "tasks/main.yml"])
def test_readme_and_main_tasks_fit_one_screen(role: Path, file: str) -> None:
    assert len((role / file).read_text(encoding="utf-8").splitlines()) <= 40


@each_role
def test_role_knows_no_group_of_an_inventory(role: Path) -> None:
    for file, text in text_files(role):
        assert not re.search(r"\bgroups\s*[\[.]|\bgroup_names\b|\bmcp_servers\b", text), f"{file} names a group"


@each_role
def test_only_builtin_modules_are_used(role: Path) -> None:
    for task in tasks_of(role):
        modules = set(task) - NOT_MODULES
        assert all(module.startswith("ansible.builtin.") for module in modules), f"{task.get('name')}: {modules}"


@each_role
def test_role_depends_on_no_other_and_on_no_collection(role: Path) -> None:
    meta = load(role / "meta" / "main.yml")
    assert not meta.get("dependencies")
    assert not meta.get("collections")


@each_role
def test_no_port_and_no_name_of_a_service_is_written_in_a_role(role: Path) -> None:
    registry = load_registry()
    ports = [str(port) for service in registry for port in service.instance_ports(registry.instances)]
    literal = re.compile(rf"\b({'|'.join([*ports, *registry.names])})\b")
    for file, text in text_files(role):
        if file.name == "README.md":
            continue
        assert not (found := literal.search(text)), f"{file} writes {found[0]}, which the registry knows"


@each_role
def test_every_task_has_a_name(role: Path) -> None:
    assert all(task.get("name") for task in tasks_of(role))

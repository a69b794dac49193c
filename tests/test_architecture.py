"""The laws of the house, checked on its source: who imports whom, what is read where, and what is never done."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.a2a.mcp.core.registry import REGISTRY_FILE, load_registry
from app.a2a.mcp.core.schemas import ToolOutput
from app.a2a.mcp.core.server import Server

ROOT = Path(__file__).parents[1]
MCP = ROOT / "app" / "a2a" / "mcp"
PACKAGE = "app.a2a.mcp"
SERVICES = load_registry().services
NAMES = frozenset(load_registry().names)
PORTS = {port for service in SERVICES for port in service.instance_ports(load_registry().instances)}

MODULES = sorted(MCP.rglob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
LONGEST_MODULE = 400
LONGEST_ROLE_README = 40
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
NETWORK_MODULES = {"socket", "ssl", "http", "urllib.request", "httpx", "redis", "requests", "aiohttp", "fastapi", "mcp"}

MAY_IMPORT = {
    "errors.py": (),
    "abandonment.py": (),
    "domain": (f"{PACKAGE}.domain", f"{PACKAGE}.errors", f"{PACKAGE}.abandonment"),
    "core": (f"{PACKAGE}.core", f"{PACKAGE}.errors", f"{PACKAGE}.abandonment"),
    "manage": (f"{PACKAGE}.manage", f"{PACKAGE}.core", f"{PACKAGE}.errors", f"{PACKAGE}.abandonment"),
    "service_manager.py": (f"{PACKAGE}.manage", f"{PACKAGE}.core", f"{PACKAGE}.errors", f"{PACKAGE}.abandonment"),
}
"""What each room may import of this project; `servers` has a rule of its own below."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in it; `from a import b` counts as `a.b` where that is a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            base = node.module or ""
            for alias in node.names:
                inner = ROOT.joinpath(*base.split("."), alias.name)
                yield f"{base}.{alias.name}" if inner.is_dir() or inner.with_suffix(".py").exists() else base


def own_imports(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] == "app"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in the file under the dotted name it is written with."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def room(path: Path) -> str:
    return path.relative_to(MCP).parts[0]


def modules_of(*rooms: str) -> list[Path]:
    return [path for path in MODULES if room(path) in rooms]


def source_files(*folders: str, suffixes: tuple[str, ...]) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_rooms_import_only_what_they_may(name: str) -> None:
    wrong = {
        f"{path.relative_to(MCP)} imports {imported}"
        for path in modules_of(name)
        for imported in own_imports(path)
        if not within(imported, MAY_IMPORT[name])
    }
    assert not wrong


def test_menus_import_the_public_face_of_core_the_domain_and_their_own_parts() -> None:
    wrong = set()
    for path in modules_of("servers"):
        own = next((name for name in NAMES if path.stem.startswith(name)), path.stem)
        for imported in own_imports(path):
            sibling = imported.startswith(f"{PACKAGE}.servers.{own}_")
            face = imported in (f"{PACKAGE}.core", f"{PACKAGE}.errors", f"{PACKAGE}.abandonment")
            if not (face or sibling or within(imported, (f"{PACKAGE}.domain",))):
                wrong.add(f"{path.name} imports {imported}")
    assert not wrong


def test_nobody_imports_a_server() -> None:
    wrong = {f"{path.relative_to(MCP)}: {i}" for path in MODULES for i in imports(path) if i.endswith("_mcp_server")}
    assert not wrong


def test_domain_opens_no_socket() -> None:
    wrong = {
        f"{path.relative_to(MCP)} imports {imported}"
        for path in modules_of("domain")
        for imported in imports(path)
        if within(imported, tuple(NETWORK_MODULES))
    }
    assert not wrong


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(MCP))
        for path in MODULES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        )
    }
    assert readers == {"core/settings.py"}


def test_only_logs_configures_logging() -> None:
    verbs = {"basicConfig", "dictConfig", "fileConfig", "addHandler", "setLevel", "captureWarnings"}
    wrong = {
        f"{path.relative_to(MCP)} calls {name}"
        for path in MODULES
        for name, _ in calls(path)
        if name.rpartition(".")[2] in verbs
    }
    assert {line.split()[0] for line in wrong} == {"core/logs.py"}


def test_no_port_of_a_service_is_written_outside_the_registry() -> None:
    pattern = re.compile(rf"(?<![\w.])({'|'.join(map(str, sorted(PORTS)))})(?![\w.])")
    folders = ("app", "roles", "playbooks", "inventory", "molecule", "tests", "bench")
    files = source_files(*folders, suffixes=(".py", ".yml", ".yaml", ".j2", ".sh", ".conf", ".cfg", ".lua"))
    wrong = {
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*files, ROOT / "Makefile", ROOT / "start.sh", ROOT / "site.yml"]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    }
    assert not wrong


def test_no_list_of_services_is_written_outside_the_registry() -> None:
    wrong = set()
    for path in source_files("app", "tests", "molecule", "bench", "roles", suffixes=(".py",)):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
                parts = node.keys if isinstance(node, ast.Dict) else node.elts
                named = {part.value for part in parts if isinstance(part, ast.Constant) and part.value in NAMES}
                if len(named) > 1:
                    wrong.add(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong


def test_roles_and_playbooks_know_no_service_by_name() -> None:
    pattern = re.compile("|".join(sorted(NAMES)))
    wrong = {
        str(path.relative_to(ROOT))
        for path in source_files("roles", "playbooks", suffixes=(".yml", ".j2", ".conf", ".py"))
        if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert not wrong


def test_nothing_evaluates_text_or_starts_a_shell() -> None:
    forbidden = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.loads", "pickle.load"}
    forbidden |= {"marshal.loads", "yaml.load", "yaml.unsafe_load"}
    wrong = set()
    for path in source_files("app", "roles", "docs", "tests", "bench", "molecule", suffixes=(".py",)):
        for name, call in calls(path):
            shell = any(k.arg == "shell" and not _is_false(k.value) for k in call.keywords)
            if name in forbidden or shell:
                wrong.add(f"{path.relative_to(ROOT)}:{call.lineno} {name}")
    assert not wrong


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_modules_stay_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path.relative_to(MCP)): n for path, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_modules_have_names_that_say_something_and_shadow_nothing() -> None:
    stems = {path.stem if path.stem != "__init__" else path.parent.name for path in MODULES} | {"mcp"}
    assert not stems & VAGUE_NAMES
    assert not stems & (sys.stdlib_module_names - {"__main__"})


def test_every_module_says_what_it_is() -> None:
    silent = [
        path for path in MODULES if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert not [str(path.relative_to(MCP)) for path in silent]


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX:", "pragma: no " + "cover", "mark.sk" + "ip", "mark.xf" + "ail")
    files = source_files("app", "roles", "playbooks", "tests", "molecule", suffixes=(".py", ".yml", ".j2", ".sh"))
    wrong = {f"{path.relative_to(ROOT)}: {m}" for path in files for m in marks if m in path.read_text(encoding="utf-8")}
    assert not wrong


def menu(module: str) -> Server[object]:
    server: Server[object] = importlib.import_module(module).server
    return server


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_registry_counts_the_tools_that_a_menu_has(service: object) -> None:
    found = next(s for s in SERVICES if s is service)
    assert len(menu(found.module).tools) == found.tools, f"{REGISTRY_FILE.name}: correct `tools` of {found.name}"


def test_tool_names_are_verbs_with_objects_and_unique_in_the_fleet() -> None:
    names = [name for service in SERVICES for name in menu(service.module).tools]
    assert len(set(names)) == len(names)
    assert not [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name)]


def test_results_have_no_default_but_none() -> None:
    for service in SERVICES:
        menu(service.module)
    pending, wrong = list(ToolOutput.__subclasses__()), set()
    assert pending
    while pending:
        model = pending.pop()
        pending += model.__subclasses__()
        for name, field in model.model_fields.items():
            if not field.is_required() and (field.default_factory is not None or field.default is not None):
                wrong.add(f"{model.__module__}.{model.__name__}.{name}")
    assert not wrong


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_role_parameters_have_a_default_and_a_specification(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {}
    specification = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = specification["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    assert not [name for name in defaults if not name.startswith(f"{role.name}_")]


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_role_says_on_one_page_what_it_does(role: Path) -> None:
    lines = (role / "README.md").read_text().splitlines()
    assert lines[0] == f"# {role.name}" and len(lines) <= LONGEST_ROLE_README

"""Documentation as a contract: what is derived is compared with its source, and the template cannot be run as it is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.a2a.mcp.core.settings import Settings, load_settings
from app.a2a.mcp.errors import ConfigurationError
from docs.generate import DEPLOYMENT, GROUPS, ROOT, TEMPLATE_VALUES, pages, variable


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text() == pages()[path](), f"{path.name} is stale: run `make docs`"


def test_every_setting_stands_in_one_group_with_a_sentence() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())


def test_template_names_every_setting_once() -> None:
    lines = (ROOT / ".env.template").read_text().splitlines()
    named = [match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z0-9_]*)=", line))]
    assert sorted(named) == sorted([*DEPLOYMENT, *(variable(name, "1") for name in Settings.model_fields)])


def test_template_is_refused_as_it_stands() -> None:
    environ = {name: value for name, value in dotenv_values(ROOT / ".env.template").items() if value}
    with pytest.raises(ConfigurationError) as refused:
        load_settings(environ | {"MCP_ENVIRONMENT": "production"})
    assert len(refused.value.details) == len(TEMPLATE_VALUES)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout's start, without settings; the code itself is linked."""
    for name in ("start.sh", ".env.template", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "app").symlink_to(ROOT / "app")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def start(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "start.sh"), *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)


def test_start_script_without_settings_says_how_to_make_them(checkout: Path) -> None:
    refused = start(checkout)
    assert refused.returncode == 2
    assert "cp .env.template .env" in refused.stderr
    assert all(variable(name, "1") in refused.stderr for name in TEMPLATE_VALUES)


def test_start_script_refuses_the_template_naming_each_secret(checkout: Path) -> None:
    shutil.copy(checkout / ".env.template", checkout / ".env")
    refused = start(checkout)
    assert refused.returncode == 2
    assert refused.stderr.count("still holds the template's value") == len(TEMPLATE_VALUES)
    assert "Traceback" not in refused.stderr


def test_commands_in_the_pages_are_verbs_of_the_makefile_and_of_the_command_line() -> None:
    from app.a2a.mcp.service_manager import cli

    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands if command.callback}
    commands |= {group.name for group in cli.registered_groups if group.name}
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        text = page.read_text()
        assert set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(_code(text)))) <= verbs, page.name
        assert set(re.findall(r"(?:service_manager|a2a-mcp) ([a-z]+)\b", "\n".join(_code(text)))) <= commands, page.name


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _code(page: str) -> list[str]:
    """What stands in code, in blocks and in lines."""
    return re.findall(r"```.*?```|`[^`\n]+`", page, re.DOTALL)

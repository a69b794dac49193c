"""Grafana, which could not be had where this was written: all that the role writes, read as Grafana would read it."""

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, Evaluate

ROLE = ROOT / "roles" / "a2a_grafana"
PRODUCTION = ROOT / "inventory" / "production"
FILES = tuple(ROLE / part / "main.yml" for part in ("defaults", "vars"))
PASSWORD = "aB3dE5gH7jK9mN1pQ3sT5vW7"
EXPOSURE_BUDGET = 3.0

# The shape of the unit in the vendor's package: what the drop-in adds to.
VENDOR_UNIT = """\
[Unit]
Description=Grafana instance
After=network-online.target
[Service]
EnvironmentFile=/etc/default/grafana-server
User=grafana
Group=grafana
Type=simple
Restart=on-failure
WorkingDirectory=/usr/share/grafana
ExecStart=/usr/share/grafana/bin/grafana server --config=${CONF_FILE} --pidfile=${PID_FILE_DIR}/grafana-server.pid
LimitNOFILE=10000
UMask=0027
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of one host without any variables, so that a role has nothing but its defaults."""
    inventory = tmp_path_factory.mktemp("plain") / "hosts.yml"
    inventory.write_text("all: {hosts: {here: }}\n")
    return inventory


def rendered(evaluate: Evaluate, plain: Path, name: str, **extra: Any) -> str:
    """What a template of the role becomes."""
    template = f"lookup('ansible.builtin.template', '{ROLE / 'templates' / name}')"
    text: str = evaluate(plain, template, {"ansible_managed": "managed"} | extra, FILES)["here"]
    return text


def ini(evaluate: Evaluate, plain: Path, **extra: Any) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True)
    parser.read_string(rendered(evaluate, plain, "grafana.ini.j2", **extra))
    return parser


def test_nobody_gets_in_unnamed_and_nothing_calls_home(evaluate: Evaluate, plain: Path) -> None:
    url = "https://mcp.internal/grafana/"
    found = ini(evaluate, plain, a2a_grafana_external_url=url, a2a_grafana_admin_password=PASSWORD)
    expected = {
        ("auth.anonymous", "enabled"): "false",
        ("users", "allow_sign_up"): "false",
        ("analytics", "enabled"): "false",
        ("analytics", "reporting_enabled"): "false",
        ("analytics", "check_for_updates"): "false",
        ("analytics", "check_for_plugin_updates"): "false",
        ("security", "disable_gravatar"): "true",
        ("security", "cookie_secure"): "true",
        ("security", "admin_password"): "$__file{/run/credentials/grafana-server.service/admin-password}",
        ("server", "http_addr"): "127.0.0.1",
        ("server", "http_port"): "3000",
        ("server", "root_url"): url,
        ("server", "domain"): "mcp.internal",
        ("server", "serve_from_sub_path"): "true",
        ("snapshots", "external_enabled"): "false",
    }
    assert {key: found.get(*key) for key in expected} == expected
    assert PASSWORD not in rendered(evaluate, plain, "grafana.ini.j2", a2a_grafana_admin_password=PASSWORD)


def test_data_source_is_the_one_that_dashboards_ask_and_its_exemplars_are_links(
    evaluate: Evaluate, plain: Path
) -> None:
    link = "https://traces.internal/${__value.raw}"
    text = rendered(evaluate, plain, "datasources.yaml.j2", a2a_grafana_trace_url=link)
    (source,) = yaml.safe_load(text)["datasources"]
    asked = {it["datasource"]["uid"] for path in (ROOT / "monitoring/grafana/dashboards").glob("*.json")
             for it in json.loads(path.read_text())["panels"] if it["type"] != "row"}  # fmt: skip
    assert asked == {source["uid"]}
    assert source["url"] == "http://127.0.0.1:9090/prometheus/"
    (destination,) = source["jsonData"]["exemplarTraceIdDestinations"]
    assert (destination["name"], destination["url"].replace("$$", "$")) == ("trace_id", link)
    assert not re.search(r"(?<!\$)\$(?!\$)", destination["url"].replace("$$", "")), "Grafana would expand it"


def test_dashboards_are_read_only_and_where_the_role_puts_them(evaluate: Evaluate, plain: Path) -> None:
    (provider,) = yaml.safe_load(rendered(evaluate, plain, "dashboards.yaml.j2"))["providers"]
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_repository_is_named_by_the_operator_alone(evaluate: Evaluate, plain: Path) -> None:
    url = "https://apt.mirror.internal/grafana"
    text = rendered(evaluate, plain, "a2a-grafana.sources.j2", a2a_grafana_repository_url=url)
    assert dict(line.split(": ", 1) for line in text.splitlines()[1:]) == {
        "Types": "deb",
        "URIs": url,
        "Suites": "stable",
        "Components": "main",
        "Signed-By": "/etc/apt/keyrings/a2a-grafana.asc",
    }
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert (defaults["a2a_grafana_repository_url"], defaults["a2a_grafana_source"]) == ("", "none")


def test_unit_is_confined(evaluate: Evaluate, plain: Path, tmp_path: Path) -> None:
    units = tmp_path / "etc" / "systemd" / "system"
    (units / "grafana-server.service.d").mkdir(parents=True)
    (units / "grafana-server.service").write_text(VENDOR_UNIT)
    (units / "grafana-server.service.d" / "a2a.conf").write_text(rendered(evaluate, plain, "grafana.conf.j2"))
    command = ["systemd-analyze", "security", "--offline=true", f"--root={tmp_path}", "--no-pager"]
    done = subprocess.run([*command, "grafana-server.service"], capture_output=True, text=True, check=False, timeout=60)
    said = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert said, done.stdout + done.stderr
    assert float(said[1]) <= EXPOSURE_BUDGET


def run_role(directory: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """The role in check mode on this machine, which it does not change."""
    playbook = directory / "play.yml"
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["a2a_grafana"], "vars": variables}
    playbook.write_text(json.dumps([play]))
    environment = os.environ | {"ANSIBLE_ROLES_PATH": str(ROOT / "roles"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "COLUMNS": "1000"}
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", "--check"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-e", "ansible_become=false", playbook]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).replace("\\n", " ").split())


def test_role_is_off_by_default_and_says_so(tmp_path: Path) -> None:
    done = run_role(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "a2a_grafana_source is none" in said(done)
    assert "changed=0" in done.stdout


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"a2a_grafana_source": "repository"}, "a2a_grafana_repository_url and a2a_grafana_repository_key"),
        ({"a2a_grafana_source": "deb", "a2a_grafana_deb": "/nowhere.deb"}, '/nowhere.deb'),
        ({"a2a_grafana_source": "snap"}, "value of a2a_grafana_source must be one of"),
    ],
    ids=["no repository", "no file", "unknown source"],
)  # fmt: skip
def test_role_refuses_what_is_not_said_whole(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    done = run_role(tmp_path, a2a_grafana_admin_password=PASSWORD, **variables)
    assert done.returncode != 0
    assert expected in said(done).replace('\\"', '"')


def fake_package(directory: Path) -> Path:
    """A package with the files of the vendor's that the role counts on, and no program."""
    tree = directory / "grafana"
    unit = tree / "usr" / "lib" / "systemd" / "system" / "grafana-server.service"
    for path in (unit, tree / "DEBIAN" / "control", tree / "etc" / "grafana" / "grafana.ini"):
        path.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(VENDOR_UNIT)
    (tree / "etc" / "grafana" / "grafana.ini").write_text("[server]\n")
    control = {"Package": "grafana", "Version": "0.0.1", "Architecture": "all", "Maintainer": "nobody <a@b.internal>"}
    lines = [f"{key}: {value}\n" for key, value in (control | {"Description": "a stand-in"}).items()]
    (tree / "DEBIAN" / "control").write_text("".join(lines))
    package = directory / "grafana.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, package], check=True, capture_output=True)
    return package


def test_check_of_a_bare_host_goes_through_to_the_unit(tmp_path: Path) -> None:
    done = run_role(
        tmp_path,
        a2a_grafana_source="deb",
        a2a_grafana_deb=str(fake_package(tmp_path)),
        a2a_grafana_admin_password=PASSWORD,
        a2a_grafana_dashboards_directory=str(ROOT / "monitoring" / "grafana" / "dashboards"),
        a2a_grafana_runbook_url="https://runbooks.internal/operations",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Write the unit's settings" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert not Path("/etc/grafana/grafana.ini").exists()


def test_edge_publishes_grafana_where_it_is_installed_alone(evaluate: Evaluate) -> None:
    pages = "a2a_nginx_operator_pages | map(attribute='path') | list"
    assert "grafana" not in evaluate(PRODUCTION / "hosts.yml", pages)["fleet1"]
    assert "grafana" in evaluate(PRODUCTION / "hosts.yml", pages, {"a2a_grafana_source": "deb"})["fleet1"]

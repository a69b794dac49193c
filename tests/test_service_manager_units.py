"""What is asked of systemd and how its answers are read; the fleet's own hosts show the rest in Molecule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import ConfigurationError, UnavailableError
from app.a2a.mcp.manage.fleet import Fleet, check_secrets, open_fleet
from app.a2a.mcp.manage.status import unit_status
from app.a2a.mcp.manage.units import Units

FIRST = load_registry().services[0]
UNIT = f"a2a-mcp-{FIRST.name}@{FIRST.port}.service"
BLOCK = """Id={unit}
ActiveState={active}
SubState={sub}
MainPID=412
ActiveEnterTimestamp=@1795359600
MemoryCurrent={memory}
NRestarts=2
StatusText=serving 12 calls
"""

FakeSystemctl = Callable[..., Path]


@pytest.fixture
def systemctl(tmp_path: Path) -> FakeSystemctl:
    """A program that notes how it was called, says `answer` to show, and fails other verbs with `error` if given."""

    def make(answer: str = "", error: str = "") -> Path:
        (tmp_path / "answer").write_text(answer)
        (tmp_path / "error").write_text(error)
        path = tmp_path / "systemctl"
        path.write_text(
            f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
[ "$3" = show ] && exec cat {tmp_path}/answer
[ -s {tmp_path}/error ] || exit 0
cat {tmp_path}/error >&2
exit 1
"""
        )
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(load_registry(), True, tmp_path, etc=tmp_path)


def block(unit: str, active: str = "active", sub: str = "running", memory: str = "104857600") -> str:
    return BLOCK.format(unit=unit, active=active, sub=sub, memory=memory)


def test_units_of_a_service_are_its_instances(fleet: Fleet) -> None:
    units = [instance.unit for instance in fleet.instances([FIRST.name])]
    assert units == [f"a2a-mcp-{FIRST.name}@{port}.service" for port in FIRST.instance_ports(fleet.registry.instances)]


def test_start_names_all_units_in_one_call(fleet: Fleet, systemctl: FakeSystemctl, tmp_path: Path) -> None:
    Units(str(systemctl())).start(fleet.instances())
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.split()[2:] == ["start", *(instance.unit for instance in fleet.instances())]


def test_restart_goes_one_instance_after_another(fleet: Fleet, systemctl: FakeSystemctl, tmp_path: Path) -> None:
    done: list[int] = []
    Units(str(systemctl())).restart(fleet.instances(), lambda instance: done.append(instance.port))
    calls = [line.split()[2:] for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == [["restart", instance.unit] for instance in fleet.instances()]
    assert done == [instance.port for instance in fleet.instances()]


def test_failed_start_names_the_unit_and_where_to_look(fleet: Fleet, systemctl: FakeSystemctl) -> None:
    program = systemctl(block(UNIT, "failed", "failed"), "Job for it failed because of a timeout.")
    with pytest.raises(UnavailableError, match=f"journalctl -u {UNIT} -n 30"):
        Units(str(program)).start(fleet.instances([FIRST.name]))


def test_missing_privilege_is_answered_with_sudo(fleet: Fleet, systemctl: FakeSystemctl) -> None:
    program = systemctl(error="Failed to stop a.service: Interactive authentication required.")
    with pytest.raises(ConfigurationError, match="sudo"):
        Units(str(program)).stop(fleet.instances())


def test_missing_systemctl_is_said(fleet: Fleet) -> None:
    with pytest.raises(ConfigurationError, match="no systemd"):
        Units("/nonexistent/systemctl").stop(fleet.instances())


def test_status_reads_what_systemd_shows(fleet: Fleet, systemctl: FakeSystemctl) -> None:
    program = systemctl(block(UNIT))
    rows = unit_status(fleet, Units(str(program)), [FIRST.name])
    first = rows[0]
    assert first.running and (first.pid, first.memory_bytes, first.restarts) == (412, 104857600, 2)
    assert (first.text, first.since) == ("serving 12 calls", "2026-11-22T15:00:00+00:00")
    assert [row.state for row in rows[1:]] == ["unknown to systemd"] * (fleet.registry.instances - 1)


@pytest.mark.parametrize("memory", ["[not set]", "18446744073709551615"])
def test_memory_that_systemd_does_not_know_is_none(fleet: Fleet, systemctl: FakeSystemctl, memory: str) -> None:
    program = systemctl(block(UNIT, memory=memory))
    assert unit_status(fleet, Units(str(program)), [FIRST.name])[0].memory_bytes is None


def test_units_are_meant_wherever_they_are_installed(tmp_path: Path) -> None:
    registry = load_registry()
    assert not open_fleet(registry, None, tmp_path).production
    (tmp_path / "a2a-mcp.target").touch()
    assert open_fleet(registry, None, tmp_path).production
    assert not open_fleet(registry, False, tmp_path).production


def test_settings_of_units_come_from_their_folder(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "fleet.env").write_text('MCP_ENVIRONMENT="production"\nMCP_HOST="0.0.0.0"\n')
    secret = "0f" * 20
    (tmp_path / "secrets.env").write_text(f"JWT_SECRET_KEY='{secret}'\nMCP_REQUEST_STATE_KEYS='{secret}'\n")
    assert fleet.settings().jwt_secret_key == secret
    assert fleet.address == "127.0.0.1"


def test_address_is_loopback_where_settings_are_for_root_alone(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "fleet.env").write_text("MCP_ENVIRONMENT=production\nMCP_HOST=192.0.2.7\n")
    assert fleet.address == "127.0.0.1"


def test_missing_secrets_pass_in_development_and_weak_ones_do_not() -> None:
    check_secrets(Settings())
    with pytest.raises(ConfigurationError, match="JWT_SECRET_KEY has 5 characters"):
        check_secrets(Settings(jwt_secret_key="short"))
    with pytest.raises(ConfigurationError, match="API_KEY_1 still holds the template's value"):
        check_secrets(Settings(api_keys=("change-me-change-me-change-me-change-me:bob:read",)))

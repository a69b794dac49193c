"""The release and its units: what was built is what runs, nothing on the host can change it, and secrets stay put."""

import json
import shlex

from deployed import INSTANCES, Properties
from testinfra.host import Host

from app.a2a.mcp.core.registry import REGISTRY_FILE

ROOT = "/opt/a2a-mcp"
LOOK = REGISTRY_FILE.parents[4] / "roles/a2a_mcp/files/host_state.py"


def state_of(host: Host) -> dict[str, object]:
    """What the role itself sees on the host."""
    script = shlex.quote(LOOK.read_text())
    return json.loads(host.check_output(f"/usr/bin/python3 -c {script} {ROOT} {' '.join(INSTANCES)}"))


def credential(unit: str) -> str:
    return f"/run/credentials/{unit}/secrets.env"


def test_nothing_is_left_to_do(host: Host) -> None:
    state = state_of(host)
    left = ("down", "stale", "failed", "obsolete", "obsolete_services", "reload")
    assert {name: state[name] for name in left if state[name]} == {}
    assert state["releases"][state["current"]] is not None


def test_every_process_runs_the_current_release(host: Host, instances: dict[str, Properties]) -> None:
    release = host.check_output(f"readlink -f {ROOT}/current")
    for unit, properties in instances.items():
        master = properties["MainPID"]
        for process in [master, *host.check_output(f"pgrep --parent {master}").split()]:
            command = host.check_output(f"tr '\\0' '\\n' </proc/{process}/cmdline").splitlines()
            assert command[0] == f"{release}/venv/bin/python3", unit


def test_wheels_are_those_of_the_manifest(host: Host) -> None:
    release = host.check_output(f"readlink -f {ROOT}/current")
    wheels = f"{ROOT}/wheels/{state_of(host)['releases'][release.rsplit('/', 1)[1]].split()[0]}"
    host.check_output(f"cd {wheels} && sha256sum --check --strict --quiet SHA256SUMS")
    installed = host.check_output(f"{wheels}/uv pip freeze --offline --no-config --python {release}/venv/bin/python3")
    pins = host.check_output(f"cat {wheels}/requirements.txt {release}/project/requirements.txt").splitlines()
    pinned = {line.split(" ")[0].replace("_", "-").lower() for line in pins}
    assert {line.replace("_", "-").lower() for line in installed.splitlines()} == pinned


def test_the_release_brings_no_installer(host: Host) -> None:
    assert host.run(f"{ROOT}/current/venv/bin/python3 -c 'import pip'").rc != 0
    assert host.run(f"ls {ROOT}/current/venv/bin/uv").rc != 0


def test_the_account_cannot_write_where_its_code_and_units_are(host: Host) -> None:
    for place in (ROOT, f"{ROOT}/current", f"{ROOT}/current/venv/bin", f"{ROOT}/wheels", "/etc/a2a-mcp"):
        assert host.run(f"runuser -u a2a-mcp -- touch {place}/intruder").rc != 0, place


def test_an_instance_sees_a_read_only_host(host: Host, instances: dict[str, Properties]) -> None:
    for unit, properties in instances.items():
        inside = f"nsenter --target {properties['MainPID']} --mount --"
        for place in (ROOT, "/etc", "/usr", "/var/tmp/..", "/root"):
            assert host.run(f"{inside} touch {place}/intruder").rc != 0, (unit, place)
        assert host.run(f"{inside} ls /root /home").stdout.split() == ["/home:", "/root:"]


def test_credentials_are_for_their_instance_alone(host: Host, instances: dict[str, Properties]) -> None:
    for unit, properties in instances.items():
        inside = f"nsenter --target {properties['MainPID']} --mount --"
        mode, owner = host.check_output(f"{inside} stat --format='%a %U' {credential(unit)}").split()
        assert mode in ("400", "440"), unit
        assert owner in ("a2a-mcp", "root"), unit
        assert host.run(f"runuser -u nobody -- cat {credential(unit)}").rc != 0
        assert "secrets.env" not in host.check_output(f"cat /proc/{properties['MainPID']}/environ")


def test_state_belongs_to_the_service(host: Host) -> None:
    for name in {unit.removeprefix("a2a-mcp-").split("@")[0] for unit in INSTANCES}:
        directory = host.file(f"/var/lib/a2a-mcp/{name}")
        assert (directory.user, oct(directory.mode)) == ("a2a-mcp", "0o700"), name


def test_a_restart_returns_when_the_instance_answers(host: Host) -> None:
    unit, port = next(iter(INSTANCES.items()))
    answer = host.check_output(f"systemctl restart {unit} && curl --fail --silent http://127.0.0.1:{port}/readyz")
    assert json.loads(answer)["status"] == "ready"


def test_process_metrics_are_exported_through_the_sandbox(host: Host) -> None:
    port = next(iter(INSTANCES.values()))
    metrics = host.check_output(f"curl --fail --silent http://127.0.0.1:{port}/metrics")
    assert "\nprocess_resident_memory_bytes " in metrics

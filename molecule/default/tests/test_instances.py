"""The instances: running, limited, confined, bound to loopback, and telling the journal what they do."""

import json

from deployed import INSTANCES, REGISTRY, Properties
from testinfra.host import Host

from tests.fleet import Fleet

EXPOSURE_BUDGET = 1.5
MIB = 2**20
CALL = {"text1": "the cat sat on the mat", "text2": "the cat lay on the rug", "method": "jaccard"}


def limit(host: Host, group: str, version_1: str, version_2: str) -> str:
    """A limit as the kernel has it, on either version of control groups."""
    controller = version_1.split("/", 1)[0]
    paths = f"/sys/fs/cgroup/{controller}{group}/{version_1.split('/', 1)[1]}", f"/sys/fs/cgroup{group}/{version_2}"
    return str(host.check_output(f"cat '{paths[0]}' 2>/dev/null || cat '{paths[1]}'")).strip()


def test_every_instance_is_active_enabled_and_says_how_it_is(instances: dict[str, Properties]) -> None:
    assert set(instances) == set(INSTANCES)
    for unit, properties in instances.items():
        assert (properties["ActiveState"], properties["UnitFileState"]) == ("active", "enabled"), unit
        assert (properties["Type"], properties["NRestarts"]) == ("notify", "0"), unit
        assert properties["StatusText"], unit


def test_every_instance_is_watched(instances: dict[str, Properties]) -> None:
    assert {properties["WatchdogUSec"] for properties in instances.values()} == {"15s"}


def test_targets_hold_the_instances(host: Host) -> None:
    targets = [f"a2a-mcp-{service.name}.target" for service in REGISTRY] + ["a2a-mcp.target"]
    assert set(host.check_output(f"systemctl is-active {' '.join(targets)}").split()) == {"active"}
    assert set(host.check_output(f"systemctl is-enabled {' '.join(targets)}").split()) == {"enabled"}


def test_limits_are_real_in_the_control_group(host: Host, instances: dict[str, Properties]) -> None:
    for properties in instances.values():
        group = properties["ControlGroup"]
        assert limit(host, group, "memory/memory.limit_in_bytes", "memory.max") == str(512 * MIB)
        assert limit(host, group, "pids/pids.max", "pids.max") == properties["TasksMax"]
        assert properties["CPUQuotaPerSecUSec"] == "500ms"
        assert properties["LimitNOFILE"] == "4096"


def test_every_instance_is_confined(exposure: dict[str, float], instances: dict[str, Properties]) -> None:
    assert {unit: exposure[unit] for unit in instances if exposure[unit] > EXPOSURE_BUDGET} == {}


def test_processes_run_as_the_account_without_privileges(host: Host, instances: dict[str, Properties]) -> None:
    uid = host.user("a2a-mcp").uid
    for unit, properties in instances.items():
        master = properties["MainPID"]
        for process in [master, *host.check_output(f"pgrep -P {master}").split()]:
            lines = host.check_output(f"cat /proc/{process}/status").splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert status["Uid"].split() == [str(uid)] * 4, unit
            assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16)) == ("1", "2", 0), unit


def test_instances_listen_on_loopback_alone(host: Host) -> None:
    listening = {line.split()[3] for line in host.check_output("ss -Hltn").splitlines()}
    for port in INSTANCES.values():
        assert {name for name in listening if name.endswith(f":{port}")} == {f"127.0.0.1:{port}"}


def test_every_instance_is_ready(host: Host) -> None:
    for port in INSTANCES.values():
        code = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{port}/readyz")
        assert code == "200", port


def test_a_call_can_be_followed_from_the_edge_to_the_tool(host: Host, fleet: Fleet) -> None:
    with fleet.http() as client:
        answer = fleet.call(client, "semantic_similarity", "calculate_text_similarity", CALL)
    assert answer.json()["result"]["structuredContent"]["similarity"] == 0.2
    wanted = answer.headers["x-request-id"]

    host.check_output("journalctl --sync")
    lines = host.check_output(f"journalctl --no-pager -o json CORRELATION_ID={wanted}").splitlines()
    entries = [json.loads(line) for line in lines]
    access = [entry for entry in entries if entry.get("MCP_TOOL") == "calculate_text_similarity"]
    assert access, entries
    assert access[0]["MCP_SERVICE"] == "semantic_similarity"
    assert access[0]["CLIENT_ID"] == "local"
    assert access[0]["_SYSTEMD_UNIT"] in INSTANCES
    assert float(access[0]["DURATION_MS"]) > 0

    edge = [json.loads(entry) for entry in host.check_output("journalctl --no-pager -t nginx_a2a -o cat").splitlines()]
    assert [(line["service"], line["status"]) for line in edge if line["correlation_id"] == wanted] == [
        ("semantic_similarity", 200)
    ]


def test_no_secret_is_in_an_environment_or_in_the_journal(host: Host, fleet: Fleet) -> None:
    secrets = host.file("/etc/a2a-mcp/secrets.env").content_string
    values = [line.split("=", 1)[1].strip("'").split(":")[0] for line in secrets.splitlines() if "=" in line]
    assert len(values) >= 4
    host.check_output("journalctl --sync")
    for value in [*values, fleet.key, fleet.reader_key]:
        assert host.run(f"cat /proc/[0-9]*/environ 2>/dev/null | grep -qF '{value}'").rc == 1
        assert host.run(f"journalctl --no-pager -o export | grep -qaF '{value}'").rc == 1


def test_each_tool_of_the_registry_is_listed(fleet: Fleet) -> None:
    with fleet.http() as client:
        for service in REGISTRY:
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
            answer = client.post(f"/{service.name}/mcp", json=message, headers={"MCP-Protocol-Version": "2025-11-25"})
            assert len(answer.json()["result"]["tools"]) == service.tools

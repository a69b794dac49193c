"""What the largest allowed inputs may cost on a deployed host: time at half a core, /livez meanwhile, and memory.

Calls go straight to one instance, so that all of the load is on it. An idle instance under the same quota is probed at
the same time: what it needs longer for is the machine's noise and is subtracted. The issue's 100 ms must then hold in
one of three rounds; what blocks the event loop blocks it in each.
"""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.core.registry import Service, load_registry
from tests.fleet import CACHE, Fleet, until
from tests.largest import LARGEST

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

LIVEZ_SECONDS = 0.1
ROUNDS = 3
QUOTA = 50_000
"""Microseconds of each 100,000: half a core."""

ANSWER_SECONDS = 45
"""The call's deadline of 30 s, and room for a busy machine."""

AT_ONCE = 8
PATIENCE_SECONDS = 4
"""Of the memory test's clients: values, results and copies are all made by then, and leaving is part of the load."""

PROBE = Path(__file__).with_name("probe.py")
BOUNDED = {
    "harmonize_schemas": "data_standardization",
    "deduplicate_records": "data_standardization",
    "batch_vector_similarity": "vector_similarity",
    "calculate_pagerank_scores": "vector_ranking",
    "solve_constraints": "reasoning_agent",
    "cluster_texts": "semantic_similarity",
}
WORKPLACE = "/run/a2a-mcp-bounds"


class Bench:
    """A place on the host to send large calls from."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        fleet.sh(f"mkdir -p -m 700 {WORKPLACE}")
        self.put("key", fleet.key.encode())
        self.put("probe.py", PROBE.read_bytes())

    def put(self, name: str, content: bytes) -> str:
        """Write a file there; its path."""
        path = f"{WORKPLACE}/{name}"
        command = ["ssh", "-F", str(CACHE / "ssh_config"), self.fleet.name, f"cat >{path}"]
        subprocess.run(command, input=content, check=True, timeout=60)
        return path

    def call(self, service: str, tool: str, arguments: dict[str, Any], times: int = 1, patience: int = 60) -> Any:
        """What came of that many calls at once to the first instance, and the times of /livez meanwhile."""
        params = {"name": tool, "arguments": arguments}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, ensure_ascii=False)
        path = self.put(f"{tool}.json", body.encode())
        loaded, idle, *_ = self.fleet.registry.get(service).instance_ports(self.fleet.registry.instances)
        probe = f"python3 {WORKPLACE}/probe.py {loaded} {idle} {WORKPLACE}/key {times} {patience} {path}"
        return json.loads(self.fleet.sh(probe, timeout=patience + 120))


@pytest.fixture(scope="module")
def bench(fleet: Fleet) -> Iterator[Bench]:
    """The place, gone afterwards."""
    yield Bench(fleet)
    fleet.sh(f"rm -rf {WORKPLACE}")


def control_group(fleet: Fleet, unit: str, *names: str) -> str:
    """The first of these files (`controller:file` in cgroup v1, else v2) that the unit's control group has."""
    group = fleet.show(unit, "ControlGroup")["ControlGroup"]
    for name in names:
        controller, _, file = name.rpartition(":")
        path = f"/sys/fs/cgroup/{controller}{group}/{file}" if controller else f"/sys/fs/cgroup{group}/{file}"
        if found := fleet.sh(f"cat '{path}' 2>/dev/null || true"):
            return found
    raise AssertionError(f"{unit} has none of {names}")


@pytest.fixture(scope="module")
def half_a_core(fleet: Fleet) -> Iterator[None]:
    """Every instance that is probed at half a core, and the kernel knows."""
    units = [unit for service in set(BOUNDED.values()) for unit in fleet.units(service)[:2]]
    fleet.sh("\n".join(f"systemctl set-property --runtime {unit} CPUQuota=50%" for unit in units))
    for unit in units:
        quota = control_group(fleet, unit, "cpu:cpu.cfs_quota_us", "cpu,cpuacct:cpu.cfs_quota_us", "cpu.max")
        assert int(quota.split()[0]) == QUOTA
    yield
    fleet.sh("rm -rf /run/systemd/system.control/a2a-mcp-*; systemctl daemon-reload", timeout=120)


def worst(seconds: list[float]) -> float:
    """The 99th percentile; of fewer than a hundred the longest."""
    return sorted(seconds)[-1 - len(seconds) // 100]


@pytest.mark.usefixtures("half_a_core")
@pytest.mark.parametrize("tool", BOUNDED)
def test_the_largest_input_is_answered_in_time_and_livez_meanwhile(bench: Bench, tool: str) -> None:
    rounds = []
    for _ in range(ROUNDS):
        found = bench.call(BOUNDED[tool], tool, LARGEST[tool]())
        (call,) = found["calls"]
        assert call["http"] == 200 and call["seconds"] < ANSWER_SECONDS, call
        assert call["code"] in (None, "deadline_exceeded"), call
        assert found["loaded"]["failures"] == 0 and found["loaded"]["seconds"]
        rounds.append((worst(found["loaded"]["seconds"]), worst(found["idle"]["seconds"])))
        if rounds[-1][0] - rounds[-1][1] <= LIVEZ_SECONDS:
            return
    pytest.fail(f"/livez took, under load and idle: {[(round(a, 3), round(b, 3)) for a, b in rounds]} s")


def test_work_of_clients_that_left_does_not_keep_others_waiting(bench: Bench) -> None:
    heavy = LARGEST["solve_constraints"]()
    bench.call("reasoning_agent", "solve_constraints", heavy, times=AT_ONCE, patience=1)
    # Without an end to their work, eight times ten seconds of four threads stand before this.
    easy = {"variables": {"a": {"type": "int", "min": 0, "max": 4}}, "constraints": ["a > 3"]}
    (call,) = bench.call("reasoning_agent", "solve_constraints", easy)["calls"]
    assert call["code"] is None and call["status"] == "satisfiable" and call["seconds"] < 8, call


class Memory:
    """The memory of a service's first instance, before and after a load."""

    def __init__(self, fleet: Fleet, service: Service) -> None:
        self.fleet, self.unit = fleet, fleet.units(service.name)[0]
        self.pids = self._pids()

    def _pids(self) -> list[str]:
        return self.fleet.sh(f"systemctl show -p MainPID --value {self.unit} | xargs -I{{}} pgrep -P {{}}").split()

    @property
    def peak(self) -> int:
        """Bytes the instance had at most, page cache and all."""
        return int(control_group(self.fleet, self.unit, "memory:memory.max_usage_in_bytes", "memory.peak"))

    def check(self, tool: str) -> None:
        """Nothing was killed, and the limit was not reached."""
        most = int(self.fleet.show(self.unit, "MemoryMax")["MemoryMax"])
        assert self.peak < most, f"{self.unit} reached its limit with {tool}"
        assert self._pids() == self.pids, f"a process of {self.unit} died with {tool}"


@pytest.mark.parametrize("service", load_registry().services, ids=lambda service: service.name)
def test_every_tools_largest_input_eight_at_a_time_stays_under_the_memory_limit(
    service: Service, loads: dict[str, str]
) -> None:
    assert service.name in loads, "no load was put on it"
    assert not loads[service.name], loads[service.name]


@pytest.fixture(scope="module")
def loads(bench: Bench, fleet: Fleet) -> dict[str, str]:
    """What went wrong with each service; all are loaded side by side, or it would take three times as long."""
    services = fleet.registry.services
    # Imported here: threads that import modules which import each other can wait for one another.
    tools = [list(import_module(service.module).server.tools) for service in services]
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda service, its: load(bench, fleet, service, its), services, tools)
        return dict(zip([service.name for service in services], found, strict=True))


def load(bench: Bench, fleet: Fleet, service: Service, tools: list[str]) -> str:
    """Put the load on a service's first instance; the first thing that went wrong, or nothing."""
    fleet.sh(f"systemctl restart {fleet.units(service.name)[0]}", timeout=120)
    memory = Memory(fleet, service)
    try:
        for tool in tools:
            bench.call(service.name, tool, LARGEST[tool](), times=AT_ONCE, patience=PATIENCE_SECONDS)
            memory.check(tool)
        asked = f"curl -sf -m 5 localhost:{port_of(fleet, service)}/livez"
        until(lambda: fleet.sh(asked, check=False), 60, "no life afterwards")
    except (AssertionError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def port_of(fleet: Fleet, service: Service) -> int:
    """The port of the first instance."""
    return service.instance_ports(fleet.registry.instances)[0]

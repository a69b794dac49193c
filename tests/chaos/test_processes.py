"""What happens when processes die, freeze, block or cannot start: they come back by themselves, the others answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.chaos.conftest import SERVICE, Instance
from tests.fleet import Fleet, until
from tests.load import Load

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]

Loader = Callable[..., AbstractContextManager[Load]]

WATCHDOG_MARGIN = 15
"""Beside WatchdogSec: the new start, on two busy cores at half a core an instance."""

PROBE = """
import gc, os, threading, time
def act(loop):
    {act}
def watch():
    while not os.path.exists("{flag}"):
        time.sleep(0.05)
    import uvloop
    loop = next(item for item in gc.get_objects() if isinstance(item, uvloop.Loop) and item.is_running())
    loop.call_soon_threadsafe(act, loop)
os.register_at_fork(after_in_child=lambda: threading.Thread(target=watch, daemon=True).start())
"""

FLAG = "/run/a2a-mcp-fault/now"

BLOCK = "time.sleep(600)"
SPIN = "exec('while True: pass')"
EXHAUST = """import anyio.to_thread
    async def fill():
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(anyio.to_thread.run_sync, time.sleep, 600)
    keep = globals().setdefault('keep', [])
    keep.append(loop.create_task(fill()))"""


def test_a_killed_worker_is_replaced_without_a_restart_of_the_unit(instance: Instance) -> None:
    worker, restarts = instance.worker, instance.restarts
    instance.fleet.sh(f"kill -9 {worker}")
    until(lambda: instance.answers() and instance.worker != worker, 30, "no new worker")
    assert instance.restarts == restarts


def test_a_killed_master_is_restarted_by_systemd(instance: Instance) -> None:
    master, killed = instance.master, instance.failures("signal")
    instance.fleet.sh(f"kill -9 {master}")
    until(lambda: instance.master not in (0, master) and instance.answers(), 60, "no new master")
    assert instance.failures("signal") == killed + 1


def test_the_edge_hides_a_killed_worker_but_for_the_calls_in_flight(instance: Instance, load: Loader) -> None:
    with load(connections=4) as running:
        until(lambda: running.answered > 200, 60, "no load")
        for _ in range(3):
            instance.fleet.sh(f"kill -9 {instance.worker}")
            instance.await_recovery()
        until(lambda: running.answered > 2000, 120, "the load does not go on")
    # A call in flight on the killed process is lost by nature: at most one a connection and kill.
    assert sum(running.failures.values()) <= 3 * 4, running.failures


@pytest.mark.parametrize("who", ["worker", "master"])
def test_a_frozen_process_is_restarted_within_the_watchdogs_time(instance: Instance, who: str) -> None:
    seconds = watchdog_seconds(instance)
    master, hung = instance.master, instance.failures("watchdog")
    instance.fleet.sh(f"kill -STOP {getattr(instance, who)}")
    until(lambda: instance.master not in (0, master) and instance.answers(), seconds + WATCHDOG_MARGIN, "no watchdog")
    assert instance.failures("watchdog") == hung + 1


@pytest.mark.parametrize("act", [BLOCK, SPIN, EXHAUST], ids=["blocked loop", "spinning loop", "exhausted thread pool"])
def test_a_hung_worker_is_restarted_within_the_watchdogs_time(instance: Instance, act: str) -> None:
    with instance.planted(PROBE.format(act=act, flag=FLAG)):
        instance.fleet.sh(f"systemctl restart {instance.unit}", timeout=120)
        seconds, master = watchdog_seconds(instance), instance.master
        instance.fleet.sh(f"touch {FLAG}")
        until(lambda: instance.master not in (0, master), seconds + WATCHDOG_MARGIN, "the watchdog did not act")
        instance.fleet.sh(f"rm -f {FLAG}")
    assert "watchdog" in instance.fleet.journal("-u", instance.unit, "--since=-3min").lower()


def watchdog_seconds(instance: Instance) -> float:
    """WatchdogSec of the unit, as systemd says it in words like `15s` or `1min`."""
    return float(instance.fleet.sh(f"systemctl cat {instance.unit} | sed -n 's/^WatchdogSec=//p' | tail -1 | tr -d s"))


def test_a_server_that_cannot_be_imported_fails_to_start_and_says_why(instance: Instance) -> None:
    broken = "import sys\nsys.modules['rapidfuzz'] = None\nsys.modules['orjson'] = None"
    with instance.planted(broken):
        said = instance.fleet.sh(f"systemctl restart {instance.unit} && echo started", check=False, timeout=120)
        assert "started" not in said
        journal = instance.fleet.journal("-u", instance.unit, "--since=-1min")
        assert "orjson" in journal or "rapidfuzz" in journal
    assert instance.answers()


def test_restarting_every_instance_in_turn_loses_no_call(fleet: Fleet, load: Loader) -> None:
    goal = 20_000
    with load(connections=8) as running:
        until(lambda: running.answered > 500, 60, "no load")
        rounds = 0
        while running.answered < goal or rounds < 2:
            for unit in fleet.units(SERVICE):
                fleet.sh(f"systemctl restart {unit}", timeout=120)
            rounds += 1
            assert not running.failures, (running.failures, running.answered)
    assert running.answered >= goal
    assert not running.failures, running.failures

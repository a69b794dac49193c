"""READY and WATCHDOG for systemd, said by the event loop that serves, and only when it really does.

Every third of WatchdogSec: the own port answers /readyz, the thread pool takes work, gunicorn's master is not stopped.
A hung loop cannot say anything, and systemd restarts the unit.
"""

import asyncio
import logging
import os
from pathlib import Path

import anyio
import anyio.to_thread

from app.a2a.mcp.core.journal import notify
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.settings import take_notify_socket, watchdog_seconds

log = logging.getLogger(__name__)

FIRST_POLL_SECONDS = 0.05
SLOWEST_POLL_SECONDS = 1.0
"""Polls of an instance that is not well come further apart: twenty a second from each kept a busy host busy."""

CHECKS_PER_PERIOD = 3
DEFAULT_PERIOD_SECONDS = 15.0
"""Of the status line, where the unit sets no WatchdogSec."""

UNHEALTHY_STATES = "TtZXx"
"""proc(5): stopped, traced, zombie, dead."""


async def watchdog(runtime: Runtime) -> None:
    """Tell systemd the truth until cancelled; returns at once where systemd does not listen."""
    address = take_notify_socket()
    if address is None:
        return
    every = (watchdog_seconds() or DEFAULT_PERIOD_SECONDS) / CHECKS_PER_PERIOD
    master, ready, failing, poll = os.getppid(), False, False, FIRST_POLL_SECONDS
    while True:
        problem = await find_problem(runtime, master, timeout=every)
        if problem is None:
            state = "WATCHDOG=1" if ready else "READY=1\nWATCHDOG=1"
            ready = notify(address, f"{state}\nSTATUS={status_line(runtime)}") or ready
        elif ready and not failing:
            log.warning("no sign of life is sent to systemd: %s", problem)
        failing = problem is not None
        well = ready and not failing
        await asyncio.sleep(every if well else min(poll, every))
        poll = FIRST_POLL_SECONDS if well else next_poll(poll)


async def find_problem(runtime: Runtime, master: int, timeout: float) -> str | None:
    """What keeps this process from serving, or None; each check has `timeout` seconds."""
    # In a stop the port is closed on purpose; the drain still needs its time.
    if not runtime.draining:
        host, port = runtime.settings.mcp_host, runtime.settings.port
        status = await ask_readyz(host, port, _host_header(runtime), timeout)
        if status != 200:
            return f"its own /readyz answers {status or 'nothing'}"
    with anyio.move_on_after(timeout) as patience:
        await anyio.to_thread.run_sync(_nothing, abandon_on_cancel=True)
    if patience.cancelled_caught:
        return "the thread pool takes no work"
    if not process_is_well(master):
        return f"the parent process {master} is stopped or gone"
    return None


def next_poll(seconds: float) -> float:
    """The wait after a poll that found a problem, given the wait before it."""
    return min(2 * seconds, SLOWEST_POLL_SECONDS)


async def ask_readyz(host: str, port: int, name: str, timeout: float) -> int | None:
    """The status of GET /readyz on the port, or None without an answer in time."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    request = f"GET /readyz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(target, port)
            try:
                writer.write(request.encode())
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


def process_is_well(pid: int) -> bool:
    """Whether the parent is still our parent and runs; init, or a parent hidden by the sandbox, is not judged."""
    if os.getppid() != pid:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] not in UNHEALTHY_STATES


def status_line(runtime: Runtime) -> str:
    """What `systemctl status` shows."""
    metrics = runtime.metrics
    opened = [name for name, state in runtime.breakers.states().items() if state == "open"]
    parts = [
        "draining" if runtime.draining else "serving",
        f"{metrics.calls_served} calls served",
        f"{metrics.calls_in_flight} in flight",
        f"breakers open: {', '.join(opened) or 'none'}",
    ]
    return ", ".join(parts)


def _host_header(runtime: Runtime) -> str:
    """A Host name this instance answers to."""
    allowed = runtime.settings.mcp_allowed_hosts
    return next((name for name in allowed if "*" not in name), "localhost")


def _nothing() -> None:
    """Work for a thread that shows that there is one."""

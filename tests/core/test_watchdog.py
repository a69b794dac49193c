"""systemd hears READY and WATCHDOG only from a process that really serves: a real gunicorn, a socket of our own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings, take_notify_socket
from app.a2a.mcp.core.watchdog import ask_readyz, find_problem, next_poll, process_is_well, status_line, watchdog
from tests.core.processes import (
    PATIENCE_SECONDS,
    Instance,
    await_that,
    call_body,
    free_port,
    read_answer,
    request_bytes,
)
from tests.core.sample import SERVICE

WATCHDOG_SECONDS = 0.6
SILENCE_SECONDS = 1.5
"""Well above the three signs of life that a healthy process gives in that time; the machine may be busy."""

pytestmark = pytest.mark.timeout(300)


class Systemd:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def hear(self, timeout: float = PATIENCE_SECONDS) -> dict[str, str] | None:
        """The next notification, None when there is none in time."""
        self.socket.settimeout(timeout)
        try:
            lines = self.socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in lines)

    def forget(self) -> None:
        """Drop what has been said so far."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(4096)
        except BlockingIOError:
            return

    def hears_nothing(self) -> bool:
        """Whether there is no sign of life for SILENCE_SECONDS, after what was under way has arrived."""
        self.hear(timeout=SILENCE_SECONDS / 3)
        self.forget()
        return self.hear(timeout=SILENCE_SECONDS) is None


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path / "notify.sock")
    yield systemd
    systemd.socket.close()


@pytest.fixture
def instance(tmp_path: Path, systemd: Systemd) -> Iterator[Instance]:
    usec = str(int(WATCHDOG_SECONDS * 1e6))
    instance = Instance(tmp_path, free_port(), NOTIFY_SOCKET=systemd.path, WATCHDOG_USEC=usec).start()
    yield instance
    instance.kill()


def send(instance: Instance, tool: str, seconds: float) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", instance.port))
    connection.sendall(request_bytes(call_body(tool, seconds=seconds)))
    return connection


def test_ready_comes_first_with_an_answering_port_and_signs_of_life_follow(
    instance: Instance, systemd: Systemd
) -> None:
    first = systemd.hear()
    assert instance.ask("GET", "/readyz") == 200
    assert first is not None
    assert (first["READY"], first["WATCHDOG"]) == ("1", "1")
    assert first["STATUS"] == "serving, 0 calls served, 0 in flight, breakers open: none"
    for _ in range(3):
        following = systemd.hear(timeout=10)
        assert following is not None
        assert (following["WATCHDOG"], "READY" in following) == ("1", False)
    with send(instance, "work", 0) as connection:
        assert read_answer(connection).status == 200
    systemd.forget()
    following = systemd.hear(timeout=10)
    assert following is not None
    assert following["STATUS"].startswith("serving, 1 calls served")


def test_the_socket_is_moved_out_of_gunicorns_sight_once_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    monkeypatch.setenv("MCP_NOTIFY_SOCKET", "")
    assert (take_notify_socket(), take_notify_socket()) == ("/run/notify", "/run/notify")
    assert "NOTIFY_SOCKET" not in os.environ


def test_faults_silence_it_and_their_end_lets_it_speak_again(instance: Instance, systemd: Systemd) -> None:
    assert systemd.hear() is not None
    worker = instance.worker()
    assert worker is not None
    for pid in (worker, instance.master):
        os.kill(pid, signal.SIGSTOP)
        assert systemd.hears_nothing(), f"{pid} is stopped"
        os.kill(pid, signal.SIGCONT)
        assert systemd.hear(timeout=10) is not None
    for tool in ("block", "exhaust"):
        with send(instance, tool, 4) as connection:
            assert systemd.hears_nothing(), tool
            assert read_answer(connection).status == 200
        assert systemd.hear(timeout=10) is not None


def test_a_killed_worker_is_replaced_and_the_new_one_is_ready(instance: Instance, systemd: Systemd) -> None:
    assert systemd.hear() is not None
    worker = instance.worker()
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    await_that(lambda: (systemd.hear() or {}).get("READY") == "1", "the new worker")
    assert instance.worker() not in (None, worker)


def test_a_stop_keeps_the_signs_of_life_while_it_drains(instance: Instance, systemd: Systemd) -> None:
    assert systemd.hear() is not None
    with send(instance, "work", 2) as connection:
        assert instance.process is not None
        await_that(lambda: (systemd.hear() or {}).get("STATUS", "").find("1 in flight") > 0, "the call")
        instance.process.send_signal(signal.SIGTERM)
        await_that(lambda: (systemd.hear() or {}).get("STATUS", "").startswith("draining"), "the drain")
        assert read_answer(connection).status == 200
    assert instance.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("application", "environ", "reason"),
    [
        ("tests.core.absent:application()", {}, "No module named 'tests.core.absent'"),
        ("app.a2a.mcp.core.asgi:build_application()", {"MCP_SERVICE": "absent"}, "no service is named 'absent'"),
        ("tests.core.process_app:application()", {"RATE_LIMIT_REQUESTS": "none"}, "RATE_LIMIT_REQUESTS"),
        ("tests.core.process_app:application()", {"MCP_ENVIRONMENT": "production"}, "MCP_REQUEST_STATE_KEYS"),
    ],
)
def test_an_instance_that_cannot_start_ends_says_why_and_is_never_ready(
    tmp_path: Path, systemd: Systemd, application: str, environ: dict[str, str], reason: str
) -> None:
    instance = Instance(tmp_path, free_port(), application, NOTIFY_SOCKET=systemd.path, **environ).start()
    assert instance.process is not None
    assert instance.process.wait(PATIENCE_SECONDS) not in (0, None)
    assert reason in instance.log()
    assert systemd.hear(timeout=0.01) is None


@pytest.mark.anyio
async def test_without_systemd_the_watchdog_ends_at_once(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("MCP_NOTIFY_SOCKET", raising=False)
    await asyncio.wait_for(watchdog(build_runtime(SERVICE, make_settings())), 5)


@pytest.mark.anyio
async def test_a_port_that_refuses_or_is_silent_is_no_answer() -> None:
    assert await ask_readyz("127.0.0.1", free_port(), "localhost", 1) is None
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert await ask_readyz("0.0.0.0", silent.getsockname()[1], "localhost", 0.1) is None


@pytest.mark.anyio
@pytest.mark.parametrize(("line", "status"), [(b"HTTP/1.1 503 No\r\n", 503), (b"nonsense\r\n", None), (b"", None)])
async def test_what_answers_is_read_by_its_status(line: bytes, status: int | None) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(line)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_readyz("127.0.0.1", port, "localhost", 5) == status


@pytest.mark.anyio
async def test_the_reason_is_named(make_settings: Callable[..., Settings]) -> None:
    runtime = build_runtime(SERVICE, make_settings(mcp_port=free_port()))
    assert await find_problem(runtime, os.getppid(), 1) == "its own /readyz answers nothing"
    runtime.drain()
    assert await find_problem(runtime, os.getppid(), 1) is None
    assert await find_problem(runtime, 2**22 - 1, 1) == f"the parent process {2**22 - 1} is stopped or gone"
    runtime.breakers.get("redis").follow("open", 10)
    assert status_line(runtime) == "draining, 0 calls served, 0 in flight, breakers open: redis"


def test_polls_of_an_instance_that_is_not_well_come_further_apart_to_a_bound() -> None:
    waits = [0.05]
    while len(waits) < 9:
        waits.append(next_poll(waits[-1]))
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]


def test_a_stopped_parent_is_seen() -> None:
    code = (
        "import os, signal, sys, time; from app.a2a.mcp.core.watchdog import process_is_well\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, os.WUNTRACED); sys.exit()\n"
        "parent = os.getppid()\n"
        "print(process_is_well(parent), flush=True)\n"
        "os.kill(parent, signal.SIGSTOP)\n"
        "end = time.monotonic() + 10\n"
        "while process_is_well(parent) and time.monotonic() < end: time.sleep(0.01)\n"
        "print(process_is_well(parent), flush=True)\n"
        "os.kill(parent, signal.SIGCONT)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert run.stdout.split() == ["True", "False"]
    assert process_is_well(os.getppid())

"""Real instances: gunicorn with the project's configuration, as a unit starts it, on ports of the test's own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEY = "process-key-of-more-than-32-characters"
PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
APPLICATION = "tests.core.process_app:application()"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_that(condition: Callable[[], bool], what: str) -> None:
    """Poll until true; fails with `what` after PATIENCE_SECONDS."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.02)


class Instance:
    """One gunicorn with one worker."""

    def __init__(self, directory: Path, port: int, application: str = APPLICATION, **environ: str) -> None:
        self.port = port
        self.directory = directory
        self.application = application
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "MCP_SERVICE": "process",
            "MCP_PORT": str(port),
            "MCP_STATE_DIRECTORY": str(directory / "state"),
            "JWT_SECRET_KEY": "a-test-secret-of-more-than-32-characters",
            "API_KEY_1": f"{KEY}:tester:read,write",
            "RATE_LIMIT_REQUESTS": "10000000",
            "MCP_DRAIN_SECONDS": "5",
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Instance":
        """Start the process; it may not be ready yet."""
        command = [sys.executable, "-m", "gunicorn", "-c", "python:app.a2a.mcp.core.gunicorn_conf", self.application]
        with (self.directory / f"{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, env=self.environ, stdout=log, stderr=log)
        return self

    def log(self) -> str:
        """What it has written so far."""
        return (self.directory / f"{self.port}.log").read_text()

    def await_ready(self) -> "Instance":
        """Wait until it answers /readyz."""
        await_that(lambda: self.ask("GET", "/readyz") == 200, f"port {self.port}: {self.log()[-2000:]}")
        return self

    def ask(self, method: str, path: str) -> int | None:
        """The status of one request, or None when the port refuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    @property
    def master(self) -> int:
        """The process id of gunicorn's master."""
        assert self.process is not None
        return self.process.pid

    def worker(self) -> int | None:
        """The process id of its worker, None between two."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()
        return int(children[0]) if children else None

    def stop(self) -> int:
        """SIGTERM, as systemd does; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Leave nothing running, whatever the test did."""
        if self.process is None or self.process.poll() is not None:
            return
        for pid in (self.worker(), self.master):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)


def call_body(tool: str, **arguments: Any) -> bytes:
    """A tools/call of the handshake era."""
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Authorization": f"Bearer {KEY}",
    "MCP-Protocol-Version": "2025-11-25",
}


def request_bytes(body: bytes, **headers: str) -> bytes:
    """A POST to /mcp as it goes over the wire."""
    lines = [b"POST /mcp HTTP/1.1", b"Host: localhost", b"Content-Length: %d" % len(body)]
    lines += [f"{name}: {value}".encode() for name, value in (HEADERS | headers).items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def read_answer(connection: socket.socket) -> http.client.HTTPResponse:
    """The next answer on a raw connection, its body read."""
    connection.settimeout(PATIENCE_SECONDS)
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.content = response.read()  # type: ignore[attr-defined]
    return response

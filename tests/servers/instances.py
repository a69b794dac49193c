"""Server scripts as real processes over one Redis, spoken to as a client does."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SERVERS = ROOT / "app/a2a/mcp/servers"
SECRET = "a-secret-of-these-tests-with-more-than-32-characters"
READY_SECONDS = 90


class Instance:
    """One process of a service; every client of `clients` has its own name as its key, padded to a key's length."""

    def __init__(self, service: str, directory: Path, redis_url: str, *clients: str, **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.service = service
        self.directory = directory
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": redis_url,
            "MCP_PORT": str(self.port),
            "MCP_STATE_DIRECTORY": str(directory),
            "JWT_SECRET_KEY": SECRET,
            "MCP_REQUEST_STATE_KEYS": SECRET,
            "RATE_LIMIT_REQUESTS": "1000000",
            **{f"API_KEY_{n}": f"{key_of(client)}:{client}:read,write" for n, client in enumerate(clients, start=1)},
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on its port."""
        script = SERVERS / f"{self.service}_mcp_server.py"
        with (self.directory / f"{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(script)], env=self.environ, stdout=log, stderr=log, cwd=self.directory
            )

    def await_ready(self) -> None:
        """Until it answers /readyz; its log's end is the failure's message."""
        assert self.process is not None
        end = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if self.get("/readyz", "") == 200:
                    return
            log = self.directory / f"{self.port}.log"
            assert self.process.poll() is None and time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None

    def stop(self) -> None:
        """SIGTERM, as systemd does, and wait for the end."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process = None

    def get(self, path: str, credential: str) -> int:
        """The status of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {credential}"} if credential else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def post(self, credential: str, method: str, params: Any) -> tuple[int, Any]:
        """One message of the handshake era: (HTTP status, JSON-RPC answer)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            connection.request("POST", "/mcp", body, headers_of(credential))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def call(self, credential: str, tool: str, **arguments: Any) -> Any:
        """The structured content of a tool's answer."""
        status, answer = self.post(credential, "tools/call", {"name": tool, "arguments": arguments})
        assert status == 200, answer
        return answer["result"]["structuredContent"]

    def status(self, credential: str, tool: str, **arguments: Any) -> int:
        """The HTTP status of a tool's answer."""
        return self.post(credential, "tools/call", {"name": tool, "arguments": arguments})[0]


def headers_of(credential: str) -> dict[str, str]:
    """What a client of the handshake era sends."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {credential}",
        "MCP-Protocol-Version": "2025-11-25",
    }


def key_of(client: str) -> str:
    """The API key of a client."""
    return f"{client}-key".ljust(40, "-")


@contextlib.contextmanager
def running(*instances: Instance) -> Iterator[None]:
    """All of them started and ready, and killed in the end."""
    try:
        for instance in instances:
            instance.start()
        for instance in instances:
            instance.await_ready()
        yield
    finally:
        for instance in instances:
            instance.kill()

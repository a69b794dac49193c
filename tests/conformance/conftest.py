"""Three instances of the fixture server behind a real nginx on loopback, sharing a real Redis."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTANCES = 3

NGINX = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  # round robin on purpose: consecutive calls of one client must land on different instances
  upstream fixture {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://fixture; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header Authorization "Bearer {key}";
      proxy_buffering off; proxy_read_timeout 120s;
    }}
  }}
}}
"""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_answer(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Poll until the URL answers at all; raises when the process ends or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the process behind {url} ended with {process.returncode}"
        try:
            httpx.get(url, timeout=1)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer in {seconds} s")


@pytest.fixture(scope="session")
def fixture_url(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[str]:
    """The edge's URL, http://localhost:PORT/mcp."""
    directory = tmp_path_factory.mktemp("conformance")
    key = secrets.token_urlsafe(32)
    environment = {
        **os.environ,
        "API_KEY_1": f"{key}:conformance:read,write",
        "JWT_SECRET_KEY": secrets.token_urlsafe(32),
        "MCP_REQUEST_STATE_KEYS": secrets.token_urlsafe(32),
        "RATE_LIMIT_REQUESTS": "1000000",
        "REDIS_URL": redis_url,
        "MCP_STATE_DIRECTORY": str(directory),
        "MCP_LOG_LEVEL": "WARNING",
    }
    ports = [free_port() for _ in range(INSTANCES)]
    edge = free_port()
    servers = " ".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=1s;" for port in ports)
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(dir=directory, servers=servers, port=edge, key=key))
    with ExitStack() as stack:
        for port in ports:
            log = stack.enter_context((directory / f"{port}.log").open("wb"))
            command = [sys.executable, "-m", "tests.conformance.fixture.server", str(port)]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
            stack.callback(_end, process)
            await_answer(f"http://127.0.0.1:{port}/livez", process)
        nginx = subprocess.Popen(["nginx", "-c", str(config), "-e", str(directory / "error.log")])
        stack.callback(_end, nginx)
        await_answer(f"http://127.0.0.1:{edge}/livez", nginx)
        yield f"http://localhost:{edge}/mcp"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)

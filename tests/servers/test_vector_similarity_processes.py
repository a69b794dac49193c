"""Real instances over one Redis: an answered write outlives the instance that answered it."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parents[2] / "app/a2a/mcp/servers/vector_similarity_mcp_server.py"
KEY = "a-key-of-this-test-with-more-than-32-characters"
READY_SECONDS = 60


class Instance:
    """One server process."""

    def __init__(self, state: Path, redis_url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": redis_url,
            "MCP_PORT": str(self.port),
            "MCP_STATE_DIRECTORY": str(state),
            "JWT_SECRET_KEY": KEY,
            "API_KEY_1": f"{KEY}:killer-{state.parent.name}:read,write",
            "MCP_REQUEST_STATE_KEYS": KEY,
        }
        with (state / f"{self.port}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SERVER)], env=environment, stdout=log, stderr=log, cwd=state
            )

    def await_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).read()
                return
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, "the instance ended while it started"
                assert time.monotonic() < end, "the instance did not become ready"
                time.sleep(0.1)

    def call(self, tool: str, **arguments: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/mcp",
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                "X-API-Key": KEY,
                "MCP-Protocol-Version": "2025-11-25",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["result"]["structuredContent"]


@pytest.fixture
def instances(tmp_path: Path, redis_url: str) -> Iterator[list[Instance]]:
    state = tmp_path / "state"
    state.mkdir()
    started = [Instance(state, redis_url) for _ in range(3)]
    try:
        for instance in started:
            instance.await_ready()
        yield started
    finally:
        for instance in started:
            with contextlib.suppress(ProcessLookupError):
                instance.process.kill()
            instance.process.wait(timeout=20)


def test_vectors_outlive_the_instance_that_took_them(instances: list[Instance]) -> None:
    first, second, third = instances
    name = f"k{secrets.token_hex(4)}"
    items = [{"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [0, 1]}, {"id": "c", "vector": [1, 1]}]
    assert second.call("upsert_vectors", collection=name, items=items)["version"] == 1
    assert third.call("search_vectors", collection=name, query_vector=[1, 0])["collection_size"] == 3
    assert first.call("upsert_vectors", collection=name, items=[{"id": "d", "vector": [-1, 0]}])["version"] == 2
    first.process.send_signal(signal.SIGKILL)
    for survivor in (second, third):
        started = time.monotonic()
        found = survivor.call("search_vectors", collection=name, query_vector=[-1, 0], top_k=1)
        assert time.monotonic() - started < 1
        assert (found["results"][0]["id"], found["collection_size"], found["version"]) == ("d", 4, 2)

"""Real gunicorn instances: a stop under load fails no call, and a stream ends as the protocol says."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.processes import (
    HEADERS,
    PATIENCE_SECONDS,
    Instance,
    await_that,
    call_body,
    free_port,
    read_answer,
    request_bytes,
)

CLIENTS = 8
ROLLS = 2
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[list[Instance]]:
    """Two instances that answer."""
    instances = [Instance(tmp_path, free_port()).start() for _ in range(2)]
    try:
        yield [instance.await_ready() for instance in instances]
    finally:
        for instance in instances:
            instance.kill()


def test_a_stop_answers_what_waits_what_runs_and_what_is_pooled(instances: list[Instance]) -> None:
    instance, other = instances
    address = ("127.0.0.1", instance.port)
    pooled, running = socket.create_connection(address), socket.create_connection(address)
    pooled.sendall(request_bytes(call_body("work", seconds=0)))
    assert read_answer(pooled).status == 200
    running.sendall(request_bytes(call_body("work", seconds=1.5)))
    worker = instance.worker()
    assert worker is not None
    await_that(lambda: '"in_flight":1' in health(instance), "the call in flight")
    # While the worker stands still, the kernel completes connections that nobody has accepted when the stop comes.
    os.kill(worker, signal.SIGSTOP)
    waiting = [socket.create_connection(address) for _ in range(10)]
    for connection in waiting:
        connection.sendall(request_bytes(call_body("work", seconds=0)))
    os.kill(worker, signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    started = time.monotonic()
    pooled.sendall(request_bytes(call_body("work", seconds=0)))
    assert [read_answer(connection).status for connection in waiting] == [200] * 10
    assert read_answer(pooled).status == 200
    answer = read_answer(running)
    assert (answer.status, answer.getheader("connection")) == (200, "close")
    assert instance.stop() == 0
    assert time.monotonic() - started < 20
    assert "Traceback" not in instance.log()
    assert "Bad file descriptor" not in instance.log()
    assert other.ask("GET", "/readyz") == 200
    for connection in (pooled, running, *waiting):
        connection.close()


def test_an_instance_without_a_journal_answers_and_counts_what_it_could_not_log(tmp_path: Path) -> None:
    instance = Instance(tmp_path, free_port(), JOURNAL_STREAM="8:1234").start()
    try:
        instance.await_ready()
        lost = [
            line for line in get(instance, "/metrics").splitlines() if line.startswith("a2a_mcp_log_records_dropped")
        ]
        assert float(lost[0].split()[1]) > 0
        assert instance.stop() == 0
        assert instance.log() == ""
    finally:
        instance.kill()


def health(instance: Instance) -> str:
    return get(instance, "/health")


def get(instance: Instance, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def served(instance: Instance) -> int:
    return int(json.loads(health(instance))["calls"]["served"])


def test_a_subscription_gets_its_events_and_ends_cleanly_with_the_stop(instances: list[Instance]) -> None:
    instance, _ = instances
    body = {
        "jsonrpc": "2.0",
        "id": "listen-1",
        "method": "subscriptions/listen",
        "params": {"notifications": {"toolsListChanged": True}, "_meta": META},
    }
    modern = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/mcp", json.dumps(body), HEADERS | modern)
    stream = connection.getresponse()
    assert stream.status == 200
    assert event(stream)["method"] == "notifications/subscriptions/acknowledged"
    with contextlib.closing(socket.create_connection(("127.0.0.1", instance.port))) as publisher:
        publisher.sendall(request_bytes(call_body("announce")))
        assert read_answer(publisher).status == 200
    assert event(stream)["method"] == "notifications/tools/list_changed"
    assert instance.process is not None
    instance.process.send_signal(signal.SIGTERM)
    last = event(stream)
    assert (last["id"], "result" in last) == ("listen-1", True)
    assert stream.read().strip() == b""
    assert instance.process.wait(PATIENCE_SECONDS) == 0
    connection.close()


def event(stream: http.client.HTTPResponse) -> dict[str, object]:
    """The next message of an event stream."""
    while True:
        line = stream.readline().decode()
        assert line, "the stream ended"
        if line.startswith("data: ") and line[6:].strip():
            message: dict[str, object] = json.loads(line[6:])
            return message


NGINX = """
daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  upstream fleet {{
    zone fleet 64k; least_conn; keepalive 16;
    {servers}
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://fleet; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_connect_timeout 2s; proxy_next_upstream error timeout;
    }}
  }}
}}
"""


@pytest.fixture
def edge(instances: list[Instance], tmp_path: Path) -> Iterator[int]:
    """nginx in front of the instances, with the fleet's upstream settings; gives its port."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert binary, "nginx is missing: apt-get install nginx (make test does)"
    port = free_port()
    servers = "\n".join(f"server 127.0.0.1:{i.port} max_fails=2 fail_timeout=1s;" for i in instances)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(NGINX.format(directory=tmp_path, servers=servers, port=port))
    with subprocess.Popen([binary, "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:
        try:
            await_that(lambda: answers(port), "nginx")
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Load:
    """Clients that call without pause and count what comes back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.going = True
        self.statuses: dict[int | str, int] = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._call) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.going = False
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)

    @property
    def total(self) -> int:
        """Calls answered so far."""
        with self.lock:
            return sum(self.statuses.values())

    def await_more(self, calls: int) -> None:
        """Wait until so many more calls have been answered."""
        goal = self.total + calls
        await_that(lambda: self.total >= goal, "calls to be answered")

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        body = call_body("work", seconds=0.005)
        while self.going:
            outcome: int | str
            try:
                connection.request("POST", "/mcp", body, HEADERS)
                response = connection.getresponse()
                response.read()
                outcome = response.status
            except OSError as error:
                outcome = type(error).__name__
                connection.close()
            with self.lock:
                self.statuses[outcome] = self.statuses.get(outcome, 0) + 1
        connection.close()


def test_restarting_each_instance_in_turn_behind_nginx_fails_no_call(
    instances: list[Instance], edge: int, tmp_path: Path
) -> None:
    errors = tmp_path / "nginx.log"
    with Load(edge) as load:
        for _ in range(ROLLS):
            for instance in instances:
                load.await_more(50)
                assert instance.stop() == 0
                instance.start().await_ready()
                # nginx tries a refused peer again only after fail_timeout; the roll goes on when it has.
                await_that(lambda: served(instance) > 20, "nginx to come back")  # noqa: B023 - used at once
        load.await_more(50)
    assert set(load.statuses) == {200}, (load.statuses, errors.read_text()[:2500])

"""A real nginx with the role's own configuration, in a directory and on ports of its own."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from .conftest import ROOT, Evaluate

ROLE = ROOT / "roles" / "a2a_nginx"
HOST = "fleet.test"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin") or "nginx"
ADDRESS_WITHOUT_LISTENER = "127.0.0.1:1"


def nginx_build() -> str:
    """What `nginx -V` says here."""
    return subprocess.run([NGINX, "-V"], capture_output=True, text=True, check=True).stderr


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_pair(directory: Path) -> None:
    """A self-signed pair a2a.crt, a2a.key for HOST."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-config",
        "/dev/null",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    command += ["-keyout", str(directory / "a2a.key"), "-out", str(directory / "a2a.crt")]
    subprocess.run(command, check=True, capture_output=True)


def render(evaluate: Evaluate, directory: Path, build: str, **variables: Any) -> str:
    """The configuration that the role would stage; `build` is what `nginx -V` says on the host."""
    inventory = directory / "hosts.yml"
    inventory.write_text("all: {hosts: {here: }}\n")
    extra = {
        "ansible_managed": "managed",
        "a2a_nginx_server_names": [HOST],
        "a2a_nginx_tls_certificate": str(directory / "a2a.crt"),
        "a2a_nginx_tls_key": str(directory / "a2a.key"),
        "__a2a_nginx_runtime": str(directory),
        "__a2a_nginx_version_output": {"stderr": build},
    } | variables
    files = (ROLE / "defaults" / "main.yml", ROLE / "vars" / "main.yml")
    template = f"lookup('ansible.builtin.template', '{ROLE / 'templates' / 'nginx.conf.j2'}')"
    text: str = evaluate(inventory, template, extra, files)["here"]
    return text


def check(directory: Path, configuration: str) -> str:
    """What `nginx -t` says of it; empty when there is nothing to say."""
    file = directory / "nginx.conf"
    file.write_text(configuration)
    done = subprocess.run([NGINX, "-t", "-q", "-p", directory, "-c", file], capture_output=True, text=True, check=False)
    return done.stderr


@dataclass
class Instance:
    """A stand-in for a server process: remembers requests, answers what it is told."""

    port: int = field(default_factory=free_port)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    drop: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    """Ends the event streams it has open."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Instance"]:
        """Serves until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        instance = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                instance.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                if instance.drop:
                    return
                if self.headers.get("Accept") == "text/event-stream":
                    self.stream()
                    return
                body = b'{"from":"instance"}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Request-ID", "of-the-instance")
                self.send_header("X-Frame-Options", "SAMEORIGIN")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self) -> None:
                """One event at once, and the end when it is told."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("X-Accel-Buffering", "no")
                self.end_headers()
                self.wfile.write(b"data: 1\n\n")
                self.wfile.flush()
                instance.release.wait(20)
                self.close_connection = True

            do_GET = do_OPTIONS = do_DELETE = do_POST

            def log_message(self, *_: object) -> None:
                """Nothing: the tests look at `requests`."""

        return Handler


@dataclass(frozen=True)
class Edge:
    """A running nginx, its instances and its logs."""

    directory: Path
    port: int
    plain_port: int
    instances: dict[str, Instance]

    def call(self, method: str, path: str, host: str = HOST, **options: Any) -> httpx.Response:
        """One request over TLS, checked against the pair's own certificate."""
        headers = {"Host": host} | options.pop("headers", {})
        extensions = {"sni_hostname": HOST}
        with httpx.Client(verify=self.trust, trust_env=False, timeout=10) as client:
            url = f"https://127.0.0.1:{self.port}{path}"
            return client.request(method, url, headers=headers, extensions=extensions, **options)

    @property
    def trust(self) -> ssl.SSLContext:
        """A TLS context that trusts this edge alone."""
        return ssl.create_default_context(cafile=str(self.directory / "a2a.crt"))

    def access_line(self, correlation_id: str) -> dict[str, Any]:
        """The access log's line of that request; waits for it, as nginx writes it after the answer."""
        for _ in range(200):
            for line in (self.directory / "access.log").read_text().splitlines():
                entry: dict[str, Any] = json.loads(line)
                if entry["correlation_id"] == correlation_id:
                    return entry
            time.sleep(0.02)
        raise AssertionError(f"no line of {correlation_id} within 4 s")


@contextmanager
def running_edge(
    evaluate: Evaluate, directory: Path, access_log: str | None = None, **variables: Any
) -> Iterator[Edge]:
    """nginx with the role's configuration; only the sinks of its logs are replaced by files, or by the socket named."""
    make_pair(directory)
    instances = {name: Instance() for name in ("one", "two", "flaky")}
    services = [{"name": name, "max_body_mib": 1, "servers": [it.address]} for name, it in instances.items()]
    services[1]["streams"] = True
    services[1]["servers"] = [ADDRESS_WITHOUT_LISTENER, instances["two"].address]
    services.append({"name": "gone", "max_body_mib": 8, "servers": [ADDRESS_WITHOUT_LISTENER]})
    ports = {"a2a_nginx_https_port": free_port(), "a2a_nginx_http_port": free_port()}
    choices = {"a2a_nginx_http": "redirect", "a2a_nginx_ipv6": False, "a2a_nginx_status_port": 0}
    variables = ports | choices | {"a2a_nginx_services": services} | variables
    if access_log is not None:
        variables["a2a_nginx_access_log_socket"] = access_log
    text = render(evaluate, directory, nginx_build(), **variables)
    if access_log is None:
        text = re.sub(r"access_log syslog:\S+", f"access_log {directory}/access.log", text)
    text = re.sub(r"error_log syslog:\S+", f"error_log {directory}/error.log", text)
    assert check(directory, text) == ""
    command = [NGINX, "-p", str(directory), "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]
    nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with instances["one"].running(), instances["two"].running(), instances["flaky"].running():
            edge = Edge(directory, ports["a2a_nginx_https_port"], ports["a2a_nginx_http_port"], instances)
            _wait(edge)
            yield edge
    finally:
        nginx.terminate()
        nginx.wait(timeout=10)


def _wait(edge: Edge) -> None:
    for _ in range(200):
        try:
            edge.call("GET", "/healthz")
            return
        except httpx.ConnectError:
            time.sleep(0.02)
    raise AssertionError("nginx did not answer within 4 s")

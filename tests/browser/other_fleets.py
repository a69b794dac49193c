"""Fleets that the deployed host is not, shown by the real page: a real Prometheus that scrapes what a test exposes."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.core.processes import free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "monitoring" / "fleet"
RULES = ROOT / "monitoring" / "prometheus" / "rules"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


@dataclass(frozen=True)
class Target:
    """One instance that Prometheus is told of; what it exposes is `text`, and nothing where it is None."""

    service: str
    host: str
    port: int
    text: str | None = ""


@contextmanager
def shown_fleet(targets: list[Target]) -> Iterator[str]:
    """The page's address, beside a Prometheus that has scraped every target once."""
    with tempfile.TemporaryDirectory() as directory:
        prometheus_port = free_port()
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(targets, prometheus_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with running_prometheus(Path(directory), prometheus_port, server.server_port, targets) as base:
                await_scrapes(base, len(targets))
                yield f"http://127.0.0.1:{server.server_port}/fleet/"
        finally:
            server.shutdown()
            server.server_close()


@contextmanager
def running_prometheus(directory: Path, port: int, exposes: int, targets: list[Target]) -> Iterator[str]:
    """Debian's Prometheus with the fleet's own rules; its address."""
    entries = [
        {
            "targets": [f"127.0.0.1:{exposes}"],
            "labels": {
                "service": it.service,
                "host": it.host,
                "instance": f"{it.host}:{it.port}",
                "__metrics_path__": f"/metrics/{n}",
            },
        }
        for n, it in enumerate(targets)
    ]
    (directory / "targets.json").write_text(json.dumps(entries))
    scrape = {"job_name": "a2a-mcp", "scrape_interval": "1s", "scrape_timeout": "1s",
              "file_sd_configs": [{"files": ["targets.json"]}]}  # fmt: skip
    settings = {"global": {"evaluation_interval": "1s"}, "rule_files": [f"{RULES}/*.yml"], "scrape_configs": [scrape]}
    (directory / "prometheus.yml").write_text(json.dumps(settings))
    binary = shutil.which("prometheus")
    assert binary, "prometheus is missing: apt-get install prometheus (make test does)"
    command = [
        binary, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}",
        "--web.external-url=http://localhost/prometheus/", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}/prometheus"
        finally:
            process.terminate()


def await_scrapes(base: str, number: int) -> None:
    """Wait until as many targets have been asked."""
    end = time.monotonic() + 60
    seen: Any = None
    while time.monotonic() < end:
        try:
            seen = httpx.get(f"{base}/api/v1/query", params={"query": "count(up) or vector(0)"}).json()["data"][
                "result"
            ]
            if int(seen[0]["value"][1]) == number:
                return
        # Until it is ready it refuses in plain text.
        except (httpx.TransportError, json.JSONDecodeError) as error:
            seen = error
        time.sleep(0.1)
    raise AssertionError(f"Prometheus has not asked {number} targets within 60 s: {seen}")


def handler(targets: list[Target], prometheus_port: int) -> type[BaseHTTPRequestHandler]:
    """What the edge is to the page: its files with their policy, and Prometheus of the same origin; and the targets."""

    class Edge(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/metrics/"):
                text = targets[int(self.path.rpartition("/")[2])].text
                return self.answer(503 if text is None else 200, "text/plain", (text or "").encode())
            if self.path.startswith("/prometheus/"):
                return self.forward()
            path = PAGE / (self.path.removeprefix("/fleet/") or "index.html")
            return self.answer(200, TYPES[path.suffix], path.read_bytes())

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {"Content-Type": self.headers.get("Content-Type", "")} if body else {}
            url = f"http://127.0.0.1:{prometheus_port}{self.path}"
            answer = httpx.request(self.command, url, content=body, headers=headers, timeout=30)
            self.answer(answer.status_code, "application/json", answer.content)

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": len(body),
                "Content-Security-Policy": POLICY,
            }.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    return Edge

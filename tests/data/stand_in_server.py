"""A server for tests of the command line: answers /health as the real ones do, in a tenth of their start time.

It is told how to behave by files beside it: `crash` ends it at the start, `deaf` makes it ignore SIGTERM.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HERE = Path(__file__).parent


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        service = os.environ["MCP_SERVICE"]
        page = {"status": "ok", "service": service, "calls": {"served": 7}, "circuit_breakers": {"redis": "open"}}
        self._answer(200, page)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        allowed = self.headers.get("Authorization", "").startswith("Bearer ey")
        refusal = {"error": {"code": "unauthenticated", "message": "no credential"}}
        self._answer(200 if allowed else 401, {"reset": [body["name"] or "redis"]} if allowed else refusal)

    def _answer(self, status: int, page: object) -> None:
        body = json.dumps(page).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        say("INFO", f"served {self.path}", self.headers.get("X-Request-ID", ""))


def say(level: str, message: str, correlation_id: str = "") -> None:
    line = {"timestamp": "2026-11-22T15:00:00.000+00:00", "level": level, "message": message}
    sys.stderr.write(json.dumps(line | {"correlation_id": correlation_id}) + "\n")
    sys.stderr.flush()


if (HERE / "crash").exists():
    say("ERROR", "cannot start: the model is missing")
    raise SystemExit(3)
if (HERE / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
say(os.environ.get("MCP_LOG_LEVEL", "INFO"), f"serving {os.environ['MCP_SERVICE']}")
HTTPServer(("127.0.0.1", int(os.environ["MCP_PORT"])), Handler).serve_forever()

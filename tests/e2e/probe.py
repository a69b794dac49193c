"""Run on a host: large calls to one instance, and /livez of it and of an idle one meanwhile; prints JSON.

    python3 - PORT CONTROL_PORT KEY_FILE CALLS PATIENCE PATH

PATH holds the body of a call, sent CALLS times at once by clients that leave after PATIENCE seconds. Nothing but the
standard library: the host's own Python.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

PAUSE = 0.02
"""Between two probes, so that they cost the instance little."""

HEADERS = ["Content-Type: application/json", "Accept: application/json, text/event-stream", "Host: localhost"]


class Prober(threading.Thread):
    """Asks /livez until told to stop; `seconds` are the times of its answers."""

    def __init__(self, port):
        super().__init__()
        self.port, self.seconds, self.failures, self.stopping = port, [], 0, False

    def run(self):
        while not self.stopping:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                while not self.stopping:
                    self.ask(connection)
                    time.sleep(PAUSE)
            except OSError:
                self.failures += 1
                time.sleep(PAUSE)
            finally:
                connection.close()

    def ask(self, connection):
        started = time.perf_counter()
        connection.request("GET", "/livez", headers={"Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
        self.seconds.append(time.perf_counter() - started)
        self.failures += answer.status != 200


def call(port, key, patience, path):
    command = ["curl", "-s", "-m", patience, "-w", "\n%{http_code} %{time_total}", "--data-binary", f"@{path}"]
    command += [part for header in [*HEADERS, f"X-API-Key: {key}"] for part in ("-H", header)]
    return subprocess.Popen([*command, f"http://127.0.0.1:{port}/mcp"], stdout=subprocess.PIPE, text=True)


def outcome(process):
    """What a call came to: HTTP status, seconds, and the tool's error code or status if it has one."""
    body, _, line = process.communicate()[0].rpartition("\n")
    status, seconds = line.split()
    found = {"http": int(status), "seconds": float(seconds)}
    try:
        content = json.loads(body)["result"]["structuredContent"]
    except (ValueError, KeyError, TypeError):
        return found | {"code": body[:300]}
    return found | {"code": content.get("error", {}).get("code"), "status": content.get("status"), "bytes": len(body)}


def main(port, control, key_file, calls, patience, path):
    key = Path(key_file).read_text().strip()
    probers = [Prober(int(port)), Prober(int(control))]
    for prober in probers:
        prober.start()
    try:
        running = [call(port, key, patience, path) for _ in range(int(calls))]
        outcomes = [outcome(process) for process in running]
    finally:
        for prober in probers:
            prober.stopping = True
            prober.join()
    names = ("loaded", "idle")
    found = {name: {"seconds": p.seconds, "failures": p.failures} for name, p in zip(names, probers, strict=True)}
    print(json.dumps({"calls": outcomes, **found}))  # noqa: T201 - this is its answer


main(*sys.argv[1:])

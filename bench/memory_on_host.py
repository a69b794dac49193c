"""Run on a host: the memory of every instance, nginx and Redis, as JSON; nothing but the standard library.

    python3 - KEY_FILE CALLS_FILE

First as it is, then after the calls of CALLS_FILE ([{port, body}]) have been answered. Proportional memory (PSS) counts
a page that several processes share once in all: that of the fleet is what the fleet takes.
"""

import http.client
import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

KIB = 1024
UNIT = re.compile(r"/(a2a-mcp-[a-z_]+@\d+|nginx|redis[\w-]*|a2a-redis[\w-]*)\.service")


def resident():
    """Bytes of RSS and PSS by unit."""
    found = defaultdict(lambda: {"rss": 0, "pss": 0})
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                unit = UNIT.search((process / "cgroup").read_text())
                lines = (process / "smaps_rollup").read_text() if unit else ""
            except OSError:
                continue
            for name, size in re.findall(r"^(Rss|Pss): +(\d+)", lines, re.MULTILINE):
                found[unit[1]][name.lower()] += int(size) * KIB
    return found


def answer(port, key, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Host": "localhost",
        "X-API-Key": key,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    connection.request("POST", "/mcp", body=body, headers=headers)
    reply = connection.getresponse()
    status, pause = reply.status, float(reply.headers.get("Retry-After", 1))
    connection.close()
    return status, pause


def answered(port, key, body):
    """The status of a call; one over the client's budget is sent again when there is budget."""
    status, pause = answer(port, key, body)
    if status == 429:
        time.sleep(min(pause, 60))
        status, _ = answer(port, key, body)
    return status


def main(key_file, calls_file):
    key = Path(key_file).read_text().strip()
    before = resident()
    statuses = [answered(call["port"], key, call["body"]) for call in json.loads(Path(calls_file).read_text())]
    refused = sum(status != 200 for status in statuses)
    print(json.dumps({"before": before, "after": resident(), "calls": len(statuses), "refused": refused}))


main(*sys.argv[1:])

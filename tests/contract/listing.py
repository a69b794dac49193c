"""Prints every list that every service answers, to compare what two processes say: python -m tests.contract.listing."""

import sys
import tempfile
from pathlib import Path

import httpx

from app.a2a.mcp.core.registry import load_registry
from docs.live_fleet import LiveFleet, live_fleet

LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "contract", "version": "1"},
}


def answer(fleet: LiveFleet, service: str, method: str) -> httpx.Response:
    """One list request of the stateless revision, as it comes over the wire."""
    headers = fleet.headers() | {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META}}
    return httpx.post(fleet.url.format(service=service), json=body, headers=headers, timeout=60)


def main() -> None:
    """Write one line a list."""
    with tempfile.TemporaryDirectory() as directory, live_fleet(Path(directory)) as fleet:
        for service in load_registry():
            for method in LISTS:
                sys.stdout.write(f"{service.name} {method} {answer(fleet, service.name, method).text}\n")


if __name__ == "__main__":
    main()

"""What the fleet's probes found, summed by transport and version."""

import contextlib
from collections import defaultdict
from typing import Any

from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from app.a2a.mcp.core import Runtime
from app.a2a.mcp.errors import UnavailableError
from app.a2a.mcp.servers.transport_layer_probe import Probe

GROUP = "probes"
NONE, OTHER = "none", "other"


async def count_probe(runtime: Runtime, probe: Probe) -> None:
    """Add one probe; what cannot be counted now is not counted."""
    version = probe.agreed.version or NONE
    # The text of a version is the probed server's own, and would be a new field for each invention.
    known = version if version in (NONE, *KNOWN_PROTOCOL_VERSIONS) else OTHER
    place = f"{probe.agreed.transport or NONE}|{known}"
    latency = sum(step.latency_ms for step in probe.steps)
    sums = {"requests": 1.0, "errors": float(not probe.reachable), "latency_ms": latency}
    with contextlib.suppress(UnavailableError):
        await runtime.stores.tallies.add(GROUP, {f"{place}|{name}": amount for name, amount in sums.items()})


async def probe_stats(runtime: Runtime) -> list[dict[str, Any]]:
    """One row a transport and version; raises UnavailableError."""
    sums: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for field, amount in (await runtime.stores.tallies.read(GROUP)).items():
        transport, version, name = field.split("|")
        sums[transport, version][name] = amount
    return [
        {
            "transport": transport,
            "version": version,
            "requests": int(row["requests"]),
            "errors": int(row["errors"]),
            "mean_latency_ms": round(row["latency_ms"] / row["requests"], 3),
        }
        for (transport, version), row in sorted(sums.items())
    ]

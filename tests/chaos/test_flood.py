"""One client floods the fleet with refused calls: the journal grows by little, and holds everybody else's records."""

import json
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from app.a2a.mcp.core.settings import Settings
from tests.chaos.conftest import SERVICE, loading
from tests.fleet import ROOT, Fleet, until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]

FLOOD_SECONDS = 10.0
FEWEST = 3000
"""Refusals in a flood: several times what may be logged of them, so that a bound that does not hold shows."""

EDGE = yaml.safe_load((ROOT / "roles" / "a2a_edge_log" / "defaults" / "main.yml").read_text())
INSTANCE = Settings()
TOOL = "preprocess_text"


@dataclass(frozen=True)
class Flood:
    """What a flood of refusals was: times are the host's, in seconds since 1970."""

    refused: int
    began: float
    seconds: float
    meanwhile: list[str]
    disk_bytes: int

    def limit(self, burst: int, rate: float) -> float:
        """How many of its records a budget lets through; the last may begin within the second after it."""
        return burst + rate * (self.seconds + 1)


def disk_usage(fleet: Fleet) -> int:
    """Bytes of the journal's files that hold something."""
    return int(fleet.sh("journalctl --sync; du -cs --block-size=1 /var/log/journal | tail -n 1 | cut -f 1"))


@pytest.fixture(scope="module")
def flood(fleet: Fleet) -> Flood:
    """Ten seconds of calls with a key that nobody has, while another client calls now and then."""
    meanwhile, before = [], disk_usage(fleet)
    began = float(fleet.sh("date +%s.%N"))
    with loading(fleet, key=secrets.token_hex(20), connections=8) as load, fleet.http() as other:
        started = time.monotonic()
        while time.monotonic() - started < FLOOD_SECONDS or load.answered < FEWEST:
            assert time.monotonic() - started < 120, f"only {load.answered} refusals in two minutes"
            meanwhile.append(secrets.token_hex(8))
            other.headers["X-Request-ID"] = meanwhile[-1]
            assert fleet.call(other, SERVICE, TOOL, {"text": "The runners"}).status_code == 200
    seconds = float(fleet.sh("date +%s.%N")) - began
    assert load.failures["status 401"] == load.answered, load.failures
    return Flood(load.answered, began, seconds, meanwhile, disk_usage(fleet) - before)


def records(fleet: Fleet, flood: Flood, *matches: str) -> list[dict[str, Any]]:
    """What the journal has taken since the flood began."""
    find = f"journalctl -q --no-pager -o json --since=@{int(flood.began)} {' '.join(matches)} || true"
    lines = fleet.sh(find).splitlines()
    found = [json.loads(line) for line in lines]
    return [record for record in found if int(record["__REALTIME_TIMESTAMP"]) / 1e6 >= flood.began]


def test_a_flood_leaves_as_many_records_as_its_budget_allows(fleet: Fleet, flood: Flood) -> None:
    refused = records(fleet, flood, "STATUS=401")
    edge = [record for record in refused if record["SYSLOG_IDENTIFIER"] == "nginx_a2a"]
    size = sum(len(str(value)) for record in refused for value in record.values())
    sys.stdout.write(
        f"\n{flood.refused} refusals in {flood.seconds:.1f} s ({flood.refused / flood.seconds:.0f}/s): "
        f"{len(edge)} records of the edge, {len(refused) - len(edge)} of the instances, {size} bytes of fields; "
        f"the journal's files grew by {flood.disk_bytes} bytes\n"
    )
    burst, rate = EDGE["a2a_edge_log_refusals_burst"], EDGE["a2a_edge_log_refusals_per_second"]
    assert len(edge) <= flood.limit(burst, rate)
    instances = len(fleet.units(SERVICE))
    most = flood.limit(INSTANCE.mcp_log_refusals_burst, INSTANCE.mcp_log_refusals_per_second)
    assert len(refused) - len(edge) <= instances * most


def test_another_clients_calls_have_all_their_records(fleet: Fleet, flood: Flood) -> None:
    found: dict[str, set[str]] = {}
    for record in records(fleet, flood, "STATUS=200", f"MCP_SERVICE={SERVICE}"):
        found.setdefault(record.get("CORRELATION_ID", ""), set()).add(record["SYSLOG_IDENTIFIER"])
    assert flood.meanwhile
    missing = {one: found.get(one) for one in flood.meanwhile if len(found.get(one, ())) != 2}
    assert not missing, f"{len(missing)} of {len(flood.meanwhile)} calls lack the edge's record or the server's"


def test_another_address_may_still_be_refused_on_record(fleet: Fleet, flood: Flood) -> None:
    correlation_id = secrets.token_hex(8)
    asked = f"-H 'X-Request-ID: {correlation_id}' -H 'Content-Type: application/json' -X POST -d '{{}}'"
    # From the host itself, whose address has not flooded anything.
    status = fleet.sh(f"curl -sk -o /dev/null -w '%{{http_code}}' {asked} {fleet.url(SERVICE)}")
    assert status == "401"
    matches = (f"CORRELATION_ID={correlation_id}", "STATUS=401")
    until(lambda: len(records(fleet, flood, *matches)) == 2, 15, "the edge's record and the server's do not come")


def test_what_was_left_out_is_told_and_counted(fleet: Fleet, flood: Flood) -> None:
    def told(identifier: str) -> int:
        found = records(fleet, flood, f"SYSLOG_IDENTIFIER={identifier}")
        return sum(int(record.get("SUPPRESSED", 0)) for record in found)

    def logged(identifier: str) -> int:
        return len(records(fleet, flood, "STATUS=401", f"SYSLOG_IDENTIFIER={identifier}"))

    # Told every ten seconds; a budget that was used up before the flood may add refusals of others.
    server = f"a2a-mcp-{SERVICE}"
    until(lambda: told(server) + logged(server) >= flood.refused, 30, "the instances do not tell all they left out")
    until(lambda: told("a2a-edge-log") > 0, 30, "the edge does not tell what it left out")
    ports = [unit.split("@")[1].removesuffix(".service") for unit in fleet.units(SERVICE)]
    pages = "\n".join(fleet.sh(f"curl -s http://127.0.0.1:{port}/metrics") for port in ports).splitlines()
    counts = [line for line in pages if line.startswith("a2a_mcp_log_records_suppressed_total")]
    assert sum(float(line.split()[-1]) for line in counts) >= told(server) > 0

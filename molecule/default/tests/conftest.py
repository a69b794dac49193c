"""What the checks of a deployed host share: it is looked at over ssh and called as a client would call it.

Every check runs on each host of the scenario.
"""

import shlex

import pytest
from deployed import INSTANCES, Properties, Show
from testinfra.host import Host

from tests.fleet import Fleet


@pytest.fixture(scope="module")
def fleet(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The host as its clients see it."""
    name, addresses, certificate = host.check_output("hostname; hostname -I; cat /etc/ssl/certs/a2a.crt").split("\n", 2)
    authority = tmp_path_factory.mktemp("edge") / "ca.crt"
    authority.write_text(certificate)
    return Fleet(name, addresses.split()[0], authority)


@pytest.fixture(scope="module")
def show(host: Host) -> Show:
    """Properties of units in one call: `show("a.service", "b.service")["a.service"]["MainPID"]`."""

    def ask(*units: str) -> dict[str, Properties]:
        output = host.check_output(f"systemctl --no-pager show {shlex.join(units)}")
        blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in output.split("\n\n")]
        return {block["Id"]: block for block in blocks}

    return ask


@pytest.fixture(scope="module")
def instances(show: Show) -> dict[str, Properties]:
    """Every instance of the registry with the properties of its unit."""
    return show(*INSTANCES)


@pytest.fixture(scope="module")
def exposure(host: Host) -> dict[str, float]:
    """How exposed each unit is by `systemd-analyze security`: 0 is best, 10 worst."""
    lines = host.check_output("systemd-analyze --no-pager security").splitlines()[1:]
    table = [line.split() for line in lines]
    return {row[0]: float(row[1]) for row in table if len(row) > 1 and row[0].endswith(".service")}

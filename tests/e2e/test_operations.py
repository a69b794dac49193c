"""docs/operations.md is true: every command that it tells an operator to look with runs on the deployed host."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.fleet import Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def blocks() -> list[tuple[str, str]]:
    """Heading and commands of each block that is run on a host."""
    found, heading = [], ""
    for part in re.finditer(r"^#+ ([^\n]+)$|^( *)```bash\n(.*?)^ *```$", DOCUMENT.read_text(), re.M | re.S):
        heading = part[1] or heading
        if part[3]:
            found.append((heading, dedent(part[3])))
    return found


PREAMBLE, *BLOCKS = blocks()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[0])
def test_commands_of_the_operations_page_run_on_the_host(fleet: Fleet, block: tuple[str, str]) -> None:
    # A unit that is down is what some of them are for; none may need a terminal or ask anything.
    done = fleet.sh(f"set -eu\n{PREAMBLE[1]}\n{block[1]}", timeout=120)
    assert "Traceback" not in done and "command not found" not in done

"""Writes dashboards/*.json from boards/; `make dashboards` writes, a test compares."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.grafana.boards import edge, fleet, host, service, state

DASHBOARDS = Path(__file__).parent / "dashboards"
BOARDS = {module.BOARD.uid.removeprefix("a2a-"): module.BOARD for module in (fleet, service, edge, state, host)}


def files() -> dict[Path, str]:
    """Every dashboard's file and what it should hold."""
    return {
        DASHBOARDS / f"{name}.json": json.dumps(board.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, board in BOARDS.items()
    }


def main() -> int:
    """Write what differs, naming it."""
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(DASHBOARDS.parent)} written\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

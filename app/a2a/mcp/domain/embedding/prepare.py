"""`python -m app.a2a.mcp.domain.embedding.prepare DIRECTORY`: unpack the weights when a release is installed.

Releases are read-only to the account that runs them, so the installer does this once for all instances.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.a2a.mcp.domain.embedding import weights


def main(arguments: list[str]) -> int:
    """Unpack into the one directory named; print the folder made."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m app.a2a.mcp.domain.embedding.prepare DIRECTORY\n")
        return 2
    sys.stdout.write(f"{weights.prepare(Path(arguments[0]))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

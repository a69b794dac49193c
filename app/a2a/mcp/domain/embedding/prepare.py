"""`python -m app.a2a.mcp.domain.embedding.prepare [DIRECTORY]`: unpack the weights when a release is installed.

Releases are read-only to the account that runs them, so the installer does this once for all instances. Without
an argument the weights go into the virtual environment, where the servers look first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.a2a.mcp.domain.embedding import weights


def main(arguments: list[str]) -> int:
    """Unpack into the directory named or into the release; print the folder made."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("usage: python -m app.a2a.mcp.domain.embedding.prepare [DIRECTORY]\n")
        return 2
    target = Path(arguments[0]) if arguments else weights.RELEASE_DIRECTORY
    sys.stdout.write(f"{weights.prepare(target)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Parts of libraries that no server ever runs, kept out of its memory; imported before any of those libraries.

httpx offers a command line where rich and click are installed, as they are for ours: 3 MiB of colours and lexers in
each process. It takes their absence well.
"""

import sys
from types import ModuleType
from typing import cast

UNUSED = ("httpx._main",)


def leave_out() -> None:
    """Make importing the unused parts fail like that of a module that is not installed."""
    for name in UNUSED:
        sys.modules.setdefault(name, cast(ModuleType, None))


leave_out()

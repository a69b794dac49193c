"""How a server lives: what every menu gets for free. This face is all that a menu imports.

The names load on first use (PEP 562), so that the command line can read the registry without importing a server.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.a2a.mcp.core.call import Call
    from app.a2a.mcp.core.event_stream import COMMENT_SECONDS, EVENTS_PATH, EventStream
    from app.a2a.mcp.core.places import MAX_PER_CLIENT, MAX_PER_PROCESS, Places
    from app.a2a.mcp.core.runtime import Runtime
    from app.a2a.mcp.core.schemas import ToolInput, ToolOutput
    from app.a2a.mcp.core.script import run
    from app.a2a.mcp.core.server import Server
    from app.a2a.mcp.core.stores.streams import StreamLimits, StreamWrite

__all__ = [
    "COMMENT_SECONDS",
    "EVENTS_PATH",
    "MAX_PER_CLIENT",
    "MAX_PER_PROCESS",
    "Call",
    "EventStream",
    "Places",
    "Runtime",
    "Server",
    "StreamLimits",
    "StreamWrite",
    "ToolInput",
    "ToolOutput",
    "run",
]

# redis imports the SDK's metrics wherever they are installed and uses none: 40 ms and 2 MB a process.
# core/tracing.py lifts the ban when it wants the SDK.
sys.modules.setdefault("opentelemetry.sdk.metrics", None)  # type: ignore[arg-type]

# No name here may be that of a submodule: importing the submodule would put the module in its place.
_HOME = {
    "COMMENT_SECONDS": "event_stream",
    "EVENTS_PATH": "event_stream",
    "EventStream": "event_stream",
    "MAX_PER_CLIENT": "places",
    "MAX_PER_PROCESS": "places",
    "ToolInput": "schemas",
    "ToolOutput": "schemas",
    "run": "script",
    "StreamLimits": "stores.streams",
    "StreamWrite": "stores.streams",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, name.lower())}"), name)

"""Modules that uvicorn, httpx and anyio import when a worker starts, imported before the fork instead.

What the master has imported, both share; what a worker imports is its own, and importing writes to pages shared so far:
together 11 MiB of each instance. `tests/test_imports.py` finds what is missing here.
"""

from importlib import import_module

AT_START = (
    "anyio._backends._asyncio",
    "fastapi.telemetry._runtime",
    "httpcore._backends.anyio",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)

for name in AT_START:
    import_module(name)

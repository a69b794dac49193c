"""Which heavy libraries each server may load, in a fresh interpreter: what no tool of it needs, none of it keeps.

There are 27 always-on processes: a megabyte of an import is 27 on the host. What is loaded at the first use alone (z3,
stemmers) may be in none of them.
"""

import json
import os
import subprocess
import sys

import pytest

from app.a2a.mcp.core.registry import load_registry
from tests.test_architecture import MCP, PACKAGE, imports

NUMERIC = {"vectors", "embedding", "ranking", "text", "confidence", "reasoning", "standardize"}

NEEDED_BY: dict[str, set[str]] = {
    "numpy": NUMERIC,
    "annoy": {"vectors"},
    "sentencepiece": {"embedding"},
    "rapidfuzz": {"standardize", "text"},
    "jsonschema_rs": {"standardize"},
    "babel": {"standardize"},
    "pycountry": {"standardize"},
    "dateutil": {"standardize"},
    "phonenumbers": {"standardize"},
    "pint": {"standardize"},
    "stdnum": {"standardize"},
    "lark": {"reasoning"},
}
"""Library → the packages of `domain` it is for; a server that uses none of them must not load it."""

NEVER = {
    *("z3", "snowballstemmer", "sqlite3", "scipy", "sklearn", "pandas", "networkx", "nltk", "torch", "onnxruntime"),
    *("rich", "pygments", "typer", "tkinter", "matplotlib", "pytest", "hypothesis", "IPython"),
}

LOADED = """
import importlib, json, os, sys
import app.a2a.mcp.core.gunicorn_conf, app.a2a.mcp.core.asgi
importlib.import_module(f"app.a2a.mcp.servers.{os.environ['MCP_SERVICE']}_mcp_server")
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

STARTED = """
import asyncio, json, os, socket, sys
import app.a2a.mcp.core.gunicorn_conf, app.a2a.mcp.core.asgi, uvicorn
from app.a2a.mcp.core.drain import UVICORN_OPTIONS, DrainServer

async def serve(server, listener):
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
    answer = await reader.read()
    print(json.dumps([answer[:15].decode(), sorted(sys.modules.keys() - before)]), flush=True)
    os._exit(0)

application = app.a2a.mcp.core.asgi.build_application()
before = set(sys.modules)
config = uvicorn.Config(application, log_config=None, **UVICORN_OPTIONS)
server = DrainServer(config, application.state.runtime)
with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
    runner.run(serve(server, socket.create_server(("127.0.0.1", 0))))
"""


def uses(service: str) -> set[str]:
    """The packages of `domain` that the menu of a service and its parts name."""
    prefix = f"{PACKAGE}.domain."
    named = (name for path in MCP.glob(f"servers/{service}_*.py") for name in imports(path) if name.startswith(prefix))
    return {name.removeprefix(prefix).partition(".")[0] for name in named}


@pytest.mark.parametrize("service", load_registry().names)
def test_a_server_loads_only_what_its_tools_need(service: str) -> None:
    environ = os.environ | {"MCP_SERVICE": service}
    done = subprocess.run([sys.executable, "-c", LOADED], env=environ, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    used = uses(service)
    assert "mcp" in loaded
    assert not loaded & NEVER
    assert not {name for name, packages in NEEDED_BY.items() if name in loaded and not used & packages}


def test_a_worker_that_starts_and_answers_has_everything_imported_before_the_fork() -> None:
    environ = os.environ | {"MCP_SERVICE": "transport_layer"}
    done = subprocess.run([sys.executable, "-c", STARTED], env=environ, capture_output=True, text=True, check=True)
    answer, late = json.loads(done.stdout.splitlines()[-1])
    assert answer == "HTTP/1.1 200 OK"
    assert not late

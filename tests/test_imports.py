"""Which heavy libraries each server may load, in a fresh interpreter: what no tool of it needs, none of it keeps.

There are 27 always-on processes: a megabyte of an import is 27 on the host. What is loaded at the first use alone (z3)
is missing here as well.
"""

import json
import os
import subprocess
import sys

import pytest

from app.a2a.mcp.core.registry import load_registry

ALL = frozenset(load_registry().names)
VECTORS = {"vector_similarity", "vector_ranking", "semantic_similarity", "confidence_calculator", "reasoning_agent"}

NONE: frozenset[str] = frozenset()

MAY_LOAD: dict[str, frozenset[str] | set[str]] = {
    "numpy": VECTORS | {"data_standardization"},
    "annoy": {"vector_similarity"},
    "sentencepiece": {"vector_similarity", "semantic_similarity"},
    "snowballstemmer": NONE,
    "rapidfuzz": {"data_standardization", "semantic_similarity"},
    "jsonschema_rs": {"data_standardization"},
    "babel": {"data_standardization"},
    "pycountry": {"data_standardization"},
    "dateutil": {"data_standardization"},
    "phonenumbers": {"data_standardization"},
    "pint": {"data_standardization"},
    "stdnum": {"data_standardization"},
    "lark": {"reasoning_agent"},
    "z3": NONE,
    "sqlite3": NONE,
    **dict.fromkeys(("scipy", "sklearn", "pandas", "networkx", "nltk", "torch", "onnxruntime"), NONE),
    **dict.fromkeys(("rich", "pygments", "typer", "tkinter", "matplotlib", "pytest", "hypothesis", "IPython"), NONE),
}
"""Library → the services whose import may load it; the empty set: none."""

LOADED = """
import importlib, json, os, sys
import app.a2a.mcp.core.gunicorn_conf, app.a2a.mcp.core.asgi
importlib.import_module(f"app.a2a.mcp.servers.{os.environ['MCP_SERVICE']}_mcp_server")
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("service", sorted(ALL))
def test_a_server_loads_only_what_its_tools_need(service: str) -> None:
    environ = os.environ | {"MCP_SERVICE": service}
    done = subprocess.run([sys.executable, "-c", LOADED], env=environ, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not {name for name, services in MAY_LOAD.items() if name in loaded and service not in services}


def test_the_list_names_services_that_there_are() -> None:
    assert frozenset[str]().union(*MAY_LOAD.values()) <= ALL

"""The real command line over a fleet of a test's own: REGISTRY HOME SERVERS COMMAND…"""

import sys
from pathlib import Path

from app.a2a.mcp.core.registry import parse_registry
from app.a2a.mcp.manage.fleet import Fleet
from app.a2a.mcp.service_manager import main

registry, home, servers = (Path(argument) for argument in sys.argv[1:4])
fleet = Fleet(parse_registry(registry.read_text(), str(registry)), False, home, servers=servers)
sys.argv = ["a2a-mcp", *sys.argv[4:]]
main(lambda _production: fleet)

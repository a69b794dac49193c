"""Start one server as a script: `python app/a2a/mcp/servers/<name>_mcp_server.py`, from any folder."""

import sys
from typing import Any

import app.a2a.mcp.core.lean  # noqa: F401 - first: it keeps parts of the others out
from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.drain import serve
from app.a2a.mcp.core.logs import configure_logging
from app.a2a.mcp.core.server import Server
from app.a2a.mcp.core.settings import Settings, load_settings
from app.a2a.mcp.errors import ConfigurationError


def run(server: Server[Any]) -> None:
    """Serve until interrupted; a wrong setting ends the process with status 2 and a sentence that says the remedy."""
    try:
        settings = script_settings(server)
        configure_logging(settings)
        app = create_app(server, settings)
    except ConfigurationError as error:
        print(f"{server.name}: {error.message}", file=sys.stderr)  # noqa: T201 - logging may not be up yet
        raise SystemExit(2) from None
    serve(app, app.state.runtime)


def script_settings(server: Server[Any]) -> Settings:
    """The environment's settings, for this server."""
    settings = load_settings()
    if settings.mcp_service in ("", server.name):
        return settings.model_copy(update={"mcp_service": server.name})
    raise ConfigurationError(f"MCP_SERVICE is {settings.mcp_service}, but this script serves {server.name}")

"""The application of a unit: the server named by MCP_SERVICE, found through the registry."""

import importlib
import logging

from fastapi import FastAPI

from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.settings import load_settings
from app.a2a.mcp.errors import A2AError

log = logging.getLogger(__name__)


def build_application() -> FastAPI:
    """Import the menu and build its application; a wrong menu or setting ends the process with a sentence."""
    try:
        settings = load_settings()
        service = load_registry().get(settings.mcp_service)
        menu = importlib.import_module(service.module)
        return create_app(menu.server, settings)
    except A2AError as error:
        log.critical("cannot start: %s", error.message)
        raise SystemExit(f"cannot start: {error.message}") from None

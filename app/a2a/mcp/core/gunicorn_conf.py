"""gunicorn's configuration: `gunicorn -c python:app.a2a.mcp.core.gunicorn_conf`, everything from the settings."""

import gc
import math
import sys
from typing import Any

import app.a2a.mcp.core.lean
import app.a2a.mcp.core.preload  # noqa: F401 - before the fork; lean first: it keeps parts of the others out
from app.a2a.mcp.core.drain import KEEP_ALIVE_SECONDS
from app.a2a.mcp.core.logs import JournalLogger, configure_logging
from app.a2a.mcp.core.memory import give_back, prepare_allocator
from app.a2a.mcp.core.settings import load_settings, take_notify_socket
from app.a2a.mcp.core.worker import McpWorker
from app.a2a.mcp.errors import A2AError

# gunicorn would say READY=1 before any worker exists; core/watchdog.py says it when a worker answers.
take_notify_socket()

try:
    _settings = load_settings()
    _port = _settings.port
except A2AError as _error:
    sys.exit(f"cannot start: {_error.message}")
configure_logging(_settings)
prepare_allocator()
# Heavy work in threads holds the interpreter for one interval at a time; the event loop waits for one a busy thread.
sys.setswitchinterval(0.001)

_host = f"[{_settings.mcp_host}]" if ":" in _settings.mcp_host else _settings.mcp_host

wsgi_app = "app.a2a.mcp.core.asgi:build_application()"
proc_name = f"a2a-mcp-{_settings.mcp_service}-{_port}"
bind = [f"{_host}:{_port}"]
backlog = 512
workers = 1
worker_class = McpWorker
logger_class = JournalLogger
loglevel = _settings.mcp_log_level.lower()
accesslog = None
# Imported before the port is bound: a restarting instance refuses, and the proxy asks the next, instead of waiting.
preload_app = True
keepalive = KEEP_ALIVE_SECONDS
# Longer than the drain, shorter than the unit's TimeoutStopSec.
graceful_timeout = math.ceil(_settings.mcp_drain_seconds) + 4
# The second line behind the watchdog: longer than WatchdogSec.
timeout = 60
control_socket_disable = True
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn makes and unlinks its heartbeat file there, in memory


def pre_fork(_server: Any, _worker: Any) -> None:
    """Keep the preloaded pages shared between master and worker: the collector must not touch them."""
    gc.collect()
    give_back()
    gc.freeze()

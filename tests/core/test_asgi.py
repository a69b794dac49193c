"""A unit's process finds its menu through the registry, and gunicorn's settings follow the project's."""

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace

import pytest
from gunicorn.config import Config

from app.a2a.mcp.core.asgi import build_application
from app.a2a.mcp.core.logs import JournalLogger
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.worker import McpWorker
from tests.core.sample import build

SERVICE = load_registry().services[0]
Load = Callable[..., Config]


def test_the_menu_named_by_the_unit_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_SERVICE", SERVICE.name)
    monkeypatch.setitem(sys.modules, SERVICE.module, SimpleNamespace(server=build()))
    assert build_application().state.runtime.service.name == "sample"


def test_a_service_nobody_knows_ends_the_process_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MCP_SERVICE", "absent")
    with pytest.raises(SystemExit, match="no service is named 'absent'"):
        build_application()
    assert "no service is named 'absent'" in caplog.text


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """gunicorn's configuration as it is read in an environment."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    name = "app.a2a.mcp.core.gunicorn_conf"

    def load(**environ: str) -> Config:
        for key, value in environ.items():
            monkeypatch.setenv(key, value)
        sys.modules.pop(name, None)
        config = Config()
        for key, value in vars(importlib.import_module(name)).items():
            if key in config.settings:
                config.set(key, value)
        return config

    yield load
    sys.modules.pop(name, None)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_gunicorn_runs_one_preloaded_draining_worker_on_the_instances_port(load: Load) -> None:
    config = load(MCP_SERVICE=SERVICE.name, MCP_PORT="4321", MCP_DRAIN_SECONDS="7.5", MCP_LOG_LEVEL="WARNING")
    assert config.address == [("127.0.0.1", 4321)]
    assert (config.workers, config.preload_app) == (1, True)
    assert (config.worker_class, config.logger_class) == (McpWorker, JournalLogger)
    assert (config.proc_name, config.loglevel) == (f"a2a-mcp-{SERVICE.name}-4321", "warning")
    assert (config.accesslog, config.control_socket_disable) == (None, True)
    assert config.wsgi_app == "app.a2a.mcp.core.asgi:build_application()"


def test_gunicorn_waits_longer_than_the_drain_and_a_proxy_closes_before_it(load: Load) -> None:
    config = load(MCP_SERVICE=SERVICE.name, MCP_DRAIN_SECONDS="7.5")
    assert 8 < config.graceful_timeout < 20
    assert config.keepalive > 60
    assert config.timeout > config.graceful_timeout


def test_without_a_port_the_registrys_first_is_used_and_ipv6_is_bracketed(load: Load) -> None:
    config = load(MCP_SERVICE=SERVICE.name, MCP_HOST="::1")
    assert config.address == [("::1", SERVICE.port)]


def test_the_worker_is_forked_from_frozen_pages(load: Load) -> None:
    module: ModuleType = sys.modules["gc"]
    before = module.get_freeze_count()
    load(MCP_SERVICE=SERVICE.name).pre_fork(None, None)
    assert module.get_freeze_count() > before
    module.unfreeze()


def test_a_wrong_setting_ends_gunicorn_with_its_name(load: Load) -> None:
    with pytest.raises(SystemExit, match="RATE_LIMIT_WINDOW"):
        load(MCP_SERVICE=SERVICE.name, RATE_LIMIT_WINDOW="never")

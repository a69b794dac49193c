"""What all tests share: settings of their own, a real Redis, and an in-memory client of any server."""

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis

from app.a2a.mcp.core.settings import Settings

pytest_plugins = ["tests.fleet", "tests.node"]

# A busy machine must not fail a property by its clock; pytest-timeout bounds every test.
hypothesis.settings.register_profile("fleet", deadline=None)
hypothesis.settings.load_profile("fleet")

SECRET = "a-test-secret-of-more-than-32-characters"
REQUEST_STATE_KEY = "a-request-state-key-of-more-than-32-chars"


@pytest.fixture
def anyio_backend() -> str:
    """Async tests (`@pytest.mark.anyio`) run on asyncio, as the servers do."""
    return "asyncio"


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with real secrets and a state directory of the test's own; keywords override."""

    def make(**overrides: Any) -> Settings:
        values: dict[str, Any] = {
            "jwt_secret_key": SECRET,
            "mcp_request_state_keys": (REQUEST_STATE_KEY,),
            "mcp_state_directory": tmp_path / "state",
            "mcp_allowed_hosts": ("localhost", "127.0.0.1", "testserver"),
        }
        return Settings.model_validate(values | overrides)

    return make


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server on a unix socket, for the session; tests keep to key names of their own."""
    binary = shutil.which("redis-server")
    assert binary, "redis-server is missing: apt-get install redis-server (make test does)"
    directory = tmp_path_factory.mktemp("redis")
    socket = directory / "redis.sock"
    command = [binary, "--port", "0", "--unixsocket", str(socket), "--dir", str(directory), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            _await_redis(client)
        yield f"unix://{socket}"
        process.terminate()


def _await_redis(client: "redis.Redis") -> None:
    end = time.monotonic() + 10
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@pytest.fixture
def client_for(
    make_settings: Callable[..., Settings],
) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """`async with client_for(server, permissions={"read"}) as client`: the official client, in memory."""

    @asynccontextmanager
    async def connect(
        server: Any, permissions: frozenset[str] | set[str] = frozenset({"read", "write"}), **overrides: Any
    ) -> AsyncIterator[Any]:
        import mcp

        from app.a2a.mcp.core.binding import bind_server
        from app.a2a.mcp.core.call import Binding
        from app.a2a.mcp.core.request import Caller, RequestInfo, current_request
        from app.a2a.mcp.core.runtime import build_runtime

        client_id = overrides.pop("client_id", "tester")
        runtime = build_runtime(server.service, make_settings(**overrides))
        binding: Binding[Any] = Binding(runtime)
        info = RequestInfo("test-correlation-id", runtime.clock())
        info.caller = Caller(client_id, frozenset(permissions), "local")
        await runtime.start()
        token = current_request.set(info)
        try:
            async with asynccontextmanager(_state)(server, binding), mcp.Client(bind_server(server, binding)) as client:
                yield client
        finally:
            current_request.reset(token)
            await runtime.close()

    return connect


async def _state(server: Any, binding: Any) -> AsyncIterator[None]:
    if server.lifespan_factory is None:
        yield
        return
    async with server.lifespan_factory(binding.runtime) as state:
        binding.state = state
        yield

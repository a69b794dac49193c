"""What one process shares is wired together: every road to Redis leads through its breaker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.a2a.mcp.core.breaker import FAIL_MAX
from app.a2a.mcp.core.circuit_breaker import REDIS_BREAKER
from app.a2a.mcp.core.runtime import build_runtime
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.errors import UnavailableError
from tests.core.sample import SERVICE

pytestmark = pytest.mark.anyio


async def test_records_open_the_breaker_of_redis(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    runtime = build_runtime(SERVICE, make_settings(redis_url=f"unix://{tmp_path}/nobody.sock"))
    await runtime.start()
    try:
        for _ in range(FAIL_MAX):
            with pytest.raises(UnavailableError):
                await runtime.stores.records.meta("ann", "notes")
        assert runtime.breakers.states()[REDIS_BREAKER] == "open"
        with pytest.raises(UnavailableError, match="circuit breaker"):
            await runtime.stores.records.meta("ann", "notes")
    finally:
        await runtime.close()


async def test_draining_releases_each_holder_once(make_settings: Callable[..., Settings]) -> None:
    runtime = build_runtime(SERVICE, make_settings())
    released: list[str] = []
    runtime.on_drain.append(lambda: released.append("stream"))
    runtime.drain()
    runtime.drain()
    assert runtime.draining
    assert released == ["stream"]

"""What tests of menus share: asking a tool as a reader and getting its structured result."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.errors import UnavailableError
from tests.servers.asking import Ask

Asking = Callable[..., AbstractAsyncContextManager[Ask]]


@pytest.fixture
def asking(client_for: Callable[..., AbstractAsyncContextManager[Any]]) -> Asking:
    """`async with asking(server) as ask`, then `await ask(tool, **arguments)`: the result; `error=True` the refusal."""

    @asynccontextmanager
    async def connect(server: Any, **options: Any) -> AsyncIterator[Ask]:
        async with client_for(server, permissions={"read"}, **options) as client:
            yield Ask(client)

    return connect


@pytest.fixture
def sister_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other service refuses, as behind an open breaker."""

    async def call(self: Sisters, *_: object, **__: object) -> Any:
        raise UnavailableError("the breaker is open")

    monkeypatch.setattr(Sisters, "call", call)

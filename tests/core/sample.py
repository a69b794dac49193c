"""A small server for tests of `core`: one pure tool, one that writes, one that fails, one that is slow."""

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from pydantic import Field

from app.a2a.mcp.core import Call, Runtime, Server, ToolOutput
from app.a2a.mcp.core.registry import Service
from app.a2a.mcp.errors import NotFoundError

SERVICE = Service(name="sample", port=1025, tools=5, purpose="A sample for tests")


class Sum(ToolOutput):
    """A sum."""

    total: int
    note: str | None = None


class Who(ToolOutput):
    """Who called, as the tool sees it."""

    client_id: str
    correlation_id: str
    opened: str


def build() -> Server[str]:
    """A fresh menu; its state is the text that the lifespan opened."""
    server: Server[str] = Server("sample", service=SERVICE)

    async def open_state(runtime: Runtime) -> AsyncIterator[str]:
        yield f"opened for {runtime.service.name}"

    server.lifespan(open_state)

    @server.tool(examples=({"a": 1, "b": 2},))
    async def add(a: Annotated[int, Field(ge=0, le=1000)], b: int = 0) -> Sum:
        """Add two integers."""
        return Sum(total=a + b)

    @server.tool(writes=True, destructive=True)
    async def erase(name: str) -> Sum:
        """Erase something."""
        raise NotFoundError(f"nothing is named {name!r}")

    @server.tool()
    async def crash(secret: str) -> Sum:
        """Fail on our side."""
        raise RuntimeError(f"the secret is {secret}")

    @server.tool()
    async def wait(seconds: float) -> Sum:
        """Take long."""
        await anyio.sleep(seconds)
        return Sum(total=0)

    @server.tool()
    async def who(call: Call[str]) -> Who:
        """Say who calls."""
        return Who(client_id=call.caller.client_id, correlation_id=call.correlation_id, opened=call.state)

    @server.resource("sample://who")
    async def who_resource(call: Call[str]) -> dict[str, str]:
        return {"client_id": call.caller.client_id, "opened": call.state}

    @server.resource("sample://items/{name}")
    async def item(name: str) -> dict[str, str]:
        if name != "known":
            raise NotFoundError(f"no item is named {name!r}")
        return {"name": name}

    @server.prompt()
    async def advise(topic: str) -> str:
        """Advise on a topic."""
        return f"Advise on {topic}"

    return server

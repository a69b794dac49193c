"""The sample server as real processes run it, with tools that do what a broken one would."""

import threading
import time

import anyio
import anyio.to_thread
from fastapi import FastAPI
from mcp.server import MCPServer
from mcp.server.subscriptions import ToolsListChanged

from app.a2a.mcp.core import Server, ToolOutput
from app.a2a.mcp.core.app import create_app
from app.a2a.mcp.core.registry import Service
from app.a2a.mcp.core.settings import load_settings

SERVICE = Service(name="process", port=1026, tools=4, purpose="A sample for tests of processes")


class Done(ToolOutput):
    """It is done."""

    thread: str


def application() -> FastAPI:
    """Settings come from the environment, as in a unit."""
    server: Server[None] = Server("process", service=SERVICE)

    @server.tool()
    async def work(seconds: float) -> Done:
        """Wait as a call does that asks somebody else."""
        await anyio.sleep(seconds)
        return Done(thread=threading.current_thread().name)

    @server.tool()
    async def block(seconds: float) -> Done:
        """Hold the event loop."""
        time.sleep(seconds)  # noqa: ASYNC251 - that is the fault
        return Done(thread="")

    @server.tool()
    async def exhaust(seconds: float) -> Done:
        """Occupy every thread of the default pool."""
        limiter = anyio.to_thread.current_default_thread_limiter()
        async with anyio.create_task_group() as tasks:
            for _ in range(int(limiter.total_tokens)):
                tasks.start_soon(anyio.to_thread.run_sync, time.sleep, seconds)
        return Done(thread="")

    @server.tool(writes=True)
    async def announce() -> Done:
        """Tell subscribers that the tools changed."""
        await sdk[0]._subscriptions.publish(ToolsListChanged())
        return Done(thread="")

    sdk: list[MCPServer[None]] = []
    server.extend(sdk.append)
    return create_app(server, load_settings())

"""The steps of a probe, each timed, up to the first that makes the later ones pointless."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.a2a.mcp.errors import UnavailableError
from app.a2a.mcp.servers.transport_layer_negotiation import Agreed, Negotiation
from app.a2a.mcp.servers.transport_layer_wire import StepError, Target, Wire, connect, handshake

Guarded = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


@dataclass(slots=True)
class Step:
    """One check as it ended."""

    name: str
    ok: bool
    latency_ms: float
    reason: str | None
    detail: str


@dataclass(slots=True)
class Probe:
    """What was found so far; `guarded` runs the connection behind the service's breaker."""

    target: Target
    health_path: str
    token: str | None
    seconds: float
    trust: ssl.SSLContext
    guarded: Guarded
    steps: list[Step] = field(default_factory=list)
    tls: dict[str, Any] | None = None
    agreed: Agreed = field(default_factory=Agreed)
    tools: list[str] | None = None

    async def run(self, checks: Sequence[str], versions: Sequence[str]) -> None:
        """Every check that was asked for, in order."""
        wire = Wire(self.target, self.seconds, self.token, self.trust)
        talk = Negotiation(wire, self.target.path, versions)
        self.agreed = talk.agreed
        try:
            for name, step in (
                ("tcp", self._tcp),
                ("tls", self._tls),
                ("health", lambda: self._health(wire)),
                ("mcp", lambda: self._mcp(talk)),
                ("tools", lambda: self._tools(talk, "mcp" in checks)),
            ):
                if name in checks and not await self._timed(name, step) and name != "health":
                    return
        finally:
            await _quietly(talk.end)
            await wire.close()

    @property
    def reachable(self) -> bool:
        """Whether the server answered: only an unwell or closed one, or none, is not."""
        return bool(self.steps) and all(step.ok for step in self.steps if step.name != "health")

    async def _timed(self, name: str, step: Callable[[], Awaitable[str]]) -> bool:
        started = time.perf_counter()
        reason: str | None = None
        detail = ""
        try:
            detail = await step()
        except StepError as error:
            reason, detail = error.reason, str(error)
        except UnavailableError as error:
            reason, detail = "breaker_open", error.message
        except TimeoutError:
            reason = "timeout"
        except ConnectionRefusedError:
            reason = "connection_refused"
        except OSError as error:
            reason, detail = "unreachable", type(error).__name__
        latency = round((time.perf_counter() - started) * 1000, 3)
        self.steps.append(Step(name, reason is None, latency, reason, detail))
        return reason is None

    async def _tcp(self) -> str:
        async def open_and_close() -> None:
            async with asyncio.timeout(self.seconds):
                await connect(self.target)

        await self.guarded(open_and_close)
        return f"port {self.target.port}"

    async def _tls(self) -> str:
        async with asyncio.timeout(self.seconds):
            self.tls = await handshake(self.target, self.trust)
        return str(self.tls["version"])

    async def _health(self, wire: Wire) -> str:
        answer = await wire.ask("GET", self.health_path)
        if answer.status >= 400:
            raise StepError("unwell", f"HTTP {answer.status}")
        return f"HTTP {answer.status}"

    async def _mcp(self, talk: Negotiation) -> str:
        agreed = await talk.run()
        return f"{agreed.transport} {agreed.version}"

    async def _tools(self, talk: Negotiation, negotiated: bool) -> str:
        if not negotiated:
            await talk.run()
        if self.agreed.transport != "streamable_http":
            raise StepError("not_listed", "tools are listed over streamable HTTP only")
        self.tools = await talk.tools()
        return f"{len(self.tools)} tools"


async def _quietly(end: Callable[[], Awaitable[None]]) -> None:
    try:
        await end()
    except StepError:
        # The server forgets the session by itself; the probe has its answer.
        return

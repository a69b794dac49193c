"""What one server process shares, built once and passed to every layer."""

import asyncio
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import anyio.to_thread
from mcp.server.subscriptions import SubscriptionBus

from app.a2a.mcp.core.apart import ChildPool
from app.a2a.mcp.core.auth import Authenticator
from app.a2a.mcp.core.circuit_breaker import REDIS_BREAKER, Breakers
from app.a2a.mcp.core.memory import LargeCalls
from app.a2a.mcp.core.metrics import Metrics
from app.a2a.mcp.core.pool import WorkPool
from app.a2a.mcp.core.rate_limit import RateLimiter
from app.a2a.mcp.core.registry import Registry, Service, load_registry
from app.a2a.mcp.core.revocation import Revocations
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.core.subscriptions import count_listeners, open_bus, when_missed
from app.a2a.mcp.core.tracing import Tracing, open_tracing
from app.a2a.mcp.core.unit_metrics import FAILURES_DIRECTORY, UnitMetrics


def project_version() -> str:
    """The installed release's version, `0+source` in a tree that was never installed."""
    try:
        return version("a2a-mcp")
    except PackageNotFoundError:
        return "0+source"


def deployed_release() -> str:
    """The name of the release directory this interpreter was started from, `source` outside of one."""
    home = Path(sys.prefix).resolve().parent
    return home.name if home.parent.name == "releases" else "source"


@dataclass(slots=True)
class Runtime:
    """The process: `clock` is monotonic seconds; `started` and `draining` are what readiness tells."""

    service: Service
    registry: Registry
    settings: Settings
    metrics: Metrics
    stores: Stores
    breakers: Breakers
    limiter: RateLimiter
    authenticator: Authenticator
    revocations: Revocations
    sisters: Sisters
    pool: WorkPool
    children: ChildPool
    large: LargeCalls
    bus: SubscriptionBus
    tracing: Tracing | None = None
    clock: Callable[[], float] = time.monotonic
    version: str = field(default_factory=project_version)
    release: str = field(default_factory=deployed_release)
    python: str = field(default_factory=platform.python_version)
    started_at: float = field(default_factory=time.time)
    started: bool = False
    draining: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by `drain`: what holds a client lets it go."""

    on_drain: list[Callable[[], None]] = field(default_factory=list)

    def subscribers(self) -> int:
        """How many listen to the bus in this process."""
        return count_listeners(self.bus)

    def when_missed(self, act: Callable[[], None]) -> Callable[[], None]:
        """Do `act` each time changes told by other instances may have been missed; the callable returned ends that."""
        return when_missed(self.bus, act)

    def drain(self) -> None:
        """Stop being ready and tell what holds a client (streams, long polls) to let go; open calls go on."""
        if not self.draining:
            self.draining = True
            self.released.set()
            for release in self.on_drain:
                release()

    async def start(self) -> None:
        """Open what must not cross a fork: connections, pools, background tasks."""
        if self.tracing is not None:
            self.tracing.start()
        await self.stores.start()
        await self.revocations.start()
        await self.breakers.start()
        await self.sisters.start()

    async def close(self) -> None:
        """Close what `start` opened, in reverse."""
        self.pool.close()
        await asyncio.to_thread(self.children.close)
        await self.sisters.close()
        await self.breakers.close()
        await self.revocations.close()
        await self.stores.close()
        if self.tracing is not None:
            await anyio.to_thread.run_sync(self.tracing.close)


def build_runtime(service: Service, settings: Settings, registry: Registry | None = None) -> Runtime:
    """Everything a process of that service shares; nothing is connected until `start`."""
    registry = registry or load_registry()
    metrics = Metrics(service.name)
    port = settings.mcp_port or service.port
    failures = settings.mcp_state_directory.parent / FAILURES_DIRECTORY
    metrics.registry.register(UnitMetrics(service.name, failures, port))
    stores = Stores.open(settings, metrics)
    breakers = Breakers(service.name, stores, metrics)
    stores.guard = breakers.get(REDIS_BREAKER).call if stores.kind == "redis" else stores.guard
    authenticator = Authenticator(settings, service=service.name)
    return Runtime(
        service=service,
        registry=registry,
        settings=settings,
        metrics=metrics,
        stores=stores,
        breakers=breakers,
        limiter=RateLimiter(settings, registry.instances, stores, breakers, metrics),
        authenticator=authenticator,
        revocations=Revocations(stores),
        sisters=Sisters(service.name, settings, registry, breakers, authenticator),
        pool=WorkPool(settings.mcp_worker_threads),
        children=ChildPool(),
        large=LargeCalls(),
        bus=open_bus(service.name, settings, stores),
        tracing=open_tracing(settings, service.name, project_version(), metrics),
    )

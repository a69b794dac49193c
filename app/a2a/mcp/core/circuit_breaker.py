"""The circuit breakers of a process, one around each dependency, and what instances learn from each other.

pybreaker's own Redis storage blocks; here every state is kept in this process and mirrored (core/breaker_mirror.py),
so that no call ever waits for Redis to ask about a state.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from app.a2a.mcp.core.breaker import FAULTS, RESET_SECONDS, Breaker
from app.a2a.mcp.core.breaker_mirror import BreakerMirror, State
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.core.tasks import end
from app.a2a.mcp.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.core.metrics import Metrics

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
"""How often instances exchange states: one pipeline a second each, and a tenth of RESET_SECONDS."""

REDIS_BREAKER = "redis"
"""The breaker around Redis itself; its state is this process's own, for it cannot be shared through Redis."""


class Breakers:
    """The breakers of one process, one for each dependency; `clock` is monotonic seconds.

    With Redis, what one instance finds reaches the others of its service within `FOLLOW_SECONDS`. Each instance
    makes its own single trial: the first to succeed closes the breaker for all.
    """

    def __init__(
        self, service: str, stores: Stores, metrics: "Metrics", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._stores = stores
        self._mirror = BreakerMirror(service, stores, RESET_SECONDS)
        self._breakers: dict[str, Breaker] = {}
        self._announced: dict[str, State] = {}
        self._following = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if stores.kind == "redis":
            self.get(REDIS_BREAKER)

    def get(self, name: str) -> Breaker:
        """The breaker of that name, made when first asked for; names come from code, never from a caller."""
        breaker = self._breakers.get(name)
        if breaker is None:
            breaker = self._breakers[name] = Breaker(name, self._clock, self._changed)
            self._announced[name] = "closed"
            self._metrics.breaker_state(name, "closed")
        return breaker

    def states(self) -> dict[str, State]:
        """The state of every breaker, by name."""
        return {name: self._breakers[name].state for name in sorted(self._breakers)}

    async def reset(self, name: str | None = None) -> list[str]:
        """Close one breaker or all, here and on the service's other instances; raises NotFoundError."""
        if name is not None and name not in self._breakers:
            known = ", ".join(sorted(self._breakers)) or "none yet"
            raise NotFoundError(f"no circuit breaker has that name; there are: {known}")
        names = sorted(self._breakers) if name is None else [name]
        for each in names:
            self._breakers[each].reset()
            self._publish(each)
        # Where Redis is away, the background task tells the others when it is back.
        with suppress(*FAULTS, UnavailableError):
            await self.synchronize()
        return names

    async def start(self) -> None:
        """Begin to exchange states with the other instances."""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._keep_following(), name="circuit breakers")

    async def close(self) -> None:
        """Stop exchanging."""
        if self._task is not None:
            task, self._task = self._task, None
            await end(task)

    async def synchronize(self) -> None:
        """Tell Redis what was found here and take over what others found; does nothing without Redis."""
        for name, breaker in self._breakers.items():
            self._metrics.breaker_state(name, breaker.state)
        names = [name for name in self._breakers if name != REDIS_BREAKER]
        if self._stores.kind == "memory" or not names:
            return
        own = {name: (self._breakers[name].state, self._breakers[name].open_seconds) for name in names}
        news = await self.get(REDIS_BREAKER).call(self._mirror.exchange, own)
        self._following = True
        try:
            for name, (state, open_seconds) in news.items():
                self._breakers[name].follow(state, open_seconds)
        finally:
            self._following = False

    async def _keep_following(self) -> None:
        while True:
            try:
                await self.synchronize()
            except (*FAULTS, UnavailableError):
                log.debug("circuit breaker states were not exchanged: Redis is away")
            except Exception:
                log.exception("circuit breaker states were not exchanged")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), FOLLOW_SECONDS)
            self._wake.clear()

    def _changed(self, name: str, state: State) -> None:
        self._metrics.breaker_state(name, state)
        self._publish(name)
        # A failed trial opens an open breaker again: no news for a reader of the log.
        if self._announced[name] != state:
            self._announced[name] = state
            log.warning("circuit breaker %s is %s", name, state, extra={"BREAKER": name, "BREAKER_STATE": state})

    def _publish(self, name: str) -> None:
        if name != REDIS_BREAKER and not self._following:
            self._mirror.publish(name)
            self._wake.set()

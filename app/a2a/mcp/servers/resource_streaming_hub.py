"""Who waits for which resource in this process: long polls and event streams, woken by the bus, without a thread."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from mcp.shared.subscriptions import ResourceUpdated, ServerEvent

from app.a2a.mcp.errors import LimitExceededError

MAX_PER_CLIENT = 32
MAX_PER_PROCESS = 256
POLL_SECONDS = 1.0
"""How long a waiter trusts the bus: a notice lost with a connection to Redis costs at most this."""


class Waiter:
    """One that waits; `wake` is set when something may have changed."""

    def __init__(self, uris: Iterable[str]) -> None:
        self.uris = tuple(uris)
        self.wake = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until woken, and at most so long; the next wait begins afresh."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), min(seconds, POLL_SECONDS))
        self.wake.clear()


class Hub:
    """The waiters of a process."""

    def __init__(self) -> None:
        self.released = False
        self.streams: Counter[str] = Counter()
        self._waiters: set[Waiter] = set()
        self._by_client: Counter[str] = Counter()

    def heard(self, event: ServerEvent) -> None:
        """What the bus tells."""
        if isinstance(event, ResourceUpdated):
            for waiter in self._waiters:
                if event.uri in waiter.uris:
                    waiter.wake.set()

    def release(self) -> None:
        """Let everybody go: the process drains."""
        self.released = True
        for waiter in self._waiters:
            waiter.wake.set()

    def waiting(self, client_id: str | None = None) -> int:
        """How many wait, of one client or of all."""
        return len(self._waiters) if client_id is None else self._by_client[client_id]

    @contextlib.contextmanager
    def waiter(self, client_id: str, uris: Iterable[str]) -> Iterator[Waiter]:
        """A place to wait; raises LimitExceededError where there is none left."""
        if self._by_client[client_id] >= MAX_PER_CLIENT or len(self._waiters) >= MAX_PER_PROCESS:
            raise LimitExceededError(
                f"{MAX_PER_CLIENT} calls of a client and {MAX_PER_PROCESS} of all may wait on an instance: try again"
            )
        waiter = Waiter(uris)
        self._waiters.add(waiter)
        self._by_client[client_id] += 1
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            self._by_client[client_id] -= 1
            self._by_client += Counter()

"""Who waits for which resource in this process: long polls and event streams, woken by the bus, without a thread."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from mcp.shared.subscriptions import ResourceUpdated, ServerEvent

from app.a2a.mcp.core import Places

POLL_SECONDS = 5.0
"""How long a waiter trusts the bus, which tells of its own losses: what ends by its time alone is noticed so."""


READERS = 8
"""How many read at a time: an event wakes all that follow it, and hundreds of questions at once outlast their time."""


class Waiter:
    """One that waits; `wake` is set when something may have changed."""

    def __init__(self, uris: Iterable[str]) -> None:
        self.uris = tuple(uris)
        self.wake = asyncio.Event()

    async def wait(self, seconds: float, *ends: asyncio.Event) -> None:
        """Until woken or at an end, and at most so long; the next wait begins afresh."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.wake, *ends)]
        try:
            await asyncio.wait(waits, timeout=min(seconds, POLL_SECONDS), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.wake.clear()


class Hub:
    """The waiters of a process."""

    def __init__(self) -> None:
        self.released = False
        self.reading = asyncio.Semaphore(READERS)
        self.streams: Counter[str] = Counter()
        self._places = Places()
        self._waiters: set[Waiter] = set()

    def heard(self, event: ServerEvent) -> None:
        """What the bus tells."""
        if isinstance(event, ResourceUpdated):
            for waiter in self._waiters:
                if event.uri in waiter.uris:
                    waiter.wake.set()

    def look(self) -> None:
        """Let everybody look: some may not have been told."""
        for waiter in self._waiters:
            waiter.wake.set()

    def release(self) -> None:
        """Let everybody go: the process drains."""
        self.released = True
        self.look()

    def waiting(self, client_id: str | None = None) -> int:
        """How many wait, of one client or of all."""
        return self._places.taken(client_id)

    @contextlib.contextmanager
    def waiter(self, client_id: str, uris: Iterable[str]) -> Iterator[Waiter]:
        """A place to wait; raises RateLimitedError where there is none left."""
        with self._places.one(client_id):
            waiter = Waiter(uris)
            self._waiters.add(waiter)
            try:
                yield waiter
            finally:
                self._waiters.discard(waiter)

    @contextlib.contextmanager
    def stream(self, client_id: str, uri: str) -> Iterator[Waiter]:
        """The place of an event stream, which is counted by its resource."""
        with self.waiter(client_id, [uri]) as waiter:
            self.streams[uri] += 1
            try:
                yield waiter
            finally:
                self.streams[uri] -= 1
                self.streams += Counter()

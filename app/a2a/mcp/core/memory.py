"""What keeps an instance under its memory limit: few large calls at a time, and freed pages given back to the system.

Python and the allocator keep what they freed for the next large call; without giving it back a process would stay as
large as its largest moment for good.
"""

import asyncio
import ctypes
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ADMITTED_BYTES = 8 * 1024 * 1024
"""Of large bodies worked on at a time; a body becomes some ten times as much in values, results and copies."""

M_ARENA_MAX = -8
ARENAS = 2
TRIM_SECONDS = 1.0

_C = ctypes.CDLL(None)


def prepare_allocator() -> None:
    """Let all threads share two heaps (mallopt(3)): each of its own would keep the most that one call ever took."""
    if hasattr(_C, "mallopt"):
        _C.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return free pages to the system (malloc_trim(3)); takes milliseconds, and frees the interpreter meanwhile."""
    if hasattr(_C, "malloc_trim"):
        _C.malloc_trim(0)


class LargeCalls:
    """The large calls of a process, admitted in order of arrival while their bodies fit `ADMITTED_BYTES` together."""

    def __init__(self, capacity: int = ADMITTED_BYTES) -> None:
        self._capacity = capacity
        self._admitted = 0
        self._waiting: deque[tuple[int, asyncio.Event]] = deque()
        self._trimmed = 0.0

    @asynccontextmanager
    async def admitted(self, size: int) -> AsyncIterator[None]:
        """Wait for room for a body of that many bytes, and give it back afterwards. Bound the wait yourself."""
        size = min(size, self._capacity)
        if self._waiting or self._admitted + size > self._capacity:
            await self._wait(size)
        else:
            self._admitted += size
        try:
            yield
        finally:
            self._admitted -= size
            self._admit()
            self._give_back()

    async def _wait(self, size: int) -> None:
        turn = (size, asyncio.Event())
        self._waiting.append(turn)
        try:
            await turn[1].wait()
        except BaseException:
            if turn[1].is_set():
                self._admitted -= size
            else:
                self._waiting.remove(turn)
            self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting and self._admitted + self._waiting[0][0] <= self._capacity:
            size, event = self._waiting.popleft()
            self._admitted += size
            event.set()

    def _give_back(self) -> None:
        """Give back in a thread, soon: first the answer is to be written."""
        now = time.monotonic()
        if now - self._trimmed > TRIM_SECONDS:
            self._trimmed = now
            loop = asyncio.get_running_loop()
            loop.call_later(TRIM_SECONDS / 2, loop.run_in_executor, None, give_back)

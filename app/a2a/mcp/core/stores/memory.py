"""The stores of a process that runs alone: the `limits` library's sliding window counter, in bounded memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.a2a.mcp.core.stores.rates import Window

MAX_CLIENTS = 20_000
"""Clients remembered at a time, about 5 MiB; beyond it the one that called least recently starts afresh."""


@dataclass(slots=True)
class _Counters:
    window: int
    previous: int = 0
    current: int = 0


class BoundedStorage(MemoryStorage):
    """limits' storage in memory, with two counters a client, a bound, and a clock that can be passed in.

    The library's own sweeps every key on every call and keeps as many clients as come.
    """

    def __init__(self, clock: Callable[[], float], max_clients: int) -> None:
        super().__init__()
        self._clock = clock
        self._max_clients = max_clients
        self._clients: OrderedDict[str, _Counters] = OrderedDict()

    def __len__(self) -> int:
        return len(self._clients)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` calls if the weighted count allows them."""
        counters, weight, _ = self._at(key, expiry)
        if int(counters.previous * weight) + counters.current + amount > limit:
            return False
        counters.current += amount
        self._clients[key] = counters
        self._clients.move_to_end(key)
        if len(self._clients) > self._max_clients:
            self._clients.popitem(last=False)
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """(previous count, its seconds left, current count, its seconds left until it no longer weighs)."""
        counters, weight, left = self._at(key, expiry)
        return counters.previous, left if weight else 0.0, counters.current, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the client."""
        self._clients.pop(key, None)

    def _at(self, key: str, length: int) -> tuple[_Counters, float, float]:
        """The key's counters moved on to the present, the previous window's weight, and the seconds left in this."""
        window, into = divmod(self._clock(), length)
        left = length - into
        known = self._clients.get(key, _Counters(int(window)))
        passed = int(window) - known.window
        if passed == 1:
            known = _Counters(int(window), previous=known.current)
        elif passed:
            known = _Counters(int(window))
        return known, left / length if known.previous else 0.0, left


class MemoryRateStore:
    """A rate store for one process; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_clients: int = MAX_CLIENTS) -> None:
        self._storage = BoundedStorage(clock, max_clients)
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)

    def __len__(self) -> int:
        return len(self._storage)

    async def take(self, client: str, limit: int, length: int) -> Window:
        """Count one call; nothing here waits, so two calls cannot take the same last place."""
        item = RateLimitItemPerSecond(limit, length)
        allowed = await self._strategy.hit(item, client)
        window = await self._storage.get_sliding_window(item.key_for(client), length)
        previous, previous_left, current, current_left = window
        return Window(allowed, previous, previous_left, current, max(0.0, current_left - length))

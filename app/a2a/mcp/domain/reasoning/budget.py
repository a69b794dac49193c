"""The time one call may think, and the exception that says it was not enough: an answer is then "unknown"."""

import time
from collections.abc import Callable
from typing import TypeVar

from app.a2a.mcp.abandonment import checkpoint

ResultT = TypeVar("ResultT")


class UndecidedError(Exception):
    """The question was not decided; `reason` says why. It never reaches a caller as an error or as a "no"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Budget:
    """`timeout_ms` from now on; `clock` is monotonic seconds."""

    def __init__(self, timeout_ms: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._seconds = timeout_ms / 1000

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the start."""
        return (self._clock() - self._started) * 1000

    def left_ms(self) -> int:
        """Whole milliseconds left, at least 1; raises UndecidedError when there are none, or nobody waits any more."""
        checkpoint()
        left = self._seconds - (self._clock() - self._started)
        if left <= 0:
            raise UndecidedError("timeout")
        return max(1, int(left * 1000))

    def uncounted(self, work: Callable[[], ResultT]) -> ResultT:
        """Do what the process needs once and a caller should not pay for, such as loading a library."""
        began = self._clock()
        result = work()
        self._started += self._clock() - began
        return result

    def check(self) -> None:
        """Raise UndecidedError when the time is up."""
        self.left_ms()

"""Whether anybody still waits for the work of this thread: set by `core` when a call is over, asked by `domain`.

Beside the rooms, like errors.py, because both need it. A thread cannot be stopped from outside; it stops itself here.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

ItemT = TypeVar("ItemT")


class AbandonedError(Exception):
    """Nobody waits for the result any more; it ends the work and reaches no caller."""


class Abandonment:
    """A flag for one piece of work, and what is to be interrupted when it is raised."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raised = False
        self._interrupts: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return self._raised

    def declare(self) -> None:
        """Say that nobody waits; interrupts what asked to be."""
        with self._lock:
            self._raised = True
            for interrupt in self._interrupts:
                interrupt()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called, from another thread, if the work inside the block is abandoned."""
        with self._lock:
            if self._raised:
                raise AbandonedError
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)


current_abandonment: ContextVar[Abandonment | None] = ContextVar("a2a_current_abandonment", default=None)


def checkpoint() -> None:
    """End this thread's work if nobody waits for it; for loops that may run for longer than a moment."""
    if current_abandonment.get():
        raise AbandonedError


@contextmanager
def interruptible(interrupt: Callable[[], None]) -> Iterator[None]:
    """For a long call into a library that can be interrupted from another thread."""
    abandonment = current_abandonment.get()
    if abandonment is None:
        yield
    else:
        with abandonment.interrupting(interrupt):
            yield
    checkpoint()


def attended(items: Iterable[ItemT]) -> Iterator[ItemT]:
    """The items, with a checkpoint before each."""
    for item in items:
        checkpoint()
        yield item

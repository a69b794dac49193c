"""Whether anybody still waits for the work of this thread: set by `core` when a call is over, asked by `domain`.

Beside the rooms, like errors.py, because both need it. A thread cannot be stopped from outside; it stops itself here.
"""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

ItemT = TypeVar("ItemT")


class AbandonedError(Exception):
    """Nobody waits for the result any more; it ends the work and reaches no caller."""


class Abandonment:
    """A flag for one piece of work."""

    def __init__(self) -> None:
        self._raised = False

    def __bool__(self) -> bool:
        return self._raised

    def declare(self) -> None:
        """Say that nobody waits."""
        self._raised = True


current_abandonment: ContextVar[Abandonment | None] = ContextVar("a2a_current_abandonment", default=None)


def checkpoint() -> None:
    """End this thread's work if nobody waits for it; for loops that may run for longer than a moment."""
    if current_abandonment.get():
        raise AbandonedError


def attended(items: Iterable[ItemT]) -> Iterator[ItemT]:
    """The items, with a checkpoint before each."""
    for item in items:
        checkpoint()
        yield item

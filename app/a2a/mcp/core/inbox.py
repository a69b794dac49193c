"""What one stream has yet to tell: each change once, for a change that is told late is told with all that followed."""

import asyncio
import contextlib
from collections.abc import Callable

from mcp.shared.subscriptions import ServerEvent

MAX_WAITING = 1024


class Inbox:
    """Takes the events that `wanted` lets through; `missed` is set when some may be lacking."""

    def __init__(self, wanted: Callable[[ServerEvent], bool]) -> None:
        self.missed = False
        self._wanted = wanted
        self._waiting: dict[ServerEvent, None] = {}
        self._wake = asyncio.Event()

    def put(self, event: ServerEvent) -> None:
        """Keep the event; where too many wait, remember only that much has changed."""
        if not self._wanted(event):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            self.miss()
        self._waiting[event] = None
        self._wake.set()

    def miss(self) -> None:
        """Some events did not come."""
        self.missed = True
        self._wake.set()

    async def next(self, seconds: float) -> ServerEvent | None:
        """The oldest event, or None after `seconds` or when some were missed."""
        if not self._waiting and not self.missed:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)
        if not self._waiting:
            return None
        event = next(iter(self._waiting))
        del self._waiting[event]
        return event

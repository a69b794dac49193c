"""Clients of the handshake era that want to be told of changes: what each follows, and which stream tells it.

A subscriber is known by its owner and the digest of its id, and forgotten a day after it was last heard of.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.a2a.mcp.errors import LimitExceededError

LIFE_SECONDS = 24 * 3600
MAX_SUBSCRIBERS = 256
"""Of one owner; one more pushes out the one longest silent, for many clients never say that they go."""

MAX_URIS = 256
"""Of one subscriber."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stream takes over: the subscriptions, and whether a stream before it may have missed something."""

    uris: tuple[str, ...]
    again: bool


class SubscriberStore(Protocol):
    """Every method raises UnavailableError when the store cannot be reached."""

    async def add(self, owner: str, subscriber: str) -> None:
        """Know a new subscriber."""

    async def subscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        """Tell it of the resource; false if it is not known; raises LimitExceededError beyond MAX_URIS."""

    async def unsubscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        """Tell it no more; false if it is not known."""

    async def take(self, owner: str, subscriber: str, stream: str) -> Taken | None:
        """Make `stream` the one that tells it; None if it is not known."""

    async def look(self, owner: str, subscriber: str, uri: str = "") -> tuple[str, bool] | None:
        """(the stream that tells it, whether it follows the resource); None if it is not known."""

    async def remove(self, owner: str, subscriber: str) -> bool:
        """Forget it; false if it was not known."""


def refuse_more() -> LimitExceededError:
    """The error for one subscription too many."""
    return LimitExceededError.at("/uri", f"one session may follow {MAX_URIS} resources: unsubscribe from some")


@dataclass(slots=True)
class _Subscriber:
    until: float
    stream: str = ""
    uris: dict[str, None] = field(default_factory=dict)


class MemorySubscriberStore:
    """The subscribers of one process, gone with it; `clock` gives Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._owners: dict[str, OrderedDict[str, _Subscriber]] = {}

    async def add(self, owner: str, subscriber: str) -> None:
        known = self._owners.setdefault(owner, OrderedDict())
        known[subscriber] = _Subscriber(self._clock() + LIFE_SECONDS)
        while len(known) > MAX_SUBSCRIBERS:
            known.popitem(last=False)

    async def subscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        found = self._heard(owner, subscriber)
        if found is None:
            return False
        if uri not in found.uris and len(found.uris) >= MAX_URIS:
            raise refuse_more()
        found.uris[uri] = None
        return True

    async def unsubscribe(self, owner: str, subscriber: str, uri: str) -> bool:
        found = self._heard(owner, subscriber)
        if found is not None:
            found.uris.pop(uri, None)
        return found is not None

    async def take(self, owner: str, subscriber: str, stream: str) -> Taken | None:
        found = self._heard(owner, subscriber)
        if found is None:
            return None
        before, found.stream = found.stream, stream
        return Taken(tuple(found.uris), again=bool(before))

    async def look(self, owner: str, subscriber: str, uri: str = "") -> tuple[str, bool] | None:
        found = self._heard(owner, subscriber)
        return None if found is None else (found.stream, uri in found.uris)

    async def remove(self, owner: str, subscriber: str) -> bool:
        return self._owners.get(owner, OrderedDict()).pop(subscriber, None) is not None

    def _heard(self, owner: str, subscriber: str) -> _Subscriber | None:
        known, now = self._owners.get(owner, OrderedDict()), self._clock()
        found = known.get(subscriber)
        if found is None or found.until <= now:
            known.pop(subscriber, None)
            return None
        found.until = now + LIFE_SECONDS
        known.move_to_end(subscriber)
        return found

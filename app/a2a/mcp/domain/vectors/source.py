"""What a collection needs from the store that keeps its records: a structural protocol, passed in, and its writes.

The store lives in another room; these are the shapes this room relies on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One atomic write and the limits of its owner, over all their collections.

    `attributes` are those of a new collection and must equal those of an existing one; None asks nothing.
    """

    puts: Sequence[tuple[str, bytes]] = ()
    deletes: Sequence[str] = ()
    attributes: str | None = None
    create: bool = False
    replace: bool = False
    expected_version: int | None = None
    max_collections: int
    max_records: int


class Meta(Protocol):
    """A collection as the store knows it; `epoch` changes when a name is dropped and made again."""

    @property
    def epoch(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def attributes(self) -> str: ...


class Applied(Protocol):
    """What a write did."""

    @property
    def version(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def inserted(self) -> int: ...
    @property
    def updated(self) -> int: ...
    @property
    def deleted(self) -> int: ...


class Change(Protocol):
    """A record's present value, None when it was deleted."""

    @property
    def id(self) -> str: ...
    @property
    def value(self) -> bytes | None: ...


class ChangePage(Protocol):
    """Changes up to `version`; with `resync` everything must be read anew."""

    @property
    def version(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    @property
    def resync(self) -> bool: ...
    @property
    def changes(self) -> Sequence[Change]: ...


class RecordSource(Protocol):
    """The reading side of the store, as collections use it."""

    async def meta(self, owner: str, name: str) -> Meta | None: ...
    async def names(self, owner: str) -> list[str]: ...
    async def get_many(self, owner: str, name: str, ids: Sequence[str]) -> dict[str, bytes]: ...
    async def changes(self, owner: str, name: str, epoch: str, since: int) -> ChangePage: ...
    def snapshot(self, owner: str, name: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]: ...


class RecordKeeper(RecordSource, Protocol):
    """The store as a whole: `apply` is one atomic write that is durable when it returns."""

    async def apply(self, owner: str, name: str, write: Write) -> Applied: ...

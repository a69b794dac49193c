"""One page of a log from a cursor: filtered, bounded in events and bytes, honest about what was trimmed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.a2a.mcp.errors import InvalidArgumentError

PAGE = 50
MAX_PAGE_BYTES = 2 * 1024 * 1024
"""Events of 64 KiB each, 500 at a time, would be 32 MiB of one answer."""

_ID = re.compile(r"\d{1,15}(-\d{1,15})?")


class Entry(Protocol):
    """An event as the store keeps it."""

    @property
    def event_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def change_type(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def metadata(self) -> str: ...
    @property
    def publisher(self) -> str: ...


class Document(Protocol):
    """A resource as it stands."""

    @property
    def event_id(self) -> str: ...
    @property
    def trimmed(self) -> str: ...


class Store(Protocol):
    """Where logs are."""

    async def read(self, namespace: str, uri: str, after: str, count: int) -> Sequence[Entry]: ...
    async def document(self, namespace: str, uri: str) -> Document | None: ...


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted; empty takes all."""

    change_types: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def takes(self, entry: Entry) -> bool:
        """Whether the event fits."""
        if self.change_types and entry.change_type not in self.change_types:
            return False
        found = json.loads(entry.metadata) if self.metadata else {}
        return all(found.get(key) == value for key, value in self.metadata.items())


@dataclass(slots=True)
class Page:
    """What was read: `after` is where to read on."""

    entries: list[Entry]
    after: str
    more: bool
    gap: str | None = None


def check_cursor(cursor: str, path: str) -> str:
    """The cursor; raises InvalidArgumentError for what is none."""
    if cursor != "$" and not _ID.fullmatch(cursor):
        raise InvalidArgumentError.at(path, 'must be an event id, "0" or "$"')
    return cursor


async def read_page(store: Store, namespace: str, uri: str, after: str, limit: int, wanted: Filter) -> Page:
    """Up to `limit` fitting events after the cursor; `gap` names the oldest kept where events before it are lost."""
    document = await store.document(namespace, uri)
    if after == "$":
        return Page([], document.event_id if document else "0", more=False)
    page = Page([], after, more=False)
    if document is not None and document.trimmed and as_pair("0") < as_pair(after) < as_pair(document.trimmed):
        oldest = await store.read(namespace, uri, document.trimmed, 1)
        page.gap = oldest[0].event_id if oldest else document.event_id
    size = 0
    while True:
        batch = await store.read(namespace, uri, page.after, PAGE)
        for entry in batch:
            if len(page.entries) >= limit or size > MAX_PAGE_BYTES:
                page.more = True
                return page
            page.after = entry.event_id
            if wanted.takes(entry):
                page.entries.append(entry)
                size += len(entry.content)
        if len(batch) < PAGE:
            return page


def as_pair(event_id: str) -> tuple[int, int]:
    """An event id as numbers that compare."""
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def value_of(text: str) -> Any:
    """The content of an event; a deletion has none."""
    return json.loads(text) if text else None

"""Live resources and their event logs: the protocol, its values, and the side of a process that runs alone.

A resource has a document (what it is now) and a log (what happened to it); one write changes both or neither. Event
ids are `milliseconds-sequence`, rising within a log.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from app.a2a.mcp.errors import ConflictError, InvalidArgumentError, LimitExceededError, NotFoundError

Operation = Literal["put", "append", "delete"]
Id = tuple[int, int]

TOMBSTONE_MS = 24 * 3600 * 1000
"""How long the log of a deleted resource is kept for those who follow it."""

IDEMPOTENCY_MS = 10 * 60 * 1000
LIST_BYTES = 256 * 1024
"""The longest document that grows by append."""


@dataclass(frozen=True, slots=True)
class StreamWrite:
    """One write; `content` and `metadata` are JSON texts, `if_version` 0 says that it must not exist."""

    operation: Operation
    content: str
    metadata: str
    publisher: str
    mime_type: str
    if_version: int | None = None
    idempotency_key: str | None = None
    ttl_seconds: int | None = None
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a namespace may hold."""

    events: int = 1000
    resources: int = 1000
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did, or, deduplicated, what the first one with its key had done."""

    version: int
    event_id: str
    created: bool
    change_type: str
    deduplicated: bool


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One entry of a log."""

    event_id: str
    version: int
    change_type: str
    content: str
    metadata: str
    publisher: str


@dataclass(frozen=True, slots=True)
class StreamDocument:
    """A resource as it stands; `trimmed` is the last event that its log no longer has, empty if it has all."""

    live: bool
    version: int
    event_id: str
    trimmed: str
    content: str
    mime_type: str
    title: str
    description: str


class StreamStore(Protocol):
    """Every method raises UnavailableError when the store cannot be reached."""

    async def write(self, namespace: str, uri: str, write: StreamWrite, limits: StreamLimits) -> Written:
        """Raises ConflictError, NotFoundError (delete), LimitExceededError; what is refused changes nothing."""

    async def read(self, namespace: str, uri: str, after: str, count: int) -> list[StreamEvent]: ...

    async def document(self, namespace: str, uri: str) -> StreamDocument | None: ...

    async def live(self, namespace: str) -> list[str]:
        """The URIs of the resources there are, in order."""


def parse_id(text: str) -> Id:
    """An event id as numbers that compare."""
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds or 0), int(sequence or 0)


def refuse_write(status: str, uri: str, version: int) -> Exception:
    """The error for a refused write, by the script's own word."""
    if status == "version":
        return ConflictError.at("/if_version", f"the current version is {version}")
    if status == "absent":
        return NotFoundError(f"there is no resource {uri}")
    if status == "list":
        return InvalidArgumentError.at("/operation", "append is for a resource whose content is a list")
    if status == "long":
        return LimitExceededError(f"a list that grows by append may have {LIST_BYTES} bytes")
    if status == "resources":
        return LimitExceededError("the namespace holds as many resources as it may: delete some")
    return LimitExceededError("the namespace holds as many bytes as it may: delete some resources")


@dataclass(slots=True)
class _Resource:
    document: StreamDocument
    log: list[StreamEvent] = field(default_factory=list)
    due: float | None = None

    def log_bytes(self) -> int:
        return sum(map(_size, self.log))

    def bytes(self) -> int:
        return self.log_bytes() + len(self.document.content.encode())


class MemoryStreamStore:
    """The streams of one process, gone with it; `clock` gives Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spaces: dict[str, dict[str, _Resource]] = {}
        self._done: dict[tuple[str, str], tuple[float, Written]] = {}
        self._last: Id = (0, 0)

    async def write(self, namespace: str, uri: str, write: StreamWrite, limits: StreamLimits) -> Written:
        now = self._clock() * 1000
        self._purge(namespace, now, limits)
        self._done = {key: entry for key, entry in self._done.items() if entry[0] > now}
        key = (namespace, f"{uri} {write.publisher} {write.idempotency_key}")
        if write.idempotency_key is not None and key in self._done:
            return replace(self._done[key][1], deduplicated=True)
        space = self._spaces.setdefault(namespace, {})
        known = space.get(uri)
        content = self._checked(space, uri, known, write, limits)
        written = self._apply(space, uri, known, write, content, limits)
        if write.idempotency_key is not None:
            self._done[key] = (now + IDEMPOTENCY_MS, written)
        return written

    async def read(self, namespace: str, uri: str, after: str, count: int) -> list[StreamEvent]:
        self._purge(namespace, self._clock() * 1000, StreamLimits())
        found = self._spaces.get(namespace, {}).get(uri)
        start = parse_id(after)
        return [event for event in (found.log if found else ()) if parse_id(event.event_id) > start][:count]

    async def document(self, namespace: str, uri: str) -> StreamDocument | None:
        self._purge(namespace, self._clock() * 1000, StreamLimits())
        found = self._spaces.get(namespace, {}).get(uri)
        return found.document if found else None

    async def live(self, namespace: str) -> list[str]:
        self._purge(namespace, self._clock() * 1000, StreamLimits())
        return sorted(uri for uri, one in self._spaces.get(namespace, {}).items() if one.document.live)

    def _checked(
        self, space: dict[str, _Resource], uri: str, known: _Resource | None, write: StreamWrite, limits: StreamLimits
    ) -> str:
        """The document's next content; raises what forbids the write."""
        live = known is not None and known.document.live
        version = known.document.version if known and live else 0
        if write.if_version is not None and write.if_version != version:
            raise refuse_write("version", uri, version)
        if write.operation == "delete":
            if not live:
                raise refuse_write("absent", uri, version)
            return ""
        content = write.content
        if write.operation == "append":
            before = known.document.content if known and live else "[]"
            if not before.startswith("["):
                raise refuse_write("list", uri, version)
            content = f"[{content}]" if before == "[]" else f"{before[:-1]},{content}]"
            if len(content.encode()) > LIST_BYTES:
                raise refuse_write("long", uri, version)
        if not live and sum(one.document.live for one in space.values()) >= limits.resources:
            raise refuse_write("resources", uri, version)
        others = sum(one.bytes() for name, one in space.items() if name != uri)
        if others + len(content.encode()) + _cost(write) > limits.bytes:
            raise refuse_write("bytes", uri, version)
        return content

    def _apply(
        self,
        space: dict[str, _Resource],
        uri: str,
        known: _Resource | None,
        write: StreamWrite,
        content: str,
        limits: StreamLimits,
    ) -> Written:
        live = known is not None and known.document.live
        version = (known.document.version if known else 0) + 1
        change = "deleted" if write.operation == "delete" else "updated" if live else "created"
        event_id = self._next_id()
        document = StreamDocument(
            live=write.operation != "delete",
            version=version,
            event_id=event_id,
            trimmed=known.document.trimmed if known else "",
            content=content,
            mime_type=write.mime_type,
            title=write.title or (known.document.title if known and live else ""),
            description=write.description or (known.document.description if known and live else ""),
        )
        resource = known or _Resource(document)
        resource.document, space[uri] = document, resource
        now = self._clock() * 1000
        ttl = now + write.ttl_seconds * 1000 if write.ttl_seconds else None
        resource.due = now + TOMBSTONE_MS if write.operation == "delete" else ttl
        event = StreamEvent(event_id, version, change, write.content, write.metadata, write.publisher)
        resource.log.append(event)
        self._trim(space, resource, limits)
        return Written(version, event_id, change == "created", change, deduplicated=False)

    def _trim(self, space: dict[str, _Resource], resource: _Resource, limits: StreamLimits) -> None:
        over = sum(one.bytes() for one in space.values()) - limits.bytes
        while len(resource.log) > limits.events or (over > 0 and len(resource.log) > 1):
            gone = resource.log.pop(0)
            over -= _size(gone)
            resource.document = replace(resource.document, trimmed=gone.event_id)

    def _purge(self, namespace: str, now: float, limits: StreamLimits) -> None:
        space = self._spaces.get(namespace, {})
        for uri, resource in list(space.items()):
            if resource.due is None or resource.due > now:
                continue
            if not resource.document.live:
                del space[uri]
                continue
            ended = StreamWrite("delete", "", "{}", "system", resource.document.mime_type)
            self._apply(space, uri, resource, ended, "", limits)

    def _next_id(self) -> str:
        now = int(self._clock() * 1000)
        self._last = (now, 0) if now > self._last[0] else (self._last[0], self._last[1] + 1)
        return f"{self._last[0]}-{self._last[1]}"


def _size(event: StreamEvent) -> int:
    return len(event.content.encode()) + len(event.metadata.encode()) + EVENT_BYTES


def _cost(write: StreamWrite) -> int:
    return len(write.content.encode()) + len(write.metadata.encode()) + EVENT_BYTES


EVENT_BYTES = 128
"""What an event takes beside its content and metadata, about."""

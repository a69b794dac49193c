"""What the tools of resource_streaming take and return."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.a2a.mcp.core import ToolInput, ToolOutput

Uri = Annotated[
    str,
    Field(min_length=11, max_length=512, description="stream://NAMESPACE/PATH; your own NAMESPACE or shared"),
]
EventId = Annotated[str, Field(pattern=r"^(\d{1,15}(-\d{1,15})?|\$)$")]
ChangeType = Literal["created", "updated", "deleted"]
MetadataKey = Annotated[str, Field(min_length=1, max_length=64)]
MetadataValue = Annotated[str, Field(max_length=256)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)]


class EventFilter(ToolInput):
    """Which events to return; all that is given must fit."""

    change_types: Annotated[list[ChangeType], Field(max_length=3)] | None = None
    metadata: Metadata | None = None


class Notified(ToolOutput):
    """Who was told on this instance; the others are told too and not counted."""

    subscriptions: int
    sse_streams: int


class Published(ToolOutput):
    """What the write did."""

    uri: str
    version: int
    event_id: str
    etag: str
    created: bool
    change_type: ChangeType
    notified: Notified
    deduplicated: bool


class StreamedEvent(ToolOutput):
    """One event."""

    uri: str
    event_id: str
    version: int
    change_type: ChangeType
    content: Any
    metadata: dict[str, str]
    timestamp: str
    publisher: str


class Gap(ToolOutput):
    """Events between the cursor and this one are gone."""

    oldest_available: str


class Snapshot(ToolOutput):
    """The resource as it is now."""

    version: int
    etag: str
    content: Any


class StreamPage(ToolOutput):
    """Events, and where to read on."""

    events: list[StreamedEvent]
    next_after: dict[str, str]
    gap: dict[str, Gap]
    snapshots: dict[str, Snapshot] | None = None
    has_more: bool
    timed_out: bool

"""Server-sent events as the HTML standard reads them (§9.2.6), with the id that a reader would resume from."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One delivered event."""

    event: str
    data: str
    id: str
    retry_ms: int | None


def parse_event_stream(text: str) -> tuple[list[Event], str]:
    """The events a reader would get, and its last event id; an event without its closing blank line is not one."""
    events: list[Event] = []
    kind, buffered, last = "", "", ""
    data: list[str] = []
    retry: int | None = None
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    # What follows the last line end is no line yet.
    for line in lines[:-1]:
        if not line:
            last = buffered
            if data:
                events.append(Event(kind or "message", "\n".join(data), last, retry))
            kind, data, retry = "", [], None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            buffered = value
        elif field == "retry" and value.isascii() and value.isdigit() and len(value) <= 15:
            retry = int(value)
    return events, last

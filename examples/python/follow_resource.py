"""Follow a live resource: every event once and in order, whatever happens to the connection or to this program.

    python follow_resource.py [URI] [--cursor FILE] [--from-start]

Two means work together. A subscription (`subscriptions/listen`) tells at once that something changed, and is lost with
its connection. The resource's log is read from a cursor, and loses nothing. So a notice is only the reason to read, and
the cursor, kept in a file, says where to go on: after a lost connection, and after a restart of this program.
It ends with the event that says `"done": true`; Ctrl-C ends it before.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp
from fleet import Fleet, FleetError, Service, ToolError, arguments_of, run
from mcp.client.subscriptions import Subscription, SubscriptionLost

DEFAULT_URI = "stream://shared/nightly-import"
LOOK_EVERY = 20.0
"""Seconds after which to read without a notice: a connection can die without a word."""

GOES_AWAY = ("unavailable", "deadline_exceeded")
PAUSES = (0.5, 1, 2, 4, 8)
"""Seconds before each further attempt to reach the fleet again."""


async def main(fleet: Fleet, options: argparse.Namespace) -> None:
    """Follow until the work is done; come back after every lost connection."""
    cursor = Cursor(options.cursor, "0" if options.from_start else "$")
    attempt = 0
    async with fleet.service("resource_streaming"):
        pass  # A fleet that was never there is an error at once; only one that was is waited for.
    while True:
        before = cursor.value
        try:
            async with fleet.service("resource_streaming") as streams:
                await follow(streams, options.uri, cursor)
                return
        except Exception as error:
            cause = first_of(error)
            attempt = 1 if cursor.value != before else attempt + 1
            if not passes(cause) or attempt > len(PAUSES):
                raise
        pause = PAUSES[attempt - 1]
        print(
            f"Lost the connection ({cause or type(cause).__name__}); again in {pause} s.", file=sys.stderr, flush=True
        )
        await asyncio.sleep(pause)


def first_of(error: Exception) -> Exception:
    """The client's task groups wrap whatever happens inside them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def passes(error: Exception) -> bool:
    """Whether trying again may help: the way or the server is away, and nobody refused us."""
    if isinstance(error, ToolError):
        return error.code in GOES_AWAY
    if isinstance(error, mcp.MCPError):
        data = error.error.data
        code: object = data.get("code") if isinstance(data, dict) else "unavailable"
        return code in GOES_AWAY
    return isinstance(error, (httpx2.TransportError, SubscriptionLost))


class Cursor:
    """The id of the last event that was dealt with, kept in a file so that a restart goes on behind it."""

    def __init__(self, path: Path | None, start: str) -> None:
        self._path = path
        try:
            self.value = path.read_text(encoding="ascii").strip() if path and path.exists() else start
        except (OSError, UnicodeDecodeError) as error:
            raise FleetError(f"{path} holds no cursor: {error}") from None

    def advance(self, event_id: str) -> None:
        """Go on behind this event; a crash leaves the old cursor or the new one, never half of it."""
        if event_id == self.value:
            return
        self.value = event_id
        if self._path:
            beside = self._path.with_name(self._path.name + ".new")
            beside.write_text(event_id, encoding="ascii")
            beside.replace(self._path)


async def follow(streams: Service, uri: str, cursor: Cursor) -> None:
    """Show the events behind the cursor and those to come, until one says done.

    The subscription stands before the first read, so that no event slips between the two.
    """
    async with streams.client.listen(resource_subscriptions=[uri]) as notices:
        if uri not in (notices.honored.resource_subscriptions or ()):
            raise FleetError(f"this key may not follow {uri}")
        done = await read_on(streams, uri, cursor)
        print(f"Following {uri} from {cursor.value}", file=sys.stderr, flush=True)
        while not done:
            await next_notice(notices)
            done = await read_on(streams, uri, cursor)


async def read_on(streams: Service, uri: str, cursor: Cursor) -> bool:
    """Show what the log has behind the cursor, page by page; whether the work is done."""
    more = True
    while more:
        page = await streams("read_resource_stream", uris=[uri], after=cursor.value, limit=100)
        if uri in page.get("gap", {}):
            print(f"Events are gone: the log begins at {page['gap'][uri]['oldest_available']}.", file=sys.stderr)
        for event in page["events"]:
            show(event)
            cursor.advance(event["event_id"])
            if isinstance(event["content"], dict) and event["content"].get("done"):
                return True
        # What "$" stands for is decided by the first read, and kept like any other place.
        cursor.advance(page["next_after"][uri])
        more = page["has_more"]
    return False


async def next_notice(notices: Subscription) -> None:
    """Wait for the word that something changed. Raises SubscriptionLost when the server ends the stream."""
    with anyio.move_on_after(LOOK_EVERY):
        try:
            await anext(notices)
        except StopAsyncIteration:
            raise SubscriptionLost("the server is going away") from None


def show(event: Any) -> None:
    """One line an event."""
    print(f"{event['event_id']}  {event['timestamp']}  {event['change_type']:<8} {event['content']}", flush=True)


if __name__ == "__main__":
    cli = arguments_of("Follow a live resource; every event once and in order.")
    cli.add_argument("uri", nargs="?", default=DEFAULT_URI, help=f"default: {DEFAULT_URI}")
    cli.add_argument("--cursor", type=Path, metavar="FILE", help="keeps the place, so that a restart goes on from it")
    cli.add_argument("--from-start", action="store_true", help="begin with the oldest event kept, not with new ones")
    run(cli, main)

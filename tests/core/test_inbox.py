"""A stream's inbox: each change once, in order, bounded, and honest about what it may lack."""

import asyncio

import pytest
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ToolsListChanged

from app.a2a.mcp.core.inbox import MAX_WAITING, Inbox

pytestmark = pytest.mark.anyio


async def test_changes_come_once_in_order_and_only_those_that_are_wanted() -> None:
    inbox = Inbox(lambda event: not isinstance(event, ToolsListChanged))
    for event in (ResourceUpdated(uri="a"), ToolsListChanged(), ResourcesListChanged(), ResourceUpdated(uri="a")):
        inbox.put(event)
    assert [await inbox.next(0) for _ in range(3)] == [ResourceUpdated(uri="a"), ResourcesListChanged(), None]
    inbox.put(ResourceUpdated(uri="a"))
    assert await inbox.next(0) == ResourceUpdated(uri="a")


async def test_one_that_waits_is_woken() -> None:
    inbox = Inbox(lambda event: True)
    waiting = asyncio.ensure_future(inbox.next(60))
    await asyncio.sleep(0)
    inbox.put(ResourcesListChanged())
    assert await asyncio.wait_for(waiting, 10) == ResourcesListChanged()
    waiting = asyncio.ensure_future(inbox.next(60))
    await asyncio.sleep(0)
    inbox.miss()
    assert await asyncio.wait_for(waiting, 10) is None and inbox.missed


async def test_more_than_it_holds_is_told_as_missed() -> None:
    inbox = Inbox(lambda event: True)
    for number in range(MAX_WAITING):
        inbox.put(ResourceUpdated(uri=str(number)))
    assert not inbox.missed
    inbox.put(ResourceUpdated(uri="one more"))
    assert inbox.missed
    assert await inbox.next(0) == ResourceUpdated(uri="one more")

"""Places to wait are bounded for a client and for a process, and free again when they are left."""

import contextlib

import pytest

from app.a2a.mcp.core.places import MAX_PER_CLIENT, MAX_PER_PROCESS, Places
from app.a2a.mcp.errors import RateLimitedError


def test_a_client_may_take_so_many_and_others_still_find_one() -> None:
    places = Places()
    with contextlib.ExitStack() as held:
        for _ in range(MAX_PER_CLIENT):
            held.enter_context(places.one("ann"))
        with pytest.raises(RateLimitedError, match="try again"), places.one("ann"):
            pass
        with places.one("bob"):
            assert (places.taken("ann"), places.taken("bob"), places.taken()) == (MAX_PER_CLIENT, 1, MAX_PER_CLIENT + 1)
    assert places.taken() == 0
    with places.one("ann"):
        assert places.taken("ann") == 1


def test_a_process_has_so_many_whoever_asks() -> None:
    places = Places()
    with contextlib.ExitStack() as held:
        for number in range(MAX_PER_PROCESS):
            held.enter_context(places.one(f"client {number}"))
        with pytest.raises(RateLimitedError), places.one("late"):
            pass
    with places.one("late"):
        assert places.taken() == 1

"""Whose a live resource is: one's own, everybody's, or the servers'."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.streams.address import MAX_URI_CHARACTERS, may_see, readable, writable
from app.a2a.mcp.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,20}", fullmatch=True)
paths = st.from_regex(r"[!-~]{1,60}", fullmatch=True)


@given(client=names, path=paths)
def test_ones_own_and_the_shared_are_read_and_written_and_the_servers_read(client: str, path: str) -> None:
    for namespace in (client, "shared"):
        uri = f"stream://{namespace}/{path}"
        assert may_see(uri, client) and readable(uri, client) == namespace
        if namespace != "system":
            assert writable(uri, client) == namespace
    system = f"stream://system/{path}"
    assert readable(system, client) == "system"
    with pytest.raises(PermissionDeniedError):
        writable(system, client)


@given(client=names, other=names, path=paths)
def test_others_do_not_exist(client: str, other: str, path: str) -> None:
    if other in (client, "shared", "system"):
        return
    uri = f"stream://{other}/{path}"
    assert not may_see(uri, client)
    with pytest.raises(NotFoundError):
        readable(uri, client)
    with pytest.raises(PermissionDeniedError):
        writable(uri, client)


@given(text=st.text(max_size=80), client=names)
def test_what_is_no_address_is_refused_in_words(text: str, client: str) -> None:
    if may_see(text, client) or text.startswith("stream://"):
        return
    with pytest.raises(NotFoundError):
        readable(text, client)
    with pytest.raises(InvalidArgumentError, match="stream://"):
        writable(text, client)


def test_an_address_is_bounded() -> None:
    longest = "stream://shared/".ljust(MAX_URI_CHARACTERS, "x")
    assert may_see(longest, "ann")
    assert not may_see(f"{longest}x", "ann")
    with pytest.raises(InvalidArgumentError):
        writable(f"{longest}x", "ann")

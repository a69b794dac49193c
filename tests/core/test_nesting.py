"""Depth of a message: what is counted, what is not, and that large flat messages pass."""

import orjson
import pytest

from app.a2a.mcp.core.nesting import MAX_DEPTH, check_nesting
from app.a2a.mcp.errors import LimitExceededError


def nested(depth: int) -> bytes:
    text = b"1"
    for level in range(depth):
        text = b"[" + text + b"]" if level % 2 else b'{"a":' + text + b"}"
    return text


def test_the_deepest_allowed_passes_and_one_more_does_not() -> None:
    check_nesting(orjson.loads(nested(MAX_DEPTH)), nested(MAX_DEPTH))
    with pytest.raises(LimitExceededError, match=f"nested {MAX_DEPTH} levels"):
        check_nesting(orjson.loads(nested(MAX_DEPTH + 1)), nested(MAX_DEPTH + 1))


def test_a_deep_place_behind_many_flat_ones_is_found() -> None:
    body = b"[" + b"[1,2]," * 1000 + nested(MAX_DEPTH) + b"]"
    with pytest.raises(LimitExceededError):
        check_nesting(orjson.loads(body), body)


@pytest.mark.parametrize(
    "body", [b'["' + b"[" * 500 + b'"]', b"[" + b"[[1,2]]," * 1000 + b"0]", orjson.dumps([[0.5] * 9] * 999)]
)
def test_brackets_in_texts_and_side_by_side_are_no_depth(body: bytes) -> None:
    check_nesting(orjson.loads(body), body)

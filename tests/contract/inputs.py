"""Arguments for a tool, as JSON text: drawn from its schema by schemathesis, and broken in every way a caller might.

Drawing is dear (milliseconds each) and breaking is cheap, so a few are drawn and the rest are made from those and from
the tool's examples. The same tool and number give the same inputs, in any process.
"""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from tests.contract.changes import change_somewhere

SHARE_DRAWN = 16
"""Of so many inputs one is drawn from the schema."""

DEEP = 2000
LARGE = 9 * 2**20
"""Bytes: more than any service takes as a body."""


def inputs(schema: Mapping[str, Any], examples: list[Any], count: int, name: str) -> list[bytes]:
    """`count` JSON texts, each what a caller might put in the place of the arguments."""
    chance = random.Random(name)
    drawn = draw(schema, max(1, count // SHARE_DRAWN))
    bases = [*examples, *drawn]
    broken = [*broken_texts(encode(examples[0]))]
    made = [encode(one) for one in bases] + chance.sample(broken, k=min(len(broken), count // 5))
    while len(made) < count:
        base = copy.deepcopy(chance.choice(examples if chance.random() < 0.5 else bases))
        # An argument of a drawn value beside those of an example that works: so options are tried on what they act on.
        if other := chance.choice(drawn):
            argument = chance.choice(sorted(other))
            base = base | {argument: copy.deepcopy(other[argument])} if chance.random() < 0.4 else base
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            base = change_somewhere(chance, base)
        made.append(encode(base))
    return made[:count]


def draw(schema: Mapping[str, Any], count: int) -> list[Any]:
    """Values that the schema allows; a document of its own makes the schema's `#/$defs` findable."""
    body = {key: value for key, value in schema.items() if key != "$defs"}
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "an answer"}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "tool", "version": "1"},
        "paths": {"/": {"post": operation}},
        "$defs": schema.get("$defs", {}),
    }
    drawn: list[Any] = []

    @seed(0)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(schemathesis.openapi.from_dict(document)["/"]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def take(case: Any) -> None:
        drawn.append(case.body)

    take()
    return drawn


def encode(value: Any) -> bytes:
    """JSON as Python writes it: with NaN and Infinity, and lone surrogates as escapes."""
    return json.dumps(value, allow_nan=True).encode()


def broken_texts(text: bytes) -> Iterator[bytes]:
    """What no JSON encoder writes, and what is no object; the first of a member name twice is dropped silently."""
    yield from (b"", b"{", b"null", b"[]", b'"text"', b"1", b"NaN", b"1e400", b"\xff\xfe", b'{"a":1,}', b"{'a':1}")
    yield from (text[:-1], text + b"}", text.replace(b'"', b'"\x00', 1), text.replace(b":", b":\xc3\x28", 1))
    yield from (b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"9" * 5000, b"-0", b"1E-400")
    yield text[:-1] + b"," + text[1:]
    yield text[:-1] + b',"extra":"' + b"x" * LARGE + b'"}'

"""The largest input each tool allows, and the costliest of that size: what bounds on time and memory are tried with.

`LARGEST` maps tool → builder of its arguments. Everything is drawn from a seeded generator: same size, same content.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.largest import data, reasoning, texts, vectors, wire

Builder = Callable[[], dict[str, Any]]

LARGEST: Mapping[str, Builder] = {
    **data.LARGEST,
    **vectors.LARGEST,
    **reasoning.LARGEST,
    **texts.LARGEST,
    **wire.LARGEST,
}

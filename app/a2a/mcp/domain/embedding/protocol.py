"""What the tools know of an embedding model: its name, its revision, its sizes and one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model and the exact weights used; cosines are comparable only within one revision."""

    name: str
    revision_sha256: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """One row of unit length for each text; `blank` rows are zero, `truncated` texts were read in part."""

    vectors: NDArray[np.float32]
    truncated: tuple[int, ...]
    blank: tuple[int, ...]


class Embedder(Protocol):
    """A deterministic function from texts to vectors, safe to call from several threads."""

    @property
    def model(self) -> ModelName: ...

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Sizes on offer, the native one first."""

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Embedded:
        """Embed `texts`; `dimensions` is one of `dimensions`, the native size when absent."""

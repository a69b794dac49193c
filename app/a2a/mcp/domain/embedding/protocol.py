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
    """One row for each text, of unit length; `blank` rows are zero, `truncated` texts were read in part."""

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

    def embed(self, texts: Sequence[str], dimensions: int | None = None, *, normalize: bool = True) -> Embedded:
        """Embed `texts`; `dimensions` is one of `dimensions`, the native size when absent.

        Native vectors are of unit length by themselves; a smaller size is a projection of them, shorter than 1
        by what it leaves out unless `normalize` stretches it again.
        """

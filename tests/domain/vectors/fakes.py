"""A deterministic embedder of 64 numbers, so that tests of collections need no weights."""

import hashlib
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from app.a2a.mcp.domain.embedding import Embedded, ModelName


class HashEmbedder:
    """Each word is a direction; blank texts have none."""

    SIZE: ClassVar[int] = 64
    calls: ClassVar[int] = 0

    def __init__(self, revision: str = "a" * 64) -> None:
        self.model = ModelName("hash", revision)
        self.dimensions = (self.SIZE,)

    def embed(self, texts: Sequence[str], dimensions: int | None = None, *, normalize: bool = True) -> Embedded:
        type(self).calls += 1
        vectors = np.zeros((len(texts), self.SIZE), dtype=np.float32)
        for place, text in enumerate(texts):
            for word in text.split():
                vectors[place, hashlib.sha256(word.encode()).digest()[0] % self.SIZE] += 1
        lengths = np.linalg.norm(vectors, axis=1)
        blank = tuple(int(place) for place in np.flatnonzero(lengths == 0))
        return Embedded(vectors / np.where(lengths > 0, lengths, 1)[:, None], (), blank)

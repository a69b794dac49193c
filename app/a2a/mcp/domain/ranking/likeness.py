"""How alike documents are to each other, prepared once so that every question is one pass over them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.ranking.bm25 import tokens_of
from app.a2a.mcp.domain.ranking.diversity import Likeness
from app.a2a.mcp.domain.vectors.metrics import Matrix, directions

Vector = NDArray[np.float64]


def by_direction(rows: Matrix) -> Likeness:
    """The cosine of a row to every row; 0 for one that is zero."""
    units, _ = directions(rows)

    def likeness(place: int) -> Vector:
        cosines: Vector = np.clip(np.einsum("ij,j->i", units, units[place]), -1.0, 1.0)
        return cosines

    return likeness


def by_words(texts: Sequence[str]) -> Likeness:
    """Shared distinct words over all distinct words (Jaccard 1912); 0 where both have none."""
    vocabulary: dict[str, int] = {}
    sets = [{vocabulary.setdefault(word, len(vocabulary)) for word in tokens_of(text)} for text in texts]
    sizes = np.array([len(words) for words in sets], dtype=np.int64)
    flat = np.fromiter((word for words in sets for word in words), dtype=np.int64, count=int(sizes.sum()))
    # Grouped by word: a text then meets only the texts that share a word with it.
    grouped = np.argsort(flat, kind="stable")
    owners = np.repeat(np.arange(len(texts)), sizes)[grouped]
    limits = np.searchsorted(flat[grouped], np.arange(len(vocabulary) + 1)).tolist()

    def likeness(place: int) -> Vector:
        meetings = [owners[limits[word] : limits[word + 1]] for word in sets[place]]
        shared = np.bincount(np.concatenate(meetings), minlength=len(texts)) if meetings else np.zeros(len(texts))
        jaccard: Vector = shared / np.maximum(sizes + sizes[place] - shared, 1)
        return jaccard

    return likeness

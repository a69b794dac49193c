"""Maximal marginal relevance: relevance against saying the same twice (Carbonell & Goldstein 1998).

Greedy: each pick maximises λ·relevance − (1−λ)·(likeness to the most similar one already picked). Nothing is dropped.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import checkpoint

Vector = NDArray[np.float64]
Likeness = Callable[[int], Vector]
"""How alike the item at a place is to every item."""


def diversify(
    relevance: Vector, likeness: Likeness, ids: Sequence[str], balance: float, count: int
) -> list[tuple[int, float]]:
    """The first `count` places with their marginal score, ties by id; `balance` is λ, 1 keeps the plain order."""
    # Places in the order of their ids: the first maximum is then the one of the least id.
    waiting = np.array(sorted(range(len(ids)), key=lambda place: ids[place]), dtype=np.int64)
    penalty = np.zeros(len(ids))
    chosen: list[tuple[int, float]] = []
    while len(waiting) and len(chosen) < count:
        checkpoint()
        marginal = balance * relevance[waiting] - (1.0 - balance) * penalty[waiting]
        best = int(np.argmax(marginal))
        place = int(waiting[best])
        chosen.append((place, float(marginal[best])))
        waiting = np.delete(waiting, best)
        if len(waiting) and len(chosen) < count:
            alike = likeness(place)
            penalty = np.maximum(penalty, alike) if len(chosen) > 1 else alike
    return chosen

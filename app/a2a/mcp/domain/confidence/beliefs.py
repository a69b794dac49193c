"""Masses of belief over sets of outcomes: conjunction, discounting, and what a mass says of each outcome.

Sources: Shafer 1976; Yager 1987; Smets & Kennes 1994. A set of outcomes is a bit mask, a mass an array over all masks.
"""

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.errors import InvalidArgumentError

Masses = NDArray[np.float64]
Vector = NDArray[np.float64]


def discount(masses: Masses, reliability: float) -> Masses:
    """Shafer's discounting: what a source is not trusted for goes to "anything is possible"."""
    left = masses * reliability
    left[-1] += 1.0 - reliability
    return left


def conjoin(one: Masses, other: Masses) -> Masses:
    """The unnormalised product: agreement on intersections, conflict on the empty set (mask 0)."""
    masks = np.flatnonzero(other)
    product = np.zeros(len(one))
    for mask in np.flatnonzero(one).tolist():
        product += np.bincount(mask & masks, weights=one[mask] * other[masks], minlength=len(one))
    return product


def dempster(joint: Masses) -> Masses:
    """Dempster's rule: the conflict is left out of account. Raises InvalidArgumentError when nothing else is left."""
    agreed = joint.copy()
    agreed[0] = 0.0
    total = agreed.sum()
    if total < np.finfo(np.float64).tiny:
        raise InvalidArgumentError.at("/sources", "total_conflict: the sources have nothing in common")
    return np.asarray(agreed / total)


def yager(joint: Masses) -> Masses:
    """Yager's rule: the conflict is ignorance."""
    agreed = joint.copy()
    agreed[-1] += agreed[0]
    agreed[0] = 0.0
    return agreed


def belief(masses: Masses, outcomes: int) -> Vector:
    """The mass that is certain of each outcome alone."""
    return np.array([masses[1 << outcome] for outcome in range(outcomes)])


def plausibility(masses: Masses, outcomes: int) -> Vector:
    """The mass that does not rule each outcome out."""
    masks = np.arange(len(masses))
    return np.array([min(1.0, masses[masks >> outcome & 1 == 1].sum()) for outcome in range(outcomes)])


def pignistic(masses: Masses, outcomes: int) -> Vector:
    """The probabilities to bet by: every mass shared evenly among the outcomes of its set. Needs mass 0 on nothing."""
    masks = np.arange(len(masses))
    members = np.array([masks >> outcome & 1 for outcome in range(outcomes)])
    sizes = np.maximum(members.sum(axis=0), 1)
    return np.asarray(members @ (masses / sizes))

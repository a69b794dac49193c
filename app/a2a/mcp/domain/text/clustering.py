"""Hierarchical clustering of a distance matrix, and how well the result holds together.

Lance & Williams (1967) in numpy. With at most 500 texts, n² work for each merge is some 20 ms in all; scipy would
hold tens of megabytes in a process that always runs, so it is only the tests' oracle. Deterministic: equal
distances merge in order of position.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended

Linkage = Literal["average", "complete", "single"]
LINKAGES: tuple[str, ...] = get_args(Linkage)
Matrix = NDArray[np.float64]


class Merge(NamedTuple):
    """Two clusters, each named by its first member, that join at a distance."""

    kept: int
    gone: int
    distance: float


def merges(distances: Matrix, linkage: Linkage) -> list[Merge]:
    """All n − 1 merges of a symmetric matrix, nearest first."""
    work = distances.astype(np.float64, copy=True)
    np.fill_diagonal(work, np.inf)
    sizes = np.ones(len(work))
    done: list[Merge] = []
    for _ in attended(range(len(work) - 1)):
        kept, gone = sorted(divmod(int(np.argmin(work)), len(work)))
        done.append(Merge(kept, gone, float(work[kept, gone])))
        row = _joined(work[kept], work[gone], sizes[kept], sizes[gone], linkage)
        row[[kept, gone]] = np.inf
        work[kept, :] = work[:, kept] = row
        work[gone, :] = work[:, gone] = np.inf
        sizes[kept] += sizes[gone]
    return done


def labels_by_count(tree: Sequence[Merge], count: int) -> list[int]:
    """Labels of exactly `count` clusters (1..n), numbered by first appearance."""
    return _labels(tree[: len(tree) + 1 - count], len(tree) + 1)


def labels_by_distance(tree: Sequence[Merge], threshold: float) -> list[int]:
    """Labels of the clusters whose merges lie at `threshold` or nearer, numbered by first appearance."""
    return _labels([merge for merge in tree if merge.distance <= threshold], len(tree) + 1)


def silhouette(distances: Matrix, labels: Sequence[int]) -> float | None:
    """The mean silhouette width (Rousseeuw 1987); None unless there are 2..n − 1 clusters."""
    assigned = np.asarray(labels)
    count = int(assigned.max()) + 1
    if not 1 < count < len(assigned):
        return None
    member = (assigned[:, None] == np.arange(count)).astype(np.float64)
    sizes = member.sum(axis=0)
    totals = distances @ member
    own = sizes[assigned]
    rows = np.arange(len(assigned))
    inside = totals[rows, assigned] / np.maximum(own - 1, 1)
    means = totals / sizes
    means[rows, assigned] = np.inf
    outside = means.min(axis=1)
    widest = np.maximum(inside, outside)
    # A lone member has width 0 by definition, and so has one at distance 0 from everything.
    defined = (own > 1) & (widest > 0)
    widths = np.where(defined, (outside - inside) / np.where(widest > 0, widest, 1.0), 0.0)
    return float(widths.mean())


def medoid(similarities: Matrix, members: Sequence[int]) -> int:
    """The member most like the others; the first of equals."""
    within = similarities[np.ix_(members, members)].sum(axis=1)
    # Sums that differ by rounding alone are equal: the order of summing must not choose the medoid.
    return members[int(np.flatnonzero(within >= within.max() - 1e-9)[0])]


def _joined(one: Matrix, other: Matrix, size_one: float, size_other: float, linkage: Linkage) -> Matrix:
    """The distances of the union of two clusters to all others."""
    if linkage == "single":
        return np.minimum(one, other)
    if linkage == "complete":
        return np.maximum(one, other)
    return (size_one * one + size_other * other) / (size_one + size_other)


def _labels(tree: Sequence[Merge], count: int) -> list[int]:
    leader = list(range(count))
    for kept, gone, _ in tree:
        leader = [kept if lead == gone else lead for lead in leader]
    names = {lead: label for label, lead in enumerate(dict.fromkeys(leader))}
    return [names[lead] for lead in leader]

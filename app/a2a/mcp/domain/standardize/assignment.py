"""The best one-to-one assignment (Kuhn 1955), by shortest augmenting paths with potentials (Jonker & Volgenant 1987).

Written out in numpy because scipy's solver would keep some 75 MB in each always-on process for this one call.
"""

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended

Matrix = NDArray[np.float64]


def best_pairs(scores: Matrix) -> list[tuple[int, int]]:
    """The (row, column) pairs with the greatest total score; min(rows, columns) of them, in order of rows."""
    if not scores.size:
        return []
    if scores.shape[0] > scores.shape[1]:
        return sorted((row, column) for column, row in best_pairs(scores.T))
    row_of = _solve(-scores)
    pairs = [(int(row), column) for column, row in enumerate(row_of) if row >= 0]
    return sorted(pairs)


def _solve(cost: Matrix) -> NDArray[np.intp]:
    """The row of each column (−1: none) at least total cost, for no more rows than columns."""
    rows, columns = cost.shape
    of_row, of_column = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1, dtype=np.intp)
    for first in attended(range(rows)):
        distance = np.full(columns, np.inf)
        previous = np.full(columns, -1, dtype=np.intp)
        done = np.zeros(columns, dtype=bool)
        row, reached, sink = first, 0.0, -1
        visited, at = [first], [0.0]
        while sink < 0:
            onward = reached + cost[row] - of_row[row] - of_column
            nearer = ~done & (onward < distance)
            distance[nearer] = onward[nearer]
            previous[nearer] = row
            column = int(np.argmin(np.where(done, np.inf, distance)))
            reached = float(distance[column])
            done[column] = True
            if row_of[column] < 0:
                sink = column
            else:
                row = int(row_of[column])
                visited.append(row)
                at.append(reached)
        of_row[visited] += reached - np.array(at)
        of_column[done] -= reached - distance[done]
        _augment(row_of, previous, first, sink)
    return row_of


def _augment(row_of: NDArray[np.intp], previous: NDArray[np.intp], first: int, sink: int) -> None:
    """Turn the path that ends in `sink` around: each row on it takes the next column."""
    taken: dict[int, int] = {int(row): column for column, row in enumerate(row_of) if row >= 0}
    column = sink
    while True:
        row = int(previous[column])
        row_of[column] = row
        if row == first:
            return
        column = taken[row]

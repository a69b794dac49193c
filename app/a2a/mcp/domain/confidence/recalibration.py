"""What past confidences should have been: maps fitted to outcomes that turn a confidence into an honest one.

Sources: Platt 1999 with the Newton method of Lin, Lin & Weng 2007; Ayer et al. 1955 (pool adjacent violators);
Guo et al. 2017 (temperature). Platt and temperature work on log-odds, so that "nothing to correct" is in reach.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.confidence.calibration import CLIP

Recalibration = Literal["platt", "isotonic", "temperature"]
RECALIBRATIONS: tuple[Recalibration, ...] = get_args(Recalibration)

STEPS = 100
LEAST_STEP = 1e-10
RIDGE = 1e-12
GRADIENT = 1e-10
SHARPEST, FLATTEST = 1e-3, 1e3
"""Bounds of the temperature: beyond them all confidences are 0, 1 or one half."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A map from confidences to calibrated ones, and the numbers it is made of."""

    parameters: dict[str, float | list[float]]
    apply: Callable[[Vector], Vector]


def fit(method: Recalibration, probabilities: Vector, outcomes: Vector) -> Fitted:
    """Fit the map of `method` to past cases; equal input gives the equal map."""
    return _FIT[method](probabilities, outcomes)


def log_odds(probabilities: Vector) -> Vector:
    """ln(p / (1 − p)), clipped at 1e-15."""
    kept = np.clip(probabilities, CLIP, 1.0 - CLIP)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def platt(scores: Vector, outcomes: Vector) -> tuple[float, float]:
    """a and b of p = 1 / (1 + exp(a·score + b)), with Platt's targets that keep small samples from certainty."""
    hits = float(outcomes.sum())
    misses = len(outcomes) - hits
    targets = np.where(outcomes == 1, (hits + 1.0) / (hits + 2.0), 1.0 / (misses + 2.0))
    point = np.array([0.0, np.log((misses + 1.0) / (hits + 1.0))])
    design = np.stack([scores, np.ones(len(scores))])
    loss = _platt_loss(point, design, targets)
    for _ in range(STEPS):
        chance = _sigmoid(-(point @ design))
        gradient = design @ (targets - chance)
        if np.abs(gradient).max() < GRADIENT:
            break
        hessian = (design * (chance * (1.0 - chance))) @ design.T + RIDGE * np.eye(2)
        direction = np.asarray(-np.linalg.solve(hessian, gradient), dtype=np.float64)
        point, loss, moved = _line_search(point, direction, float(gradient @ direction), loss, design, targets)
        if not moved:
            break
    return float(point[0]), float(point[1])


def isotonic(scores: Vector, outcomes: Vector) -> tuple[Vector, Vector]:
    """The rising step function nearest to the outcomes: the ends of its steps, and its value at each."""
    values, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rates = np.bincount(group, weights=outcomes) / counts
    blocks: list[tuple[float, float, int]] = []
    for rate, count in zip(rates.tolist(), counts.tolist(), strict=True):
        mean, weight, width = rate, float(count), 1
        while blocks and blocks[-1][0] >= mean:
            before, heavy, wide = blocks.pop()
            mean = (before * heavy + mean * weight) / (heavy + weight)
            weight, width = heavy + weight, wide + width
        blocks.append((mean, weight, width))
    ends = np.cumsum([width for _, _, width in blocks])
    starts = ends - [width for _, _, width in blocks]
    places = np.unique(np.concatenate([starts, ends - 1]))
    levels = np.repeat([mean for mean, _, _ in blocks], [width for _, _, width in blocks])
    return values[places], levels[places]


def temperature(odds: Vector, outcomes: Vector) -> float:
    """The T that makes sigmoid(log-odds / T) most likely; convex in 1/T, so a bisection of the slope finds it."""
    if not odds.any():
        return 1.0
    low, high = np.log(1.0 / FLATTEST), np.log(1.0 / SHARPEST)
    for _ in range(200):
        middle = (low + high) / 2.0
        slope = float((_sigmoid(np.exp(middle) * odds) - outcomes) @ odds)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2.0))


def _fit_platt(probabilities: Vector, outcomes: Vector) -> Fitted:
    a, b = platt(log_odds(probabilities), outcomes)
    return Fitted({"a": a, "b": b}, lambda given: _sigmoid(-(a * log_odds(given) + b)))


def _fit_isotonic(probabilities: Vector, outcomes: Vector) -> Fitted:
    thresholds, values = isotonic(probabilities, outcomes)
    parameters: dict[str, float | list[float]] = {"thresholds": thresholds.tolist(), "values": values.tolist()}
    return Fitted(parameters, lambda given: np.interp(given, thresholds, values))


def _fit_temperature(probabilities: Vector, outcomes: Vector) -> Fitted:
    found = temperature(log_odds(probabilities), outcomes)
    return Fitted({"temperature": found}, lambda given: _sigmoid(log_odds(given) / found))


_FIT: dict[Recalibration, Callable[[Vector, Vector], Fitted]] = {
    "platt": _fit_platt,
    "isotonic": _fit_isotonic,
    "temperature": _fit_temperature,
}


def _line_search(
    point: Vector, direction: Vector, slope: float, loss: float, design: Vector, targets: Vector
) -> tuple[Vector, float, bool]:
    """Halve the step until it lowers the loss enough (Armijo); False when no step does."""
    step = 1.0
    while step >= LEAST_STEP:
        tried = point + step * direction
        found = _platt_loss(tried, design, targets)
        if found < loss + 1e-4 * step * slope:
            return tried, found, True
        step /= 2.0
    return point, loss, False


def _platt_loss(point: Vector, design: Vector, targets: Vector) -> float:
    value = point @ design
    # ln(1 + e^v) without overflow.
    return float(np.sum(np.logaddexp(0.0, value) - (1.0 - targets) * value))


def _sigmoid(values: Vector) -> Vector:
    # Each half of the line has a form that cannot overflow.
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0.0, 1.0 / (1.0 + small), small / (1.0 + small)))

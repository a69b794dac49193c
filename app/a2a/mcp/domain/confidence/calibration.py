"""Whether past confidences were honest: proper scores, calibration errors, discrimination, and bins with intervals.

Sources: Brier 1950; Murphy 1973; Guo et al. 2017 (ECE, MCE); Wilson 1927.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Binning = Literal["uniform", "quantile"]
BINNINGS: tuple[Binning, ...] = get_args(Binning)
CLIP = 1e-15
"""How near to 0 and 1 the log loss looks: a wrong certainty costs 34.5, not infinity."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases with a confidence in [low, high), the last one [low, high]; None where there are none."""

    low: float
    high: float
    count: int
    mean_confidence: float | None
    observed_rate: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Murphy:
    """Brier = reliability − resolution + uncertainty, over the distinct confidences."""

    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one set of confidences."""

    brier_score: float
    log_loss: float
    expected_calibration_error: float


def brier(probabilities: Vector, outcomes: Vector) -> float:
    """The mean squared difference of confidence and outcome: 0 is perfect."""
    return float(np.mean((probabilities - outcomes) ** 2))


def log_loss(probabilities: Vector, outcomes: Vector) -> float:
    """The mean negative log-likelihood in nats, clipped at 1e-15."""
    kept = np.clip(probabilities, CLIP, 1.0 - CLIP)
    return float(-np.mean(outcomes * np.log(kept) + (1.0 - outcomes) * np.log1p(-kept)))


def auroc(probabilities: Vector, outcomes: Vector) -> float | None:
    """The chance that a random hit was given more confidence than a random miss, ties half; None with one class."""
    hits, misses = np.sort(probabilities[outcomes == 1]), np.sort(probabilities[outcomes == 0])
    if not len(hits) or not len(misses):
        return None
    below = np.searchsorted(misses, hits, side="left").sum()
    upto = np.searchsorted(misses, hits, side="right").sum()
    return float((below + upto) / 2.0 / (len(hits) * len(misses)))


def murphy(probabilities: Vector, outcomes: Vector) -> Murphy:
    """Murphy's decomposition of the Brier score; exact, because it groups equal confidences only."""
    values, group, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    rates = np.bincount(group, weights=outcomes) / counts
    base, shares = float(outcomes.mean()), counts / len(outcomes)
    return Murphy(
        reliability=float(shares @ (values - rates) ** 2),
        resolution=float(shares @ (rates - base) ** 2),
        uncertainty=base * (1.0 - base),
    )


def wilson(hits: int, cases: int, level: float) -> tuple[float, float]:
    """Wilson's score interval of a rate; unlike the textbook one it never leaves 0..1. `cases` must not be 0."""
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    rate, spread = hits / cases, z * z / cases
    middle = (rate + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * math.sqrt(rate * (1.0 - rate) / cases + spread / (4.0 * cases))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == cases else min(1.0, middle + half)


def bin_edges(probabilities: Vector, bins: int, binning: Binning) -> Vector:
    """The limits of the bins, ascending. Equal quantiles fall together, so that there may be fewer bins."""
    if binning == "uniform":
        return np.arange(bins + 1) / bins
    edges: Vector = np.unique(np.quantile(probabilities, np.arange(bins + 1) / bins))
    return edges if len(edges) > 1 else np.repeat(edges, 2)


def fill_bins(probabilities: Vector, outcomes: Vector, edges: Vector, level: float) -> list[Bin]:
    """The cases sorted into bins, with the interval of each observed rate."""
    count = len(edges) - 1
    place = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, count - 1)
    cases = np.bincount(place, minlength=count)
    confidence = np.bincount(place, weights=probabilities, minlength=count)
    hits = np.bincount(place, weights=outcomes, minlength=count)
    found = []
    for index, size in enumerate(cases.tolist()):
        low, high = float(edges[index]), float(edges[index + 1])
        if not size:
            found.append(Bin(low, high, 0, None, None, None))
            continue
        rate = float(hits[index] / size)
        interval = wilson(int(hits[index]), size, level)
        found.append(Bin(low, high, size, float(confidence[index] / size), rate, interval))
    return found


def calibration_errors(bins: list[Bin]) -> tuple[float, float]:
    """The expected and the maximum distance of confidence and observed rate over the bins."""
    gaps = [
        (one.count, abs(one.mean_confidence - one.observed_rate))
        for one in bins
        if one.mean_confidence is not None and one.observed_rate is not None
    ]
    total = sum(count for count, _ in gaps)
    return math.fsum(count * gap for count, gap in gaps) / total, max(gap for _, gap in gaps)


def scores(probabilities: Vector, outcomes: Vector, bins: int, binning: Binning) -> Scores:
    """The three scores that a recalibration is judged by."""
    filled = fill_bins(probabilities, outcomes, bin_edges(probabilities, bins, binning), 0.95)
    error, _ = calibration_errors(filled)
    return Scores(brier(probabilities, outcomes), log_loss(probabilities, outcomes), error)

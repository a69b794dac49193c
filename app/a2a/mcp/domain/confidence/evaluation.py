"""One evaluation of past confidences: every score, the bins, the fitted correction, and what to be careful about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.a2a.mcp.domain.confidence.calibration import (
    Bin,
    Binning,
    Murphy,
    Scores,
    Vector,
    auroc,
    bin_edges,
    brier,
    calibration_errors,
    fill_bins,
    log_loss,
    murphy,
    scores,
)
from app.a2a.mcp.domain.confidence.recalibration import Recalibration, fit
from app.a2a.mcp.errors import InvalidArgumentError

FEW_CASES = 30


@dataclass(frozen=True, slots=True)
class Request:
    """How to evaluate; `apply_to` are confidences to correct, None for those given."""

    bins: int = 10
    binning: Binning = "uniform"
    level: float = 0.95
    recalibration: Recalibration | None = None
    apply_to: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A fitted correction; `after` are the scores of the corrected confidences on the same cases."""

    parameters: dict[str, float | list[float]]
    after: Scores
    calibrated: list[float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything evaluate_calibration answers."""

    scores: Scores
    maximum_error: float
    auroc: float | None
    accuracy: float
    base_rate: float
    murphy: Murphy
    bins: list[Bin]
    fitted: Correction | None
    warnings: list[str]


def evaluate(probabilities: Sequence[float], outcomes: Sequence[int], request: Request) -> Evaluation:
    """Evaluate confidences against outcomes of 0 and 1.

    Raises InvalidArgumentError for lists of unequal length, and for scores to correct without a recalibration.
    """
    if len(probabilities) != len(outcomes):
        raise InvalidArgumentError.at("/outcomes", f"{len(probabilities)} outcomes expected, {len(outcomes)} given")
    if request.apply_to is not None and request.recalibration is None:
        raise InvalidArgumentError.at("/apply_to", "needs a recalibration to apply")
    given, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    edges = bin_edges(given, request.bins, request.binning)
    filled = fill_bins(given, truth, edges, request.level)
    expected, maximum = calibration_errors(filled)
    return Evaluation(
        scores=Scores(brier(given, truth), log_loss(given, truth), expected),
        maximum_error=maximum,
        auroc=auroc(given, truth),
        accuracy=float(np.mean((given >= 0.5) == (truth == 1))),
        base_rate=float(truth.mean()),
        murphy=murphy(given, truth),
        bins=filled,
        fitted=_correct(given, truth, request),
        warnings=_warnings(truth, request),
    )


def _correct(given: Vector, truth: Vector, request: Request) -> Correction | None:
    if request.recalibration is None:
        return None
    fitted = fit(request.recalibration, given, truth)
    corrected = fitted.apply(given)
    wanted = corrected if request.apply_to is None else fitted.apply(np.asarray(request.apply_to, dtype=np.float64))
    return Correction(fitted.parameters, scores(corrected, truth, request.bins, request.binning), wanted.tolist())


def _warnings(truth: Vector, request: Request) -> list[str]:
    found = []
    if len(truth) < FEW_CASES:
        found.append("few_cases: fewer than 30, every number here is uncertain")
    if truth.min() == truth.max():
        found.append("one_class: all outcomes are the same, discrimination cannot be judged")
    if request.recalibration is not None:
        found.append("same_data: fitted and judged on the same cases, `after` is too good")
    return found

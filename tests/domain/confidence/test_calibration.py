"""Calibration and recalibration against scikit-learn and scipy, the published cases and Murphy's identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from app.a2a.mcp.domain.confidence.calibration import (
    auroc,
    bin_edges,
    brier,
    fill_bins,
    log_loss,
    murphy,
    wilson,
)
from app.a2a.mcp.domain.confidence.evaluation import Request, evaluate
from app.a2a.mcp.domain.confidence.recalibration import fit, isotonic, log_odds, platt, temperature
from app.a2a.mcp.errors import InvalidArgumentError

CASES = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.integers(0, 1)), min_size=2, max_size=40)
TEN_AT_EIGHTY = ([0.8] * 10, [1] * 6 + [0] * 4)


def arrays(cases: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in cases]), np.array([float(y) for _, y in cases])


def record(size: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that exaggerate their log-odds by `sharpness`, with their outcomes."""
    random = np.random.default_rng(5)
    odds = random.normal(0, 1.5, size)
    truth = (random.random(size) < 1 / (1 + np.exp(-odds))).astype(float)
    return 1 / (1 + np.exp(-sharpness * odds)), truth


def test_small_record_scores_as_published() -> None:
    found = evaluate([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0], Request())
    assert found.scores.brier_score == pytest.approx(0.0375)
    assert found.scores.log_loss == pytest.approx(0.197635, abs=1e-6)
    assert found.scores.expected_calibration_error == pytest.approx(0.175)
    assert (found.maximum_error, found.auroc, found.accuracy, found.base_rate) == (pytest.approx(0.3), 1.0, 1.0, 0.5)
    assert [warning.split(":")[0] for warning in found.warnings] == ["few_cases"]


def test_overconfident_record_is_decomposed_and_corrected_as_published() -> None:
    found = evaluate(*TEN_AT_EIGHTY, Request(recalibration="temperature", apply_to=[0.8, 0.2]))
    assert found.scores.brier_score == pytest.approx(0.28)
    parts = found.murphy
    assert (parts.reliability, parts.resolution, parts.uncertainty) == pytest.approx((0.04, 0, 0.24))
    assert found.scores.expected_calibration_error == pytest.approx(0.2)
    assert found.fitted is not None
    assert found.fitted.parameters["temperature"] == pytest.approx(3.419023, abs=1e-6)
    assert found.fitted.calibrated == pytest.approx([0.6, 0.4])
    assert found.fitted.after.expected_calibration_error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("hits", "cases", "low", "high"), [(8, 10, 0.490162, 0.943318), (81, 263, 0.2553, 0.3662)])
def test_wilson_intervals_are_as_published(hits: int, cases: int, low: float, high: float) -> None:
    assert wilson(hits, cases, 0.95) == pytest.approx((low, high), abs=1e-4 if cases > 10 else 1e-6)


@given(data=st.data(), cases=st.integers(1, 500), level=st.floats(0.5, 0.999))
def test_wilson_is_scipys(data: st.DataObject, cases: int, level: float) -> None:
    hits = data.draw(st.integers(0, cases))
    expected = binomtest(hits, cases).proportion_ci(level, method="wilson")
    assert wilson(hits, cases, level) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(cases=CASES)
def test_scores_are_scikit_learns(cases: list[tuple[float, int]]) -> None:
    given, truth = arrays(cases)
    assert brier(given, truth) == pytest.approx(brier_score_loss(truth, given, pos_label=1))
    clipped = np.clip(given, 1e-15, 1 - 1e-15)
    assert log_loss(given, truth) == pytest.approx(sklearn_log_loss(truth, clipped, labels=[0, 1]), rel=1e-6)
    if 0 < truth.sum() < len(truth):
        assert auroc(given, truth) == pytest.approx(roc_auc_score(truth, given))
    else:
        assert auroc(given, truth) is None


@given(cases=CASES)
def test_murphys_parts_add_up_to_the_brier_score(cases: list[tuple[float, int]]) -> None:
    given, truth = arrays(cases)
    parts = murphy(given, truth)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(brier(given, truth), abs=1e-12)


@given(cases=CASES, bins=st.integers(2, 50), binning=st.sampled_from(["uniform", "quantile"]))
def test_every_case_lies_in_the_bin_it_is_counted_in(cases: list[tuple[float, int]], bins: int, binning: str) -> None:
    given, truth = arrays(cases)
    edges = bin_edges(given, bins, binning)  # type: ignore[arg-type]
    filled = fill_bins(given, truth, edges, 0.95)
    assert sum(one.count for one in filled) == len(given)
    for place, one in enumerate(filled):
        last = place == len(filled) - 1
        inside = (given >= one.low) & ((given <= one.high) if last else (given < one.high))
        assert one.count == inside.sum()


def test_limits_of_bins_belong_to_the_upper_bin() -> None:
    given = np.array([0.29, 0.3, 0.7, 1.0])
    filled = fill_bins(given, np.ones(4), bin_edges(given, 10, "uniform"), 0.95)
    assert [one.count for one in filled] == [0, 0, 1, 1, 0, 0, 0, 1, 0, 1]


def test_platt_is_scikit_learns() -> None:
    given, truth = record(4000, 2.0)
    oracle = _SigmoidCalibration().fit(log_odds(given), truth)
    a, b = platt(log_odds(given), truth)
    assert (a, b) == pytest.approx((oracle.a_, oracle.b_), abs=1e-5)
    assert fit("platt", given, truth).apply(given) == pytest.approx(oracle.predict(log_odds(given)), abs=1e-5)


@given(cases=CASES)
def test_isotonic_is_scikit_learns(cases: list[tuple[float, int]]) -> None:
    given, truth = arrays(cases)
    grid = np.linspace(0, 1, 41)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(given, truth)
    assert fit("isotonic", given, truth).apply(grid) == pytest.approx(oracle.predict(grid), abs=1e-9)
    thresholds, values = isotonic(given, truth)
    assert (np.diff(values) >= -1e-12).all()
    assert (np.diff(thresholds) > 0).all()


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_temperature_is_the_most_likely_one(sharpness: float) -> None:
    given, truth = record(2000, sharpness)
    odds = log_odds(given)
    oracle = minimize_scalar(
        lambda t: log_loss(1 / (1 + np.exp(-odds / t)), truth), bounds=(0.01, 50), method="bounded"
    )
    assert temperature(odds, truth) == pytest.approx(oracle.x, rel=1e-4)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_temperature_finds_how_far_a_long_record_exaggerates(sharpness: float) -> None:
    # One standard error is about 5 % at 2,000 cases and half a per cent here.
    given, truth = record(200_000, sharpness)
    assert temperature(log_odds(given), truth) == pytest.approx(sharpness, rel=0.02)


@given(cases=CASES, method=st.sampled_from(["platt", "isotonic", "temperature"]))
def test_every_correction_gives_probabilities_whatever_the_record(cases: list[tuple[float, int]], method: str) -> None:
    given, truth = arrays(cases)
    found = fit(method, given, truth).apply(np.linspace(0, 1, 21))  # type: ignore[arg-type]
    assert ((found >= 0) & (found <= 1)).all()


def test_lists_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        evaluate([0.5, 0.5], [1], Request())
    assert caught.value.details[0].path == "/outcomes"
    with pytest.raises(InvalidArgumentError) as caught:
        evaluate([0.5, 0.5], [1, 0], Request(apply_to=[0.5]))
    assert caught.value.details[0].path == "/apply_to"

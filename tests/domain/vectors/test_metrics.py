"""The six measures against their definitions, scipy, and the laws a measure keeps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.spatial import distance as oracle

from app.a2a.mcp.domain.vectors.metrics import METRICS, Metric, compare_pair, compare_rows
from app.a2a.mcp.errors import InvalidArgumentError

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False, width=32)
PAIRS = npst.arrays(np.float64, st.tuples(st.just(2), st.integers(1, 12)), elements=NUMBERS)
ANY_METRIC = st.sampled_from(METRICS)
ORACLES = {
    "cosine": oracle.cosine,
    "euclidean": oracle.euclidean,
    "manhattan": oracle.cityblock,
    "dot_product": lambda a, b: -np.dot(a, b),
    "jaccard": lambda a, b: oracle.jaccard(a != 0, b != 0),
    "hamming": lambda a, b: oracle.hamming(a, b) * len(a),
}


@given(PAIRS, ANY_METRIC)
def test_a_measure_is_symmetric(pair: np.ndarray, metric: Metric) -> None:
    there, back = compare_pair(*pair.tolist(), metric), compare_pair(*pair[::-1].tolist(), metric)
    assert there == back


@given(PAIRS, ANY_METRIC)
def test_a_measure_stays_in_its_bounds(pair: np.ndarray, metric: Metric) -> None:
    found = compare_pair(*pair.tolist(), metric)
    if metric == "dot_product":
        assert found.distance == -found.similarity
        return
    assert found.distance >= 0
    assert (-1 if metric == "cosine" else 0) <= found.similarity <= 1


@given(PAIRS, ANY_METRIC, st.randoms())
def test_the_order_of_dimensions_does_not_matter(pair: np.ndarray, metric: Metric, random: object) -> None:
    order = np.random.default_rng(len(pair[0])).permutation(pair.shape[1])
    plain, mixed = compare_pair(*pair.tolist(), metric), compare_pair(*pair[:, order].tolist(), metric)
    scale = 1 + float(np.abs(pair).max()) ** 2 if metric == "dot_product" else 1 + float(np.abs(pair).max())
    assert mixed.similarity == pytest.approx(plain.similarity, abs=1e-12 * scale * pair.shape[1])


@given(PAIRS, ANY_METRIC)
def test_scipy_agrees(pair: np.ndarray, metric: Metric) -> None:
    first, second = pair
    found = compare_pair(first.tolist(), second.tolist(), metric)
    if found.degenerate:
        assert metric in ("cosine", "jaccard")
        return
    if metric == "cosine" and min(np.linalg.norm(first), np.linalg.norm(second)) < 1e-30:
        # scipy squares without scaling and loses such vectors.
        return
    assert found.distance == pytest.approx(float(ORACLES[metric](first, second)), rel=1e-9, abs=1e-9)


@given(npst.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=NUMBERS), ANY_METRIC)
@settings(max_examples=50)
def test_a_batch_gives_each_pair_the_number_it_has_alone(rows: np.ndarray, metric: Metric) -> None:
    together = compare_rows(rows[0], rows, metric)
    for place, row in enumerate(rows):
        alone = compare_pair(rows[0].tolist(), row.tolist(), metric)
        assert (together.similarity[place], together.distance[place]) == (alone.similarity, alone.distance)


@pytest.mark.parametrize("scale", [5e-324, 1e-200, 1.0, 1e200, 1.7e308])
def test_cosine_survives_every_scale(scale: float) -> None:
    assert compare_pair([scale, scale], [scale, scale], "cosine").similarity == pytest.approx(1.0)
    assert compare_pair([scale, 0.0], [0.0, scale], "cosine").similarity == 0.0
    assert compare_pair([scale, -scale], [-1.0, 1.0], "cosine").similarity == pytest.approx(-1.0)


def test_euclidean_survives_overflow_of_squares() -> None:
    assert compare_pair([1e200, 0.0], [0.0, 1e200], "euclidean").distance == pytest.approx(math.sqrt(2) * 1e200)
    assert compare_pair([1e-200], [3e-200], "euclidean").distance == pytest.approx(2e-200)


@pytest.mark.parametrize(
    ("metric", "first", "second"),
    [
        ("dot_product", [1e200, 1e200], [1e200, -1e200]),
        ("dot_product", [1e308], [10.0]),
        ("euclidean", [1.7e308], [-1.7e308]),
        ("manhattan", [1e308, 1e308], [0.0, 0.0]),
    ],
)
def test_results_beyond_a_float_are_refused(metric: Metric, first: list[float], second: list[float]) -> None:
    with pytest.raises(InvalidArgumentError, match="beyond a 64-bit float"):
        compare_pair(first, second, metric)


def test_vectors_without_direction_are_degenerate() -> None:
    for first, second in [([0.0, 0.0], [1.0, 2.0]), ([1.0], [0.0]), ([0.0], [0.0])]:
        found = compare_pair(first, second, "cosine")
        assert (found.similarity, found.distance, found.degenerate) == (0.0, 1.0, True)
    empty = compare_pair([0.0], [-0.0], "jaccard")
    assert (empty.similarity, empty.degenerate) == (1.0, True)


def test_unit_length_is_checked_when_it_is_claimed() -> None:
    found = compare_pair([0.6, 0.8], [0.8, 0.6], "cosine", normalize=False)
    assert found.similarity == pytest.approx(0.96)
    assert compare_pair([1.0009], [1.0], "cosine", normalize=False).similarity == 1.0
    for wrong in ([1.002], [1e200], [0.0]):
        with pytest.raises(InvalidArgumentError, match="/vector2"):
            compare_pair([1.0], wrong, "cosine", normalize=False)


def test_a_threshold_binarises() -> None:
    first, second = [0.2, 0.6, 0.9], [0.4, 0.1, 0.8]
    assert compare_pair(first, second, "jaccard").similarity == 1.0
    assert compare_pair(first, second, "jaccard", threshold=0.5).similarity == 0.5
    assert compare_pair(first, second, "hamming", threshold=0.5).distance == 1
    assert compare_pair(first, second, "hamming").distance == 3
    assert compare_pair([0.5], [0.6], "jaccard", threshold=0.5).similarity == 0.0

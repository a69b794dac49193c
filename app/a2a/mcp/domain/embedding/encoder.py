"""The Universal Sentence Encoder's forward pass in numpy (float32), over windows of bounded size.

Architecture: Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval": token
table, three residual convolution branches of order 2, 3 and 5, layer norm, sum over tokens divided by the
root of their number, a residual feed-forward net, tanh, unit length. Windows carry the context that the
convolutions reach, so a long text gets the vector it would get in one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.embedding import weights
from app.a2a.mcp.domain.embedding.protocol import Embedded, ModelName
from app.a2a.mcp.domain.embedding.tokens import Tokenizer, Window, windows
from app.a2a.mcp.errors import InvalidArgumentError

Matrix = NDArray[np.float32]

LEFT_CONTEXT = {2: 0, 3: 1, 5: 2}
# Tokens in one pass: enough to read each weight matrix once for many texts, about 8 MB of scratch.
BATCH_TOKENS = 512
FEATURES = weights.WIDTH + len(weights.ORDERS) * weights.BRANCH


class UniversalSentenceEncoder:
    """The `Embedder` of this project; holds only read-only arrays, so threads may share it."""

    def __init__(self, loaded: weights.Weights, projection: Matrix | None = None) -> None:
        self._table = loaded.table
        self._layers = loaded.layers
        self._tokenizer = Tokenizer(loaded.tokenizer)
        self._projection = projection
        self._project_in = np.concatenate([loaded.layers[f"proj{n}"] for n in weights.ORDERS], axis=1)
        self._epsilon = float(loaded.layers["eps"][0])
        self.mapped = loaded.mapped

    @property
    def model(self) -> ModelName:
        return ModelName(weights.MODEL_NAME, weights.WEIGHTS_SHA256)

    @property
    def dimensions(self) -> tuple[int, ...]:
        return (weights.WIDTH,) if self._projection is None else (weights.WIDTH, self._projection.shape[1])

    def embed(self, texts: Sequence[str], dimensions: int | None = None, *, normalize: bool = True) -> Embedded:
        """Embed texts; unit rows of 512 (or 256) float32, zero rows for texts without a token."""
        if dimensions is not None and dimensions not in self.dimensions:
            raise InvalidArgumentError.at("/dimensions", f"offered are {self.dimensions}")
        sums = np.zeros((len(texts), FEATURES), dtype=np.float32)
        lengths = np.zeros(len(texts), dtype=np.int64)
        truncated: list[int] = []
        for batch in _batches(self._windows(texts, lengths, truncated)):
            self._add(batch, sums)
        blank = np.flatnonzero(lengths == 0)
        vectors = self._finish(sums, np.maximum(lengths, 1).astype(np.float32))
        if dimensions is not None and self._projection is not None and dimensions != weights.WIDTH:
            vectors = vectors @ self._projection
            vectors = _unit(vectors, self._epsilon) if normalize else vectors
        vectors[blank] = 0.0
        return Embedded(vectors, tuple(truncated), tuple(int(index) for index in blank))

    def _windows(self, texts: Sequence[str], lengths: NDArray[np.int64], truncated: list[int]) -> Iterator[Window]:
        for index, text in enumerate(texts):
            ids, cut = self._tokenizer.encode(text)
            lengths[index] = len(ids)
            if cut:
                truncated.append(index)
            yield from windows(index, ids)

    def _add(self, batch: list[Window], sums: Matrix) -> None:
        features = self._features(batch)
        offset = 0
        for window in batch:
            counted = features[offset + window.start : offset + window.stop]
            sums[window.text] += counted.sum(axis=0)
            offset += len(window.ids)

    def _features(self, batch: list[Window]) -> Matrix:
        """Layer-normalised features of every token in the batch, (tokens, 1280)."""
        sizes = np.array([len(window.ids) for window in batch])
        total = int(sizes.sum())
        flat = np.fromiter(chain.from_iterable(window.ids for window in batch), dtype=np.int64, count=total)
        chunk = flat % weights.CHUNKS
        features = np.empty((total, FEATURES), dtype=np.float32)
        embedded = features[:, : weights.WIDTH]
        embedded[:] = self._table[flat]
        embedded *= self._layers["scale"][chunk, None]
        embedded += self._layers["lo"][chunk, None]
        branches = embedded @ self._project_in + self._joined("proj_b")
        branches = self._norm(branches, self._joined("ln_g"), self._joined("ln_b"))
        neighbours = _neighbours(sizes, total)
        for number, order in enumerate(weights.ORDERS):
            start = number * weights.BRANCH
            columns = neighbours[:, 2 - LEFT_CONTEXT[order] :][:, :order]
            mixed = self._convolve(branches[:, start : start + weights.BRANCH], columns, order)
            features[:, weights.WIDTH + start :][:, : weights.BRANCH] = mixed
        return self._norm(features, self._layers["ln_g"], self._layers["ln_b"])

    def _convolve(self, values: Matrix, columns: NDArray[np.int64], order: int) -> Matrix:
        padded = np.zeros((len(values) + 1, weights.BRANCH), dtype=np.float32)
        for layer in ("1", "2"):
            padded[:-1] = values
            gathered = padded[columns].reshape(len(values), order * weights.BRANCH)
            hidden = gathered @ self._layers[f"w{layer}_{order}"] + self._layers[f"b{layer}_{order}"]
            values = np.maximum(hidden, 0.0) + values
        return values

    def _finish(self, sums: Matrix, lengths: Matrix) -> Matrix:
        layer = self._layers
        mean = sums @ layer["cnn_W"] + lengths[:, None] * layer["cnn_b"]
        mean /= np.sqrt(lengths)[:, None]
        first = np.maximum(mean @ layer["d0"], 0.0)
        second = np.maximum(mean @ layer["p1"] + first @ layer["d1"], 0.0)
        third = np.maximum(second @ layer["d2"], 0.0)
        return _unit(np.tanh(second @ layer["p3"] + third @ layer["d3"]), self._epsilon)

    def _joined(self, prefix: str) -> Matrix:
        return np.concatenate([self._layers[f"{prefix}{order}"] for order in weights.ORDERS])

    def _norm(self, values: Matrix, gain: Matrix, bias: Matrix) -> Matrix:
        centred = values - values.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + self._epsilon)
        scaled: Matrix = centred / spread * gain + bias
        return scaled


def open_embedder(directories: Sequence[Path] = ()) -> UniversalSentenceEncoder:
    """Load the model, mapping its weights from the first of `directories` that holds or can take them."""
    return UniversalSentenceEncoder(weights.load(tuple(directories)), _projection())


def _projection() -> Matrix | None:
    # Fitted by bench/fit_projection.py; orthonormal columns, so cosines are kept as well as 256 numbers can.
    path = Path(__file__).with_name("projection_256.npy")
    return np.load(path, allow_pickle=False).astype(np.float32) if path.is_file() else None


def _batches(source: Iterable[Window]) -> Iterator[list[Window]]:
    batch: list[Window] = []
    tokens = 0
    for window in attended(source):
        if batch and tokens + len(window.ids) > BATCH_TOKENS:
            yield batch
            batch, tokens = [], 0
        batch.append(window)
        tokens += len(window.ids)
    if batch:
        yield batch


def _neighbours(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Row t: positions t-2 … t+4 in the flat batch, `total` (a zero row) where another window begins."""
    ends = np.repeat(np.cumsum(sizes), sizes)
    starts = ends - np.repeat(sizes, sizes)
    positions = np.arange(total)[:, None] + np.arange(-2, 5)
    inside = (positions >= starts[:, None]) & (positions < ends[:, None])
    return np.where(inside, positions, total)


def _unit(rows: Matrix, epsilon: float) -> Matrix:
    squares = np.maximum(np.einsum("ij,ij->i", rows, rows), epsilon)
    scaled: Matrix = rows / np.sqrt(squares)[:, None]
    return scaled

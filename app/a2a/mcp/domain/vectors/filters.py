"""Metadata filters: every key must have one of the values allowed for it; true is not 1, and 1 is 1.0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.a2a.mcp.domain.vectors.record import Scalar, metadata_bytes, metadata_of

Filter = Mapping[str, Scalar | Sequence[Scalar]]
Accept = Callable[[bytes], bool]

_PLAIN = 2**53


def compile_filter(wanted: Filter | None) -> Accept | None:
    """A test on stored metadata, None when everything passes."""
    if not wanted:
        return None
    allowed = {key: {_tagged(value) for value in _values(values)} for key, values in wanted.items()}
    # Stored metadata is canonical JSON, so most records are told apart without parsing them.
    needles = [_needle(key, values) for key, values in wanted.items()]

    def accept(stored: bytes) -> bool:
        if not all(needle in stored for needle in needles):
            return False
        metadata = metadata_of(stored)
        return all(key in metadata and _tagged(metadata[key]) in values for key, values in allowed.items())

    return accept


def _needle(key: str, values: Scalar | Sequence[Scalar]) -> bytes:
    """What the canonical JSON of every match contains: the key, and the value where its spelling is certain."""
    if isinstance(values, float) and values.is_integer():
        values = int(values)
    # As 7 is how 7.0 begins; but zero may be -0.0, and past 2**53 a whole float is spelled unlike its integer.
    certain = isinstance(values, (str, float)) or (isinstance(values, int) and 0 < abs(values) < _PLAIN)
    if certain and isinstance(values, (str, int, float)):
        return metadata_bytes({key: values})[1:-1]
    return metadata_bytes({key: 0})[1:-2]


def _values(values: Scalar | Sequence[Scalar]) -> Sequence[Scalar]:
    return (values,) if isinstance(values, (str, int, float, bool)) else values


def _tagged(value: Scalar) -> tuple[str, Scalar]:
    # In Python True equals 1 and hashes alike; in JSON they are different things.
    kind = "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return kind, value

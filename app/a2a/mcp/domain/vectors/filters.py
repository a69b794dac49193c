"""Metadata filters: every key must have one of the values allowed for it; true is not 1, and 1 is 1.0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.a2a.mcp.domain.vectors.record import Scalar, metadata_bytes, metadata_of

Filter = Mapping[str, Scalar | Sequence[Scalar]]
Accept = Callable[[bytes], bool]


def compile_filter(wanted: Filter | None) -> Accept | None:
    """A test on stored metadata, None when everything passes."""
    if not wanted:
        return None
    allowed = {key: {_tagged(value) for value in _values(values)} for key, values in wanted.items()}
    # Stored metadata is canonical JSON, so most records are told apart without parsing them.
    needles = [metadata_bytes({key: 0})[1:-2] for key in wanted]
    needles += [metadata_bytes({key: value})[1:-1] for key, value in wanted.items() if isinstance(value, str)]

    def accept(stored: bytes) -> bool:
        if not all(needle in stored for needle in needles):
            return False
        metadata = metadata_of(stored)
        return all(key in metadata and _tagged(metadata[key]) in values for key, values in allowed.items())

    return accept


def _values(values: Scalar | Sequence[Scalar]) -> Sequence[Scalar]:
    return (values,) if isinstance(values, (str, int, float, bool)) else values


def _tagged(value: Scalar) -> tuple[str, Scalar]:
    # In Python True equals 1 and hashes alike; in JSON they are different things.
    kind = "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return kind, value

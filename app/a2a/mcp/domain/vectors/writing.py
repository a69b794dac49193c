"""Checking what a caller wants to store, and turning it into records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.attributes import Attributes
from app.a2a.mcp.domain.vectors.batch import MAX_NUMBERS, reject_duplicates
from app.a2a.mcp.domain.vectors.record import (
    DIGEST_BYTES,
    Metadata,
    Record,
    decode,
    encode,
    metadata_bytes,
    single_precision,
)
from app.a2a.mcp.domain.vectors.scan import StoredMetric
from app.a2a.mcp.errors import ConflictError, Detail, InvalidArgumentError, LimitExceededError


@dataclass(frozen=True, slots=True)
class Item:
    """A vector to keep: given as numbers or as a text to embed, exactly one of the two."""

    id: str
    vector: Sequence[float] | None
    text: str | None
    metadata: Metadata | None


@dataclass(frozen=True, slots=True)
class Batch:
    """One write as asked for; `metric` None means the collection's own, cosine for a new one."""

    items: Sequence[Item]
    delete_ids: Sequence[str]
    metric: StoredMetric | None
    create: bool
    drop: bool


def check_batch(batch: Batch) -> None:
    """What can be said without knowing the collection; raises InvalidArgumentError or LimitExceededError."""
    ids = [item.id for item in batch.items]
    reject_duplicates(ids, "/items/{}/id")
    both = set(ids) & set(batch.delete_ids)
    details = [
        Detail(f"/delete_ids/{place}", "is written by the same call")
        for place, name in enumerate(batch.delete_ids)
        if name in both
    ]
    details += [
        Detail(f"/items/{place}", "needs exactly one of vector and text")
        for place, item in enumerate(batch.items)
        if (item.vector is None) == (item.text is None)
    ]
    if batch.drop and batch.delete_ids:
        details.append(Detail("/delete_ids", "have no meaning with drop, which deletes everything"))
    if details:
        raise InvalidArgumentError("; ".join(f"{d.path} {d.reason}" for d in details[:3]), details[:20])
    numbers = sum(len(item.vector) for item in batch.items if item.vector is not None)
    if numbers > MAX_NUMBERS:
        raise LimitExceededError(f"{numbers} numbers in all vectors together, at most {MAX_NUMBERS} are taken")


def fitting_attributes(
    batch: Batch, known: Attributes | None, model: str | None, model_dimensions: int
) -> Attributes | None:
    """The collection's attributes, from its first item when it is new; None when nothing can fix them.

    Raises InvalidArgumentError naming each item of another size, or ConflictError for mixed models.
    """
    if batch.items:
        first = batch.items[0]
        dimensions = len(first.vector) if first.vector is not None else model_dimensions
        own = None if first.text is None else model
        known = known or Attributes(dimensions, batch.metric or "cosine", own)
        _check_kind(batch.items, known, model)
        _check_sizes(batch.items, known)
    if known is not None and batch.metric not in (None, known.metric):
        raise InvalidArgumentError.at("/metric", f"the collection's metric is {known.metric}")
    return known


def digest_of(text: str) -> bytes:
    """What tells that a text was embedded before."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:DIGEST_BYTES]


def reusable(texts: Mapping[str, str], stored: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    """Vectors, by id, of texts that are stored already: the same text keeps its very vector."""
    found = {}
    for name, value in stored.items():
        record = decode(value)
        if record.digest and record.digest == digest_of(texts[name]):
            found[name] = record.vector
    return found


def records_of(items: Sequence[Item], embedded: Mapping[str, NDArray[np.float32]]) -> list[tuple[str, bytes]]:
    """The records to put; `embedded` holds the vectors of the items with a text."""
    records = []
    for place, item in enumerate(items):
        metadata = metadata_bytes(item.metadata)
        if item.text is not None:
            record = Record(embedded[item.id], metadata, digest_of(item.text))
        else:
            record = Record(single_precision(item.vector or (), f"/items/{place}/vector"), metadata)
        records.append((item.id, encode(record)))
    return records


def _check_kind(items: Sequence[Item], known: Attributes, model: str | None) -> None:
    for place, item in enumerate(items):
        if item.text is not None and known.model is None:
            reason = "the collection holds vectors that callers bring: send vector, or use another collection"
            raise InvalidArgumentError.at(f"/items/{place}/text", reason)
        if item.vector is not None and known.model is not None:
            reason = "the collection holds texts embedded by the server: send text, or use another collection"
            raise InvalidArgumentError.at(f"/items/{place}/vector", reason)
    if known.model is not None and known.model != model:
        raise ConflictError(
            f"the collection was embedded by revision {known.model[:12]}, this server has {str(model)[:12]}: "
            "vectors of two models cannot be compared; write all texts again with drop true"
        )


def _check_sizes(items: Sequence[Item], known: Attributes) -> None:
    details = [
        Detail(f"/items/{place}/vector", f"dimensions {known.dimensions} expected, {len(item.vector)} given")
        for place, item in enumerate(items)
        if item.vector is not None and len(item.vector) != known.dimensions
    ]
    if details:
        raise InvalidArgumentError("; ".join(f"{d.path} {d.reason}" for d in details[:3]), details[:20])

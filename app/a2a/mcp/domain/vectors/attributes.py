"""What the first write fixes for a collection: the size of its vectors, the metric, the model of its texts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from app.a2a.mcp.domain.vectors.scan import STORED_METRICS, StoredMetric


@dataclass(frozen=True, slots=True)
class Attributes:
    """`model` is the revision that embedded the collection's texts, None when callers bring vectors."""

    dimensions: int
    metric: StoredMetric
    model: str | None

    def encode(self) -> str:
        """Canonical JSON: the store compares attributes as text."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Self:
        """The inverse of `encode`."""
        raw = json.loads(text)
        return cls(int(raw["dimensions"]), STORED_METRICS[raw["metric"]], raw["model"])

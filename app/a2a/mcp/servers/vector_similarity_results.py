"""What the tools of vector_similarity take and return."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from app.a2a.mcp.core import ToolInput, ToolOutput
from app.a2a.mcp.domain.vectors.batch import Match

MAX_DIMENSIONS = 4096
# Stored vectors are 32-bit: this keeps sums of their squares in range.
STORED_BOUND = 1e15
MAX_METADATA_CHARACTERS = 1000
MAX_FILTER_VALUES = 100
SAFE_NUMBER = 1e300

Number = Annotated[float, Field(allow_inf_nan=False)]
Vector = Annotated[list[Number], Field(min_length=1, max_length=MAX_DIMENSIONS)]
StoredNumber = Annotated[float, Field(allow_inf_nan=False, ge=-STORED_BOUND, le=STORED_BOUND)]
StoredVector = Annotated[list[StoredNumber], Field(min_length=1, max_length=MAX_DIMENSIONS)]
Identifier = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(min_length=1, max_length=8000)]
StoredMetric = Literal["cosine", "euclidean", "dot_product"]
MetadataKey = Annotated[str, Field(min_length=1, max_length=128)]


def _scalar(value: object) -> object:
    """One sentence for what would otherwise be a refusal of each kind of value."""
    if isinstance(value, str):
        if len(value) > MAX_METADATA_CHARACTERS:
            raise ValueError(f"must have at most {MAX_METADATA_CHARACTERS} characters")
    elif not isinstance(value, (bool, int, float)) or abs(value) > SAFE_NUMBER or not math.isfinite(value):
        raise ValueError("must be a string, true or false, or a finite number within ±1e300")
    return value


def _scalars(value: object) -> object:
    if isinstance(value, list):
        if not 1 <= len(value) <= MAX_FILTER_VALUES:
            raise ValueError(f"must name 1 to {MAX_FILTER_VALUES} values")
        return [_scalar(one) for one in value]
    return _scalar(value)


_Scalar = Annotated[str, Field(max_length=MAX_METADATA_CHARACTERS)] | bool | int | float
MetadataValue = Annotated[_Scalar, BeforeValidator(_scalar)]
_Scalars = Annotated[list[_Scalar], Field(min_length=1, max_length=MAX_FILTER_VALUES)]
FilterValue = Annotated[_Scalar | _Scalars, BeforeValidator(_scalars)]


class Candidate(ToolInput):
    """A vector to rank, with the id it is reported by."""

    id: Identifier
    vector: Vector


class StoredItem(ToolInput):
    """A vector to keep: exactly one of `vector` and `text`."""

    id: Identifier
    vector: StoredVector | None = None
    text: Annotated[Text | None, Field(description="embedded as by embed_texts (512 numbers)")] = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue] | None, Field(max_length=16, description="to filter searches by")
    ] = None


class VectorSimilarity(ToolOutput):
    """How two vectors compare; `degenerate` says that the pair has no meaningful value (a vector without direction)."""

    similarity: float
    distance: float
    metric: str
    normalized: bool
    vector_dimensions: int
    degenerate: bool


class RankedCandidate(ToolOutput):
    """A candidate and how near it is."""

    id: str
    rank: int
    similarity: float
    distance: float
    degenerate: bool
    vector: list[float] | None = None


def ranked_candidates(
    found: Sequence[Match], ids: Sequence[str], vectors: Sequence[list[float]] | None
) -> list[RankedCandidate]:
    """The matches as results, with their vectors where these are given."""
    return [
        RankedCandidate(
            id=ids[match.index],
            rank=match.rank,
            similarity=match.similarity,
            distance=match.distance,
            degenerate=match.degenerate,
            **({"vector": vectors[match.index]} if vectors else {}),
        )
        for match in found
    ]


class BatchSimilarity(ToolOutput):
    """The best candidates, nearest first."""

    results: list[RankedCandidate]
    query_vector_dim: int
    candidates_processed: int
    results_returned: int
    metric_used: str
    threshold_applied: float | None


class UpsertedVectors(ToolOutput):
    """What a write did; dimensions and metric are null when the collection does not exist."""

    collection: str
    dimensions: int | None
    metric: str | None
    inserted: int
    updated: int
    deleted: int
    size: int
    version: int


class Neighbour(ToolOutput):
    """A stored vector near the query."""

    id: str
    rank: int
    similarity: float
    distance: float
    metadata: dict[str, str | bool | int | float]


class FoundVectors(ToolOutput):
    """Neighbours, nearest first; `exact` says that none can be missing, `searched` how many were compared exactly."""

    results: list[Neighbour]
    collection_size: int
    version: int
    exact: bool
    searched: int


class Model(ToolOutput):
    """Which model made the vectors; cosines compare only within one revision."""

    name: str
    revision_sha256: str


class EmbeddedTexts(ToolOutput):
    """One vector for each text; `truncated` lists the indexes of texts that were read in part."""

    vectors: list[list[float]]
    dimensions: int
    model: Model
    truncated: list[int]

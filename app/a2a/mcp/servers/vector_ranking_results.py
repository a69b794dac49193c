"""What the tools of vector_ranking answer, and the objects inside their arguments."""

from typing import Annotated

from pydantic import Field

from app.a2a.mcp.core import ToolInput, ToolOutput
from app.a2a.mcp.domain.ranking.bm25 import Variant
from app.a2a.mcp.domain.ranking.fusion import FusionMethod
from app.a2a.mcp.domain.ranking.hybrid import DEFAULT_WEIGHTS, Component, FusionKind
from app.a2a.mcp.domain.ranking.recency import DEFAULT_HALF_LIFE_DAYS
from app.a2a.mcp.domain.ranking.vector_order import RankMetric
from app.a2a.mcp.servers.vector_ranking_documents import MAX_DOCUMENTS, Identifier, Name, Time

MAX_SCORE = 1e300

Share = Annotated[float, Field(ge=0, le=1000)]


class RankingWeights(ToolInput):
    """How much each kind of evidence counts; one left out keeps its default, only the proportions matter."""

    vectorSimilarity: Share = DEFAULT_WEIGHTS["vectorSimilarity"]  # noqa: N815 - the wire's name
    bm25Score: Share = DEFAULT_WEIGHTS["bm25Score"]  # noqa: N815
    pageRankScore: Share = DEFAULT_WEIGHTS["pageRankScore"]  # noqa: N815
    contextualRelevance: Share = DEFAULT_WEIGHTS["contextualRelevance"]  # noqa: N815


class UserPreferences(ToolInput):
    """What the one who searches likes."""

    preferred_categories: list[Name] = Field(default_factory=list, max_length=100, description="case does not matter")


class SearchContext(ToolInput):
    """The part of the ranking that is about the searcher and the time."""

    user_preferences: UserPreferences | None = None
    recency_weight: float = Field(default=0.0, ge=0, le=1, description="share of recency in contextualRelevance")
    half_life_days: float = Field(default=DEFAULT_HALF_LIFE_DAYS, ge=0.01, le=100_000)
    reference_time: Annotated[
        Time | None, Field(description="what counts as now; absent: the newest timestamp given")
    ] = None


class RankedItem(ToolInput):
    """One entry of a list to fuse."""

    id: Identifier
    score: float | None = Field(default=None, ge=-MAX_SCORE, le=MAX_SCORE)


class NamedRanking(ToolInput):
    """A list to fuse, best first."""

    name: Name
    results: list[RankedItem] = Field(max_length=MAX_DOCUMENTS)


class RankedDocument(ToolOutput):
    """A document in the hybrid ranking."""

    id: str
    rank: int
    hybrid_score: float = Field(alias="hybridScore")
    ranking_components: dict[Component, float] = Field(
        alias="rankingComponents", description="the evidence for this document, each 0..1"
    )
    components_missing: list[Component] = Field(description="evidence others have and this one lacks: shared out")


class SkippedComponent(ToolOutput):
    """Evidence that no document could be judged by."""

    name: Component
    reason: str


class RankingMetadata(ToolOutput):
    """How a hybrid ranking came about."""

    weights_used: dict[Component, float] = Field(description="adding up to 1; with rrf each used component counts 1")
    components_used: list[Component]
    components_skipped: list[SkippedComponent]
    fusion: FusionKind
    diversity_applied: bool
    total_candidates: int
    truncated: list[str] = Field(description="ids of documents of which only the beginning was embedded")
    degraded: bool = Field(description="true when embed_missing was asked for and the embedding server did not answer")


class PerformanceMetrics(ToolOutput):
    """What the ranking cost."""

    elapsed_ms: float = Field(description="wall time; the only part of the answer that differs between equal calls")
    embedded_texts: int


class HybridRanking(ToolOutput):
    """The best documents, by all the evidence there is."""

    ranked_results: list[RankedDocument]
    ranking_metadata: RankingMetadata
    performance_metrics: PerformanceMetrics


class CorpusStatistics(ToolOutput):
    """What the scores are relative to."""

    total_documents: int
    avg_doc_length: float = Field(description="in words")
    total_tokens: int


class Bm25Parameters(ToolOutput):
    """What the scores were computed with."""

    k1: float
    b: float
    variant: Variant
    normalize: str
    stem: str


class TermDetail(ToolOutput):
    """What one term adds to one document's score, before normalization."""

    term: str
    frequency: int
    document_frequency: int
    idf: float
    score: float


class Bm25Detail(ToolOutput):
    """One document's score taken apart."""

    length: int
    terms: list[TermDetail] = Field(description="only terms that occur")


class Bm25Scores(ToolOutput):
    """BM25 of each document."""

    scores: dict[str, float]
    query_terms: list[str]
    corpus_stats: CorpusStatistics
    parameters: Bm25Parameters
    score_details: dict[str, Bm25Detail] | None = Field(default=None, description="with return_details")


class PageRankMetadata(ToolOutput):
    """How the authority scores came about."""

    iterations_run: int
    converged: bool = Field(description="false: the iterations ran out first, the scores are an approximation")
    damping_factor: float
    num_documents: int
    num_links: int
    dangling: list[str] = Field(description="documents without a counted link")
    unknown_targets: list[str] = Field(description="linked ids that are no document here; such links are dropped")


class PageRankScores(ToolOutput):
    """PageRank of each document, summing to 1."""

    scores: dict[str, float]
    metadata: PageRankMetadata


class RankedVector(ToolOutput):
    """A vector in the order."""

    id: str
    rank: int
    similarity: float
    mmr_score: float | None = Field(default=None, description="with mmr_lambda: the score it was picked by")


class VectorRankingMetadata(ToolOutput):
    """How vectors were ranked."""

    metric: RankMetric
    normalized: bool
    vector_dimensions: int
    total_candidates: int
    diversified: bool
    degenerate: list[str] = Field(description="ids whose similarity has no meaning: a vector without direction")


class VectorRanking(ToolOutput):
    """Document vectors, nearest first."""

    results: list[RankedVector]
    similarities: dict[str, float] = Field(description="of every document, listed or not")
    metadata: VectorRankingMetadata


class FusedItem(ToolOutput):
    """An entry of the merged list."""

    id: str
    rank: int
    score: float
    contributions: dict[str, float] = Field(description="what each list gave it, weighted")


class FusedRanking(ToolOutput):
    """Several rankings as one."""

    results: list[FusedItem]
    method: FusionMethod
    lists_fused: int

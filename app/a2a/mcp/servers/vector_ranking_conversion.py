"""Between what the tools of vector_ranking take and answer and what the domain knows."""

from collections.abc import Sequence
from typing import cast

from app.a2a.mcp.domain.ranking.bm25 import Relevance
from app.a2a.mcp.domain.ranking.embedding import Asked
from app.a2a.mcp.domain.ranking.fusion import Ranking
from app.a2a.mcp.domain.ranking.hybrid import DEFAULT_WEIGHTS, Component, Context, Hybrid
from app.a2a.mcp.domain.ranking.recency import parse_time
from app.a2a.mcp.domain.vectors.batch import reject_duplicates
from app.a2a.mcp.errors import Detail, InvalidArgumentError
from app.a2a.mcp.servers.vector_ranking_documents import NamedItem
from app.a2a.mcp.servers.vector_ranking_results import (
    Bm25Detail,
    NamedRanking,
    RankingMetadata,
    RankingWeights,
    SearchContext,
    SkippedComponent,
    TermDetail,
)


def weights_of(given: RankingWeights | None) -> dict[Component, float]:
    """The weights by component. Raises InvalidArgumentError when none is above 0."""
    weights = dict(DEFAULT_WEIGHTS) if given is None else cast(dict[Component, float], given.model_dump())
    if not any(weights.values()):
        raise InvalidArgumentError.at("/ranking_weights", "must give some component a weight")
    return weights


def context_of(given: SearchContext | None) -> Context:
    """The context as the domain knows it; categories compare case-folded."""
    if given is None:
        return Context()
    preferred = given.user_preferences.preferred_categories if given.user_preferences else []
    return Context(
        frozenset(name.casefold() for name in preferred),
        given.recency_weight,
        given.half_life_days,
        parse_time(given.reference_time) if given.reference_time else None,
    )


def ranking_metadata(hybrid: Hybrid, asked: Asked, names: Sequence[str], *, diversified: bool) -> RankingMetadata:
    """How a hybrid ranking came about."""
    return RankingMetadata(
        weights_used=hybrid.weights_used,
        components_used=list(hybrid.weights_used),
        components_skipped=[SkippedComponent(name=name, reason=reason) for name, reason in hybrid.skipped.items()],
        fusion=hybrid.fusion,
        diversity_applied=diversified,
        total_candidates=len(names),
        truncated=[names[place] for place in asked.truncated],
        degraded=asked.degraded,
    )


def bm25_detail(found: Relevance, place: int) -> Bm25Detail:
    """One document's score, word by word."""
    terms = [
        TermDetail(
            term=term,
            frequency=int(frequency[place]),
            document_frequency=found.terms[term].document_frequency,
            idf=found.terms[term].idf,
            score=float(share[place]),
        )
        for term, (frequency, share) in found.parts.items()
        if frequency[place]
    ]
    return Bm25Detail(length=int(found.lengths[place]), terms=terms)


def ranking_of(place: int, given: NamedRanking) -> Ranking:
    """A list to fuse; it has scores where every result has one. Raises InvalidArgumentError for an id given twice."""
    names = [item.id for item in given.results]
    reject_duplicates(names, f"/rankings/{place}/results/{{}}/id")
    scores = [item.score for item in given.results if item.score is not None]
    return Ranking(given.name, names, scores if len(scores) == len(names) else None)


def require_distinct(documents: Sequence[NamedItem], argument: str) -> None:
    """Raise InvalidArgumentError naming each id that was seen before (up to ten)."""
    first: dict[str, int] = {}
    details = [
        Detail(f"/{argument}/{place}/{'id' if one.id else 'docId'}", f"the same id as item {first[one.name]}")
        for place, one in enumerate(documents)
        if first.setdefault(one.name, place) != place
    ]
    if details:
        raise InvalidArgumentError(f"{len(details)} ids are given twice", details[:10])

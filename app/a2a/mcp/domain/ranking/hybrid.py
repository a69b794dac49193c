"""One ranking from four kinds of evidence: meaning (vectors), words (BM25), links (PageRank), and context.

Evidence nobody has is skipped and its weight shared out; so is, for one document, evidence that this one lacks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.ranking.bm25 import Rules, score_texts, share_of_best, tokens_of
from app.a2a.mcp.domain.ranking.diversity import Likeness, diversify
from app.a2a.mcp.domain.ranking.fusion import reciprocal_rank
from app.a2a.mcp.domain.ranking.likeness import by_direction, by_words
from app.a2a.mcp.domain.ranking.pagerank import Link, Walk, build_graph, rank_graph
from app.a2a.mcp.domain.ranking.recency import DEFAULT_HALF_LIFE_DAYS, recencies
from app.a2a.mcp.domain.vectors.metrics import compare_rows

Component = Literal["vectorSimilarity", "bm25Score", "pageRankScore", "contextualRelevance"]
COMPONENTS: tuple[Component, ...] = get_args(Component)
FusionKind = Literal["weighted", "rrf"]
DEFAULT_WEIGHTS: Mapping[Component, float] = {
    "vectorSimilarity": 0.4,
    "bm25Score": 0.3,
    "pageRankScore": 0.2,
    "contextualRelevance": 0.1,
}

Vector = NDArray[np.float64]
Evidence = list[float | None]
"""A score of 0..1 for each document, None where this document has none."""


@dataclass(frozen=True, slots=True)
class Document:
    """What may be known of a document beside its id."""

    id: str
    text: str | None = None
    vector: Vector | None = None
    links: Sequence[Link] = ()
    time: datetime | None = None
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """Who is searching: categories they prefer, and how much being recent counts in the context (0..1)."""

    preferred: frozenset[str] = frozenset()
    recency_weight: float = 0.0
    half_life_days: float = DEFAULT_HALF_LIFE_DAYS
    reference: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A document's hybrid score and the evidence it was made of; `missing` is evidence only others have."""

    score: float
    parts: dict[Component, float]
    missing: list[Component]


@dataclass(frozen=True, slots=True)
class Hybrid:
    """Scores by place; the weights add up to 1 over the components used (rrf: 1 each)."""

    scored: list[Scored]
    weights_used: dict[Component, float]
    skipped: dict[Component, str]
    fusion: FusionKind


def score_documents(
    query: str,
    query_vector: Vector | None,
    documents: Sequence[Document],
    weights: Mapping[Component, float],
    fusion: FusionKind,
    context: Context,
) -> Hybrid:
    """Score every document by all the evidence there is."""
    evidence: dict[Component, Evidence] = {}
    skipped: dict[Component, str] = {}
    for name in COMPONENTS:
        found = _NO_WEIGHT if not weights[name] else _evidence(name, query, query_vector, documents, context)
        if isinstance(found, str):
            skipped[name] = found
        else:
            evidence[name] = found
    used = {name: weights[name] for name in evidence}
    total = math.fsum(used.values())
    shares = {name: 1.0 if fusion == "rrf" else weight / total for name, weight in used.items()}
    combined = _fuse_ranks(evidence, len(documents)) if fusion == "rrf" else _mean(evidence, shares, len(documents))
    return Hybrid(
        [_scored(place, combined[place], evidence) for place in range(len(documents))], shares, skipped, fusion
    )


def compare_documents(documents: Sequence[Document]) -> Likeness | None:
    """How alike the documents are, 0..1: by vectors where all have one, else by words; None without either."""
    vectors = [document.vector for document in documents if document.vector is not None]
    if len(vectors) == len(documents):
        cosines = by_direction(np.stack(vectors))
        return lambda place: np.maximum(0.0, cosines(place))
    if any(document.text for document in documents):
        return by_words([document.text or "" for document in documents])
    return None


def order(
    hybrid: Hybrid, documents: Sequence[Document], top_k: int, diversifier: Likeness | None, balance: float
) -> list[int]:
    """The places of the `top_k` best, ties by id; with a `diversifier` in the order of marginal relevance."""
    scores = np.array([one.score for one in hybrid.scored])
    ids = [document.id for document in documents]
    if diversifier is None:
        return sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))[:top_k]
    # Weighted scores are on the scale of a likeness; sums of reciprocal ranks are far below it.
    relevance = share_of_best(scores) if hybrid.fusion == "rrf" else scores
    return [place for place, _ in diversify(relevance, diversifier, ids, balance, top_k)]


_NO_WEIGHT = "its weight is 0"


def _evidence(
    name: Component, query: str, query_vector: Vector | None, documents: Sequence[Document], context: Context
) -> Evidence | str:
    """A component's scores, or the reason why nobody has one."""
    if name == "vectorSimilarity":
        return _vector_evidence(query_vector, documents)
    if name == "bm25Score":
        return _word_evidence(query, documents)
    if name == "pageRankScore":
        return _link_evidence(documents)
    return _context_evidence(documents, context)


def _vector_evidence(query: Vector | None, documents: Sequence[Document]) -> Evidence | str:
    if query is None:
        return "there is no query vector"
    if not query.any():
        return "the query vector is zero: it has no direction"
    directed = {place: v for place, document in enumerate(documents) if (v := document.vector) is not None and v.any()}
    places = list(directed)
    if not places:
        return "no document has a vector with a direction"
    rows = np.stack(list(directed.values()))
    similarity = compare_rows(query, rows, "cosine").similarity
    return _spread(places, np.maximum(0.0, similarity), len(documents))


def _word_evidence(query: str, documents: Sequence[Document]) -> Evidence | str:
    if not tokens_of(query):
        return "the query has no words"
    places = [place for place, document in enumerate(documents) if document.text is not None]
    if not places:
        return "no document has a text"
    found = score_texts(query, [document.text or "" for document in documents if document.text is not None], Rules())
    return _spread(places, share_of_best(found.scores), len(documents))


def _link_evidence(documents: Sequence[Document]) -> Evidence | str:
    graph = build_graph([document.id for document in documents], [document.links for document in documents])
    if not graph.links:
        return "no document links to another"
    return list(map(float, share_of_best(rank_graph(graph, Walk()).scores)))


def _context_evidence(documents: Sequence[Document], context: Context) -> Evidence | str:
    if not context.preferred and not context.recency_weight:
        return "search_context names no preferred categories and gives recency no weight"
    fresh = recencies([document.time for document in documents], context.half_life_days, context.reference)
    found = [
        _in_context(document.categories, recency, context) for document, recency in zip(documents, fresh, strict=True)
    ]
    if all(score is None for score in found):
        return "no document has the categories or times that search_context asks about"
    return found


def _in_context(categories: frozenset[str], recency: float | None, context: Context) -> float | None:
    """The mean of taste (share of its categories that are preferred) and recency, of those that can be had."""
    taste = len(categories & context.preferred) / len(categories) if categories and context.preferred else None
    weighed = [(taste, 1.0 - context.recency_weight), (recency, context.recency_weight)]
    present = [(value, weight) for value, weight in weighed if value is not None and weight]
    total = math.fsum(weight for _, weight in present)
    return math.fsum(value * weight for value, weight in present) / total if total else None


def _mean(evidence: Mapping[Component, Evidence], shares: Mapping[Component, float], count: int) -> list[float]:
    means = []
    for place in range(count):
        present = [(score, shares[name]) for name, scores in evidence.items() if (score := scores[place]) is not None]
        total = math.fsum(share for _, share in present)
        means.append(math.fsum(score * share for score, share in present) / total if total else 0.0)
    return means


def _fuse_ranks(evidence: Mapping[Component, Evidence], count: int) -> list[float]:
    """Reciprocal ranks summed; zero evidence gives no rank, and equal evidence the same."""
    sums = [0.0] * count
    for scores in evidence.values():
        above = sorted((score for score in scores if score), reverse=True)
        rank = {score: position for position, score in reversed(list(enumerate(above, start=1)))}
        for place, score in enumerate(scores):
            sums[place] += reciprocal_rank(rank[score]) if score else 0.0
    return sums


def _scored(place: int, score: float, evidence: Mapping[Component, Evidence]) -> Scored:
    parts = {name: value for name, scores in evidence.items() if (value := scores[place]) is not None}
    return Scored(score, parts, [name for name in evidence if name not in parts])


def _spread(places: Sequence[int], scores: Vector, count: int) -> Evidence:
    found: Evidence = [None] * count
    for place, score in zip(places, scores.tolist(), strict=True):
        found[place] = score
    return found

"""vector_ranking: putting documents in order by words, vectors, links and time, and merging orders into one.

It keeps nothing between calls. Only `embed_missing` asks another service; without her the ranking does with the rest.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import Field

from app.a2a.mcp.core import Call, Server, run
from app.a2a.mcp.domain.ranking.bm25 import (
    DEFAULT_B,
    DEFAULT_K1,
    VARIANTS,
    Rules,
    Stem,
    Variant,
    score_texts,
    share_of_best,
)
from app.a2a.mcp.domain.ranking.embedding import Asked, embed_missing_vectors
from app.a2a.mcp.domain.ranking.fusion import (
    DEFAULT_K,
    FUSION_METHODS,
    Fusion,
    FusionMethod,
    Normalization,
    fuse,
)
from app.a2a.mcp.domain.ranking.hybrid import (
    DEFAULT_WEIGHTS,
    FusionKind,
    compare_documents,
    order,
    score_documents,
)
from app.a2a.mcp.domain.ranking.pagerank import (
    DEFAULT_DAMPING,
    DEFAULT_ITERATIONS,
    DEFAULT_TOLERANCE,
    Walk,
    rank_graph,
)
from app.a2a.mcp.domain.ranking.recency import DEFAULT_HALF_LIFE_DAYS
from app.a2a.mcp.domain.ranking.vector_order import DEFAULT_BALANCE, RANK_METRICS, RankMetric
from app.a2a.mcp.domain.ranking.vector_order import rank_vectors as order_vectors
from app.a2a.mcp.domain.vectors.batch import MAX_NUMBERS, reject_duplicates
from app.a2a.mcp.servers import vector_ranking_examples as examples
from app.a2a.mcp.servers.vector_ranking_conversion import (
    bm25_detail,
    context_of,
    ranking_metadata,
    ranking_of,
    require_distinct,
    weights_of,
)
from app.a2a.mcp.servers.vector_ranking_documents import (
    MAX_DOCUMENTS,
    Documents,
    DocumentVector,
    Identifier,
    Name,
    Vector,
    Weight,
    arrays_of,
    domain_documents,
    linked,
)
from app.a2a.mcp.servers.vector_ranking_prompts import ANALYSES, analysis_message
from app.a2a.mcp.servers.vector_ranking_results import (
    Bm25Parameters,
    Bm25Scores,
    CorpusStatistics,
    FusedItem,
    FusedRanking,
    HybridRanking,
    NamedRanking,
    PageRankMetadata,
    PageRankScores,
    PerformanceMetrics,
    RankedDocument,
    RankedVector,
    RankingWeights,
    SearchContext,
    VectorRanking,
    VectorRankingMetadata,
)

MAX_QUERY = 8000

Query = Annotated[str, Field(min_length=1, max_length=MAX_QUERY)]
TopK = Annotated[int, Field(ge=1, le=MAX_DOCUMENTS)]
Balance = Annotated[float, Field(ge=0, le=1)]

server: Server[None] = Server(
    "vector_ranking",
    instructions="Ranks documents you pass in by words, vectors, links and time, and merges several rankings.",
)


@server.tool(examples=examples.HYBRID)
async def hybrid_ranking_search(
    call: Call[None],
    query: Query,
    candidate_documents: Documents,
    query_vector: Annotated[Vector | None, Field(description="as long as the documents' vectors")] = None,
    ranking_weights: Annotated[RankingWeights | None, Field(description="absent: .4, .3, .2, .1")] = None,
    fusion: Annotated[
        FusionKind, Field(description="weighted: mean of scores · rrf: sum of 1/(60 + rank) over the kinds of evidence")
    ] = "weighted",
    search_context: Annotated[SearchContext | None, Field(description="preferred categories and recency")] = None,
    top_k: TopK = 10,
    apply_diversity: Annotated[bool, Field(description="reorder so that near-duplicates do not stand together")] = True,
    diversity_lambda: Annotated[
        Balance, Field(description="1: relevance alone, 0: difference alone")
    ] = DEFAULT_BALANCE,
    embed_missing: Annotated[
        bool, Field(description="embed the query and texts that have no vector (512 numbers each)")
    ] = False,
) -> HybridRanking:
    """Rank documents you hold for a query by everything known of them: words, vectors, links, categories and dates.

    Use it to search or rerank up to 1,000 documents with mixed evidence. For words alone take calculate_bm25_scores,
    for vectors alone rank_vectors, for stored vectors search_vectors, for plain short texts find_similar_texts, to
    merge finished rankings fuse_rankings. Evidence that is missing is shared out, never counted as zero. Example:
    "apple" with query_vector [1,0] puts "apple pie recipe" [1,0] first (0.932724).
    """
    started = time.perf_counter()
    weights = weights_of(ranking_weights)
    require_distinct(candidate_documents, "candidate_documents")
    asked = await _vectors(call, query, query_vector, candidate_documents, embed_missing)
    documents = await call.run(domain_documents, candidate_documents, asked.documents)
    context = context_of(search_context)
    hybrid = await call.run(score_documents, query, asked.query, documents, weights, fusion, context)
    likeness = await call.run(compare_documents, documents) if apply_diversity and len(documents) > 1 else None
    places = await call.run(order, hybrid, documents, top_k, likeness, diversity_lambda)
    return HybridRanking(
        ranked_results=[
            RankedDocument(
                id=documents[place].id,
                rank=rank,
                hybrid_score=hybrid.scored[place].score,
                ranking_components=hybrid.scored[place].parts,
                components_missing=hybrid.scored[place].missing,
            )
            for rank, place in enumerate(places, start=1)
        ],
        ranking_metadata=ranking_metadata(
            hybrid, asked, [document.id for document in documents], diversified=likeness is not None
        ),
        performance_metrics=PerformanceMetrics(
            elapsed_ms=(time.perf_counter() - started) * 1000.0, embedded_texts=asked.embedded
        ),
    )


@server.tool(examples=examples.BM25)
async def calculate_bm25_scores(
    call: Call[None],
    query: Query,
    documents: Documents,
    k1: Annotated[float, Field(ge=0, le=10, description="how soon more of a word stops counting")] = DEFAULT_K1,
    b: Annotated[float, Field(ge=0, le=1, description="how far length counts against a text")] = DEFAULT_B,
    variant: Annotated[
        Variant, Field(description="which BM25: they differ in idf and in the factor k1 + 1")
    ] = "lucene",
    normalize: Annotated[Literal["none", "max"], Field(description="max: divide by the best score")] = "none",
    return_details: Annotated[bool, Field(description="also return what each word adds")] = False,
    stem: Annotated[Stem, Field(description="snowball_en: compare English stems (running ~ run)")] = "none",
) -> Bm25Scores:
    """Score how relevant each text is to a query by shared words (BM25): rare words count more, long texts less.

    Use it for keyword search over documents you hold. It knows no synonyms: for meaning take find_similar_texts, for
    mixed evidence hybrid_ranking_search. The statistics are those of these documents alone. Every word of the query
    counts, also "the". Example: "cat" over "the cat sat", "the dog sat", "cat cat dog" → 0.213638, 0, 0.293752.
    """
    require_distinct(documents, "documents")
    rules = Rules(k1, b, variant, stem)
    found = await call.run(score_texts, query, [document.words or "" for document in documents], rules)
    scores = share_of_best(found.scores) if normalize == "max" else found.scores
    names = [document.name for document in documents]
    answer = Bm25Scores(
        scores=dict(zip(names, scores.tolist(), strict=True)),
        query_terms=list(found.terms),
        corpus_stats=CorpusStatistics(
            total_documents=len(names), avg_doc_length=found.average_length, total_tokens=int(found.lengths.sum())
        ),
        parameters=Bm25Parameters(k1=k1, b=b, variant=variant, normalize=normalize, stem=stem),
    )
    if return_details:
        answer.score_details = {name: bm25_detail(found, place) for place, name in enumerate(names)}
    return answer


@server.tool(examples=examples.PAGERANK)
async def calculate_pagerank_scores(
    call: Call[None],
    documents: Documents,
    damping_factor: Annotated[
        float, Field(ge=0, le=0.99, description="chance to follow a link rather than restart")
    ] = DEFAULT_DAMPING,
    iterations: Annotated[int, Field(ge=1, le=1000)] = DEFAULT_ITERATIONS,
    tolerance: Annotated[
        float, Field(ge=1e-15, le=1, description="stop when the scores change by less in sum")
    ] = DEFAULT_TOLERANCE,
    relationship_types: Annotated[
        list[Name] | None, Field(max_length=100, description='count only these; a plain id has the type "unknown"')
    ] = None,
    personalization: Annotated[
        dict[Identifier, Weight] | None,
        Field(max_length=MAX_DOCUMENTS, description="where to restart, by document; absent: anywhere alike"),
    ] = None,
) -> PageRankScores:
    """Score the authority of documents by who links to whom (PageRank); the scores sum to 1.

    Use it for citations, hyperlinks or dependencies: up to 1,000 documents, 200,000 links. It looks at links alone: for
    a query take hybrid_ranking_search, which can include it. With `personalization` it answers "close to these". Links
    to ids that are not given are dropped and listed. Example: A links to B, B to nothing → A 0.350877, B 0.649123.
    """
    require_distinct(documents, "documents")
    names = [document.name for document in documents]
    kinds = None if relationship_types is None else frozenset(relationship_types)
    graph = await call.run(linked, documents, kinds)
    walk = Walk(damping_factor, iterations, tolerance, personalization)
    found = await call.run(rank_graph, graph, walk)
    return PageRankScores(
        scores=dict(zip(names, found.scores.tolist(), strict=True)),
        metadata=PageRankMetadata(
            iterations_run=found.iterations_run,
            converged=found.converged,
            damping_factor=damping_factor,
            num_documents=len(names),
            num_links=graph.links,
            dangling=graph.dangling,
            unknown_targets=graph.unknown_targets,
        ),
    )


@server.tool(examples=examples.VECTORS, formerly="calculate_vector_similarity")
async def rank_vectors(
    call: Call[None],
    query_vector: Vector,
    document_vectors: Annotated[list[DocumentVector], Field(min_length=1, max_length=MAX_DOCUMENTS)],
    metric: Annotated[RankMetric, Field(description="cosine: direction · euclidean: 1/(1 + distance)")] = "cosine",
    normalize: Annotated[
        bool, Field(description="cosine only: false says all are of unit length already, and is checked")
    ] = True,
    top_k: TopK = 10,
    mmr_lambda: Annotated[
        Balance | None, Field(description="diversify: 1 relevance alone, 0 difference alone; absent: plain order")
    ] = None,
) -> VectorRanking:
    """Rank document vectors by likeness to a query vector, optionally so that near-duplicates do not crowd the top.

    Use it for up to 1,000 vectors you hold, above all when the first results should differ from each other (MMR). For a
    threshold or other metrics take batch_vector_similarity, for stored vectors search_vectors, with words or links
    beside hybrid_ranking_search. Example: query [1,0] and a [1,0], b [.99,.1], c [.6,.8] → a, b, c; with mmr_lambda
    0.3 → a, c, b.
    """
    require_distinct(document_vectors, "document_vectors")
    names = [document.name for document in document_vectors]
    vectors = [document.numbers for document in document_vectors]
    found = await call.run(
        order_vectors, query_vector, names, vectors, metric, top_k=top_k, normalize=normalize, balance=mmr_lambda
    )
    results = []
    for rank, one in enumerate(found.ranked, start=1):
        item = RankedVector(id=names[one.index], rank=rank, similarity=float(found.similarities[one.index]))
        if one.mmr_score is not None:
            item.mmr_score = one.mmr_score
        results.append(item)
    return VectorRanking(
        results=results,
        similarities=dict(zip(names, found.similarities.tolist(), strict=True)),
        metadata=VectorRankingMetadata(
            metric=metric,
            normalized=metric == "cosine" and normalize,
            vector_dimensions=len(query_vector),
            total_candidates=len(names),
            diversified=mmr_lambda is not None,
            degenerate=[names[place] for place in np.flatnonzero(found.degenerate).tolist()],
        ),
    )


@server.tool(examples=examples.FUSION)
async def fuse_rankings(
    call: Call[None],
    rankings: Annotated[list[NamedRanking], Field(min_length=2, max_length=20)],
    method: Annotated[
        FusionMethod,
        Field(description="rrf: by rank · borda: points by rank · combsum: by score · combmnz: times lists holding it"),
    ] = "rrf",
    k: Annotated[int, Field(ge=1, le=1000, description="rrf: larger makes the first places count less")] = DEFAULT_K,
    weights: Annotated[
        dict[Name, Weight] | None, Field(max_length=20, description="by list name; 1 for a list not named")
    ] = None,
    score_normalization: Annotated[
        Normalization, Field(description="combsum, combmnz: bring each list to 0..1 (equal scores all give 1)")
    ] = "minmax",
    top_k: Annotated[int | None, Field(ge=1, le=20 * MAX_DOCUMENTS, description="absent: all")] = None,
) -> FusedRanking:
    """Merge several ranked lists of the same things into one order.

    Use it to join the answers of different searches, models or judges. rrf needs no scores and is the safe choice;
    combsum and combmnz need scores in every list. It only merges: to rank documents take hybrid_ranking_search. Ties
    go by id. Example: [a, b, c] and [b, d, a] with rrf → b 0.032522, a 0.032266, d 0.016129, c 0.015873.
    """
    lists = [ranking_of(place, ranking) for place, ranking in enumerate(rankings)]
    reject_duplicates([one.name for one in lists], "/rankings/{}/name")
    fused = await call.run(fuse, lists, Fusion(method, k, weights, score_normalization))
    return FusedRanking(
        results=[
            FusedItem(id=one.id, rank=rank, score=one.score, contributions=one.contributions)
            for rank, one in enumerate(fused[:top_k], start=1)
        ],
        method=method,
        lists_fused=len(lists),
    )


@server.resource("ranking://config/default", description="Weights, parameters, methods and limits used by default")
async def default_config(call: Call[None]) -> dict[str, Any]:
    """What this process ranks with when a call says nothing else, and whether it can embed right now."""
    return {
        "ranking_weights": dict(DEFAULT_WEIGHTS),
        "bm25": {"k1": DEFAULT_K1, "b": DEFAULT_B, "variant": VARIANTS[0], "variants": list(VARIANTS)},
        "pagerank": {
            "damping_factor": DEFAULT_DAMPING,
            "iterations": DEFAULT_ITERATIONS,
            "tolerance": DEFAULT_TOLERANCE,
        },
        "diversity_lambda": DEFAULT_BALANCE,
        "half_life_days": DEFAULT_HALF_LIFE_DAYS,
        "metrics": list(RANK_METRICS),
        "fusion": {"methods": list(FUSION_METHODS), "k": DEFAULT_K},
        "limits": {"documents": MAX_DOCUMENTS, "vector_numbers": MAX_NUMBERS, "query_characters": MAX_QUERY},
        "breakers": call.runtime.breakers.states(),
    }


@server.prompt(description="Plan how to read and check a ranking with this server's tools")
async def ranking_analysis(
    ranked_results: Annotated[str, Field(description="the answer of a ranking tool, as JSON text")],
    analysis_type: Annotated[str, Field(description="overview, weights, diversity or relevance")] = "overview",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return analysis_message(ranked_results, analysis_type)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """The kinds of analysis that begin with what was typed."""
    if not isinstance(ref, PromptReference) or (ref.name, argument.name) != ("ranking_analysis", "analysis_type"):
        return None
    return Completion(values=[kind for kind in ANALYSES if kind.startswith(argument.value.casefold())])


async def _vectors(
    call: Call[None], query: str, query_vector: Sequence[float] | None, documents: Documents, embed: bool
) -> Asked:
    query_array = None if query_vector is None else np.asarray(query_vector, dtype=np.float64)
    given = Asked(query_array, await call.run(arrays_of, documents, query_vector))
    if not embed:
        return given

    async def ask(batch: list[str]) -> Mapping[str, Any]:
        return await call.runtime.sisters.call("vector_similarity", "embed_texts", {"texts": batch}, call=call)

    return await embed_missing_vectors(query, [document.words for document in documents], given, ask, call.run)


if __name__ == "__main__":
    run(server)

"""vector_similarity: comparing vectors, keeping them in collections that every instance can search, embedding texts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import Field

from app.a2a.mcp.core import Call, Runtime, Server, run
from app.a2a.mcp.domain.embedding import Embedded, Embedder, check_call_size, open_embedder
from app.a2a.mcp.domain.vectors.batch import best_matches
from app.a2a.mcp.domain.vectors.keeper import IndexKeeper
from app.a2a.mcp.domain.vectors.metrics import Metric, compare_pair
from app.a2a.mcp.domain.vectors.record import metadata_of
from app.a2a.mcp.domain.vectors.vector_collections import MAX_COLLECTIONS, MAX_VECTORS, Query, VectorCollections
from app.a2a.mcp.domain.vectors.writing import Batch, Item
from app.a2a.mcp.errors import A2AError, InvalidArgumentError
from app.a2a.mcp.servers.vector_similarity_prompts import FOCUSES, METRIC_NOTES, analysis_message
from app.a2a.mcp.servers.vector_similarity_results import (
    BatchSimilarity,
    Candidate,
    EmbeddedTexts,
    FilterValue,
    FoundVectors,
    Identifier,
    MetadataKey,
    Model,
    Neighbour,
    Number,
    StoredItem,
    StoredMetric,
    StoredVector,
    Text,
    UpsertedVectors,
    Vector,
    VectorSimilarity,
    ranked_candidates,
)

LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh", "zh-TW")

MetricChoice = Annotated[
    Metric,
    Field(description="cosine: direction · euclidean, manhattan: distance · dot_product · jaccard, hamming: sets"),
]
Collection = Annotated[
    str,
    Field(pattern=r"^(shared/)?[a-z0-9_-]{1,64}$", description="NAME is your own; shared/NAME is everybody's"),
]


@dataclass(slots=True)
class State:
    """What a process keeps: the model, and the collections it has searched."""

    embedder: Embedder
    collections: VectorCollections


server: Server[State] = Server(
    "vector_similarity",
    instructions="Compares vectors, keeps them in named collections to search, and turns texts into vectors.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Map the model and open the store; files of collections that are gone are removed beside the first calls."""
    directory = runtime.settings.mcp_state_directory
    embedder = await asyncio.to_thread(open_embedder, [directory])
    keeper = IndexKeeper(runtime.stores.records, directory / "indexes")
    sweeping = asyncio.create_task(_sweep(keeper))
    try:
        yield State(embedder, VectorCollections(runtime.stores.records, keeper, embedder))
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        await keeper.close()


@server.tool(
    examples=(
        {"vector1": [1, 2, 3], "vector2": [4, 5, 6]},
        {"vector1": [1, 1, 0, 0], "vector2": [1, 0, 1, 0], "metric": "jaccard"},
    )
)
async def calculate_vector_similarity(
    call: Call[State],
    vector1: Vector,
    vector2: Vector,
    metric: MetricChoice = "cosine",
    normalize: Annotated[
        bool, Field(description="cosine only: false says both are of unit length already, and is checked")
    ] = True,
    binarize_threshold: Annotated[
        Number | None, Field(description="jaccard and hamming: count a number as present above this")
    ] = None,
) -> VectorSimilarity:
    """Compare two numeric vectors of equal length by one of six measures.

    Use it for one pair of vectors you have; to rank many against a query take batch_vector_similarity, for stored
    ones search_vectors, for two texts calculate_text_similarity. Jaccard compares which positions are not zero, hamming
    which differ. A zero vector has no direction: cosine is then 0 and `degenerate` true. Example: [1,2,3] and [4,5,6]
    by cosine give similarity 0.974632, distance 0.025368.
    """
    found = await call.run(compare_pair, vector1, vector2, metric, normalize=normalize, threshold=binarize_threshold)
    return VectorSimilarity(
        similarity=found.similarity,
        distance=found.distance,
        metric=metric,
        normalized=metric == "cosine" and normalize,
        vector_dimensions=len(vector1),
        degenerate=found.degenerate,
    )


@server.tool(
    examples=(
        {
            "query_vector": [1, 0],
            "candidate_vectors": [
                {"id": "a", "vector": [1, 0]},
                {"id": "b", "vector": [0, 1]},
                {"id": "c", "vector": [1, 1]},
            ],
            "top_k": 2,
        },
    )
)
async def batch_vector_similarity(
    call: Call[State],
    query_vector: Vector,
    candidate_vectors: Annotated[list[Candidate], Field(min_length=1, max_length=1000)],
    metric: MetricChoice = "cosine",
    top_k: Annotated[int, Field(ge=1, le=1000)] = 10,
    threshold: Annotated[Number | None, Field(description="least similarity to report")] = None,
    include_vectors: Annotated[bool, Field(description="repeat each vector in the result")] = False,
) -> BatchSimilarity:
    """Rank up to 1000 vectors sent along by how near they are to a query vector, exactly.

    Use it when the candidates are in your hands and asked once; keep vectors that are asked again in a collection
    (upsert_vectors, then search_vectors). Nothing is stored. Ties are in order of id. Example: query [1,0] against
    a [1,0], b [0,1], c [1,1] with top_k 2 → a 1.0, c 0.707107.
    """
    ids = [candidate.id for candidate in candidate_vectors]
    vectors = [candidate.vector for candidate in candidate_vectors]
    found = await call.run(best_matches, query_vector, ids, vectors, metric, top_k=top_k, threshold=threshold)
    results = await call.run(ranked_candidates, found, ids, vectors if include_vectors else None)
    return BatchSimilarity(
        results=results,
        query_vector_dim=len(query_vector),
        candidates_processed=len(ids),
        results_returned=len(results),
        metric_used=metric,
        threshold_applied=threshold,
    )


@server.tool(
    writes=True,
    destructive=True,
    idempotent=True,
    examples=(
        {
            "collection": "example",
            "items": [
                {"id": "a", "vector": [1, 0]},
                {"id": "b", "vector": [0, 1]},
                {"id": "c", "vector": [1, 1], "metadata": {"kind": "diagonal"}},
            ],
        },
    ),
)
async def upsert_vectors(
    call: Call[State],
    collection: Collection,
    items: Annotated[
        list[StoredItem] | None, Field(max_length=1000, description="absent or empty to delete only")
    ] = None,
    delete_ids: Annotated[list[Identifier] | None, Field(max_length=1000)] = None,
    metric: Annotated[
        StoredMetric | None, Field(description="fixed by the first write; absent: the collection's, cosine if new")
    ] = None,
    if_absent: Annotated[
        Literal["error", "create"], Field(description="what to do when there is no such collection")
    ] = "create",
    drop: Annotated[bool, Field(description="empty the collection first; without items it is gone")] = False,
) -> UpsertedVectors:
    """Store, replace or delete vectors in a named collection, durably, for search_vectors of every instance.

    Use it to build an index that outlives the call; to compare vectors once take batch_vector_similarity. The first
    write fixes dimensions and metric, and whether the collection holds your vectors or texts that are embedded here:
    the two never mix. Numbers are kept in 32 bits. A write is all or nothing, and the same again changes nothing.
    NAME belongs to you; shared/NAME is readable by everybody, and writable and deletable by everybody who may write.
    You may keep 100 collections and 200,000 vectors (the shared ones together as many). Example: upsert a [1,0],
    b [0,1], c [1,1] → inserted 3, size 3, version 1.
    """
    batch = Batch(
        [Item(item.id, item.vector, item.text, item.metadata) for item in items or ()],
        list(dict.fromkeys(delete_ids or ())),
        metric,
        if_absent == "create",
        drop,
    )
    written = await call.state.collections.upsert(call.caller.client_id, collection, batch, call.run)
    return UpsertedVectors(collection=collection, **asdict(written))


@server.tool(examples=({"collection": "example", "query_vector": [1, 0], "top_k": 2},))
async def search_vectors(
    call: Call[State],
    collection: Collection,
    query_vector: Annotated[StoredVector | None, Field(description="this, query_text or query_id")] = None,
    query_text: Annotated[
        Text | None, Field(description="for a collection of texts: embedded by the same model")
    ] = None,
    query_id: Annotated[
        Identifier | None, Field(description="a stored vector, which is left out of the results")
    ] = None,
    top_k: Annotated[int, Field(ge=1, le=100)] = 10,
    min_similarity: Number | None = None,
    filter: Annotated[  # noqa: A002 - the catalogue's name
        dict[MetadataKey, FilterValue] | None,
        Field(max_length=16, description="metadata that must match: every key, any of its values"),
    ] = None,
    exact: Annotated[bool, Field(description="compare every vector; slower above 50,000")] = False,
    search_k: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="nodes to inspect above 50,000 vectors: more finds more")
    ] = None,
) -> FoundVectors:
    """Find the stored vectors nearest to a vector, a text or a stored id, in a collection made by upsert_vectors.

    Use it for semantic search over what you stored; for candidates you hold take batch_vector_similarity, for a few
    texts find_similar_texts. Sees every write answered before. Up to 50,000 vectors the answer is exact; above, a
    neighbour may be missed (`exact` false) unless you ask for exact, but order and numbers are always right. Negation
    and changed numbers are not seen in texts. Example: query [1,0], top_k 2 → a 1.0, c 0.707107.
    """
    query = Query(query_vector, query_text, query_id, top_k, min_similarity, filter, exact, search_k)
    found = await call.state.collections.search(call.caller.client_id, collection, query, call.run)
    return FoundVectors(
        results=[
            Neighbour(
                id=hit.id,
                rank=rank,
                similarity=hit.similarity,
                distance=hit.distance,
                metadata=metadata_of(hit.metadata),
            )
            for rank, hit in enumerate(found.hits, start=1)
        ],
        collection_size=found.size,
        version=found.version,
        exact=found.exact,
        searched=found.searched,
    )


@server.tool(examples=({"texts": ["car", "automobile", "banana"]},))
async def embed_texts(
    call: Call[State],
    texts: Annotated[list[Text], Field(min_length=1, max_length=256)],
    dimensions: Annotated[Literal[512, 256], Field(description="256: a projection, half the size")] = 512,
    normalize: Annotated[bool, Field(description="false leaves 256 numbers as projected, shorter than 1")] = True,
) -> EmbeddedTexts:
    """Turn texts into vectors whose cosine says how alike they are in meaning, across 16 languages.

    Use it to feed your own index or clustering; to compare two texts take calculate_text_similarity, to store and
    search texts send them to upsert_vectors as they are. The model is for sentences and short paragraphs. It barely
    sees negation ("good" and "not good" are 0.80 alike), changed numbers or who did what to whom. Compare vectors only
    within one `model.revision_sha256`. Example: car and automobile are 0.90 alike, car and banana 0.23.
    """
    check_call_size(texts, "/texts")
    made: Embedded = await call.run(call.state.embedder.embed, texts, dimensions, normalize=normalize)
    if made.blank:
        raise InvalidArgumentError.at(f"/texts/{made.blank[0]}", "is blank: it has no meaning to embed")
    vectors = await call.run(made.vectors.tolist)
    model = Model(**asdict(call.state.embedder.model))
    return EmbeddedTexts(vectors=vectors, dimensions=dimensions, model=model, truncated=list(made.truncated))


@server.resource("vectorsim://calculator/metrics", description="The six measures: their ranges and what they are for")
async def calculator_metrics(call: Call[State]) -> dict[str, Any]:
    """The measures, and the bounds this process works in."""
    return {
        "metrics": METRIC_NOTES,
        "stored_metrics": ["cosine", "euclidean", "dot_product"],
        "limits": {
            "collections_per_client": MAX_COLLECTIONS,
            "vectors_per_client": MAX_VECTORS,
        },
        "collections": await call.state.collections.names(call.caller.client_id),
    }


@server.resource("vectorsim://model", description="The embedding model of this process and what it cannot see")
async def embedding_model(call: Call[State]) -> dict[str, Any]:
    """Name, revision and sizes of the model in use."""
    embedder = call.state.embedder
    return {
        **asdict(embedder.model),
        "dimensions": list(embedder.dimensions),
        "languages": list(LANGUAGES),
        "blind_to": ["negation", "changed numbers", "swapped roles", "antonyms"],
    }


@server.prompt(description="Interpret the result of a vector comparison or search")
async def vector_similarity_analysis(
    similarity_results: Annotated[str, Field(description="JSON text: what a tool of this server returned")],
    analysis_focus: Annotated[str, Field(description="overview, threshold, outliers or quality")] = "overview",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return analysis_message(similarity_results, analysis_focus)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """The kinds of analysis that begin with what was typed."""
    if not isinstance(ref, PromptReference) or (ref.name, argument.name) != (
        "vector_similarity_analysis",
        "analysis_focus",
    ):
        return None
    return Completion(values=[focus for focus in FOCUSES if focus.startswith(argument.value.casefold())])


async def _sweep(keeper: IndexKeeper) -> None:
    # A store that is away at start is no reason to keep files of it from being removed another time.
    with suppress(A2AError, OSError):
        await keeper.sweep()


if __name__ == "__main__":
    run(server)

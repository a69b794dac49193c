"""semantic_similarity: how alike texts are, by letters, words and meaning, and what they are about.

Embeddings are asked of vector_similarity; when it cannot answer, the same model runs here and the answer says so.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, Literal

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import Field

from app.a2a.mcp.core import Call, Runtime, Server, run
from app.a2a.mcp.domain.embedding import open_embedder
from app.a2a.mcp.domain.text.clustering import LINKAGES, Linkage
from app.a2a.mcp.domain.text.comparison import Comparison, compare_pair
from app.a2a.mcp.domain.text.concepts import extract_features
from app.a2a.mcp.domain.text.embedding_source import CALL_CHARACTERS, Embeddings, EmbeddingSource
from app.a2a.mcp.domain.text.flags import group_flags
from app.a2a.mcp.domain.text.groups import (
    Cut,
    Search,
    agreement,
    cluster,
    find_matches,
    similarity_matrix,
)
from app.a2a.mcp.domain.text.keyphrases import rake, top_keyphrases
from app.a2a.mcp.domain.text.language import LANGUAGES, Language, TokenRules, stop_words, tokenize
from app.a2a.mcp.domain.text.likeness import DEFAULT_WEIGHTS, METHODS, SEMANTIC_METHODS, Method, Weights
from app.a2a.mcp.domain.text.wordnet import Lexicon
from app.a2a.mcp.domain.text.words import UnicodeForm
from app.a2a.mcp.errors import InvalidArgumentError
from app.a2a.mcp.servers.semantic_similarity_prompts import ANALYSES, analysis_message
from app.a2a.mcp.servers.semantic_similarity_results import (
    GroupSimilarity,
    HybridWeights,
    Keyphrases,
    LexiconName,
    PreprocessedText,
    SemanticFeatures,
    SimilarTexts,
    TextClusters,
    TextSimilarity,
)

MAX_CHARACTERS = 20_000
MAX_TEXTS = 500
MAX_GROUP = 200

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
MethodChoice = Annotated[
    Method,
    Field(description="jaccard, cosine: shared words · semantic: meaning · hybrid: a mix of these · edit: spelling"),
]


@dataclass(slots=True)
class State:
    """What a process keeps: the lexicon, None on a host without it, and where embeddings come from."""

    lexicon: Lexicon | None
    embeddings: EmbeddingSource


server: Server[State] = Server(
    "semantic_similarity",
    instructions="Compares, ranks, groups and describes texts: meaning in any language, words in English.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Map the lexicon; the local embedding model waits until vector_similarity first fails to answer."""
    settings = runtime.settings
    load = partial(open_embedder, [settings.mcp_state_directory])
    yield State(Lexicon.open_if_installed(settings.mcp_wordnet_directory), EmbeddingSource(load))


@server.tool(
    examples=(
        {"text1": "the cat sat on the mat", "text2": "the cat lay on the rug", "method": "jaccard"},
        {"text1": "kitten", "text2": "sitting", "method": "edit"},
    )
)
async def calculate_text_similarity(
    call: Call[State],
    text1: Text,
    text2: Text,
    method: MethodChoice = "hybrid",
    weights: Annotated[
        HybridWeights | None, Field(description="shares of the hybrid; absent: jaccard .3, cosine .3, semantic .4")
    ] = None,
    remove_stop_words: Annotated[bool, Field(description="leave out the, of, and … before comparing words")] = True,
    stem: Annotated[bool, Field(description="compare words by their English stem")] = False,
    return_components: Annotated[bool, Field(description="also return each score and the shared ideas")] = False,
) -> TextSimilarity:
    """Score how alike two texts are, 0 to 1: by shared words, by spelling, by meaning, or by a mix (hybrid).

    Use it for one pair; for a query against a list take find_similar_texts, for a whole set
    calculate_group_similarity. For two vectors take calculate_vector_similarity. Meaning works across languages but
    misses negation, changed numbers and swapped roles ("not good" is 0.80 like "good"): read `flags` beside it.
    Example: "kitten" and "sitting" with method edit give 0.571429.
    """
    shares = Weights(**weights.model_dump()) if weights else DEFAULT_WEIGHTS
    if not (shares.jaccard or shares.cosine or shares.semantic):
        raise InvalidArgumentError.at("/weights", "must give some part a weight")
    embeddings = await _embed(call, [text1, text2], method)
    rules = TokenRules(remove_stop_words=remove_stop_words, stem=stem)
    found = await call.run(
        compare_pair,
        text1,
        text2,
        method,
        shares,
        rules,
        embeddings,
        lexicon=call.state.lexicon,
        with_concepts=return_components,
    )
    source = _source(method, embeddings)
    shown = return_components or source["degraded"]
    return TextSimilarity(
        similarity=found.similarity,
        method=method,
        **_given(components=_components(found, method) if shown else None),
        **_given(common_concepts=found.concepts, flags=found.flags),
        **source,
    )


@server.tool(
    examples=({"query": "red apple", "candidates": ["red apple pie", "green pear", "apple red"], "method": "jaccard"},)
)
async def find_similar_texts(
    call: Call[State],
    query: Text,
    candidates: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)],
    top_k: Annotated[int, Field(ge=1, le=MAX_TEXTS)] = 5,
    threshold: Annotated[float, Field(ge=0, le=1, description="least similarity to return")] = 0.0,
    method: MethodChoice = "hybrid",
    exclude_identical: Annotated[
        bool, Field(description="leave out candidates equal to the query but for case")
    ] = False,
) -> SimilarTexts:
    """Rank a list of texts by how alike each is to a query, best first.

    Use it for up to 500 short texts you hold yourself. For texts stored in a collection take search_vectors, for
    documents with links, dates and keyword ranking take vector_ranking's tools. Method semantic finds a match without
    a common word, in any language. Example: "red apple" against ["red apple pie", "green pear", "apple red"] with
    method jaccard ranks index 2 (1.0), 0 (0.666667), 1 (0.0).
    """
    embeddings = await _embed(call, [query, *candidates], method, whole=1)
    search = Search(method, top_k, threshold, exclude_identical)
    found = await call.run(find_matches, query, candidates, search, embeddings)
    return SimilarTexts(
        query=query,
        method=method,
        results=found.best,
        total_candidates=len(candidates),
        above_threshold=found.above_threshold,
        truncated=[index - 1 for index in embeddings.truncated] if embeddings else [],
        **_source(method, embeddings),
    )


@server.tool(examples=({"texts": ["red blue", "red blue", "green gold"], "method": "jaccard", "return_matrix": True},))
async def calculate_group_similarity(
    call: Call[State],
    texts: Annotated[list[Text], Field(min_length=2, max_length=MAX_GROUP)],
    method: MethodChoice = "hybrid",
    return_matrix: Annotated[bool, Field(description="also return the similarity of every pair")] = False,
) -> GroupSimilarity:
    """Measure how far a set of texts agrees: mean, spread, most typical text (medoid) and outliers.

    Use it to check that answers, reviews or paraphrases say the same. To split a mixed set into groups take
    cluster_texts; for one pair take calculate_text_similarity. Equal wording is not equal truth: with the semantic
    methods read `flags`. Example: ["red blue", "red blue", "green gold"] with method jaccard → average_similarity
    0.333333, medoid 0.
    """
    embeddings = await _embed(call, texts, method)
    matrix = await call.run(similarity_matrix, texts, method, embeddings)
    flags = await call.run(group_flags, texts) if method in SEMANTIC_METHODS else None
    return GroupSimilarity(
        text_count=len(texts),
        **asdict(agreement(matrix)),
        truncated=embeddings.truncated if embeddings else [],
        **_given(similarity_matrix=matrix.tolist() if return_matrix else None, flags=flags),
        **_source(method, embeddings),
    )


@server.tool(examples=({"text": "The runners were RUNNING quickly!", "stem": True},))
async def preprocess_text(
    call: Call[State],
    text: Text,
    remove_stop_words: bool = True,
    min_word_length: Annotated[int, Field(ge=1, le=20, description="shortest word kept, in characters")] = 2,
    stem: Annotated[bool, Field(description="reduce words to their Snowball stem (running → run)")] = False,
    normalize_unicode: Annotated[UnicodeForm, Field(description="NFKC also unfolds ligatures and full width")] = "NFKC",
    strip_accents: Annotated[bool, Field(description="résumé → resume")] = False,
    language: Annotated[Language, Field(description="of the stop list and the stemmer")] = "en",
) -> PreprocessedText:
    """Split a text into the case-folded words that the similarity tools compare, with where each one stands.

    Use it to see why a word-based score came out as it did, or to tokenize before your own processing. It is not
    needed before the other tools: they do it themselves, with the defaults. To clean records take the tools of
    data_standardization. Ten languages have both a stop list and a stemmer here; scripts without spaces come back as
    whole runs.
    Example: "The runners were RUNNING quickly!" with stem → [runner, run, quick].
    """
    rules = TokenRules(remove_stop_words, min_word_length, stem, normalize_unicode, strip_accents, language)
    tokens = await call.run(tokenize, text, rules)
    words = tokens.texts
    return PreprocessedText(
        original_text=text,
        processed_words=words,
        unique_words=sorted(set(words)),
        original_word_count=tokens.original_count,
        processed_word_count=len(words),
        removed_count=tokens.original_count - len(words),
        offsets=[(word.start, word.end) for word in tokens.words],
    )


@server.tool(examples=({"text": "The dog chased the automobile"},))
async def extract_semantic_features(
    call: Call[State],
    text: Text,
    include_categories: Annotated[bool, Field(description="group the words by WordNet's 45 categories")] = True,
    include_synonyms: bool = True,
    max_synonyms: Annotated[int, Field(ge=1, le=20, description="for each word")] = 5,
) -> SemanticFeatures:
    """Say what an English text is about by a dictionary (WordNet 3.0): categories, synonyms and unknown words.

    Use it to tag a text, widen a search with synonyms or spot invented words. For its phrases take extract_keyphrases,
    for the meaning of a whole sentence or another language a semantic method. Each word counts in its most frequent
    sense, whatever the context. Example: "The dog chased the automobile" → noun.animal [dog], verb.motion [chase],
    noun.artifact [automobile].
    """
    # Opened again where it was missing: installing the package needs no restart, and the error names it.
    lexicon = call.state.lexicon or Lexicon(call.runtime.settings.mcp_wordnet_directory)
    found = await call.run(extract_features, text, lexicon, max_synonyms)
    return SemanticFeatures(
        word_count=found.word_count,
        unique_words=found.unique_words,
        unknown_words=found.unknown_words,
        lexical_diversity=found.lexical_diversity,
        lexicon=LexiconName(name=lexicon.name, version=lexicon.version),
        **_given(semantic_categories=found.semantic_categories if include_categories else None),
        **_given(synonym_matches=found.synonym_matches if include_synonyms else None),
    )


@server.tool(
    examples=(
        {
            "texts": ["reset my password", "change my password", "best pasta recipe", "how to cook pasta"],
            "num_clusters": 2,
        },
    )
)
async def cluster_texts(
    call: Call[State],
    texts: Annotated[list[Text], Field(min_length=2, max_length=MAX_TEXTS)],
    num_clusters: Annotated[int | None, Field(ge=1, le=MAX_TEXTS, description="this, or distance_threshold")] = None,
    distance_threshold: Annotated[
        float | None, Field(ge=0, le=2, description="groups join up to this distance, which is 1 − similarity")
    ] = None,
    linkage: Annotated[Linkage, Field(description="distance of two groups: mean, farthest, nearest pair")] = "average",
    method: Annotated[
        Literal["semantic", "jaccard"], Field(description="semantic: by meaning · jaccard: by shared words")
    ] = "semantic",
) -> TextClusters:
    """Group texts that belong together, each group with its most typical text and its keyphrases.

    Use it to sort tickets, answers or search results into topics; give either num_clusters or distance_threshold
    (0.5 is a good start for meaning). Hierarchical and deterministic: the same texts give the same labels. To rank
    texts against a query take find_similar_texts. Example: three texts about passwords and three about pasta with
    num_clusters 2 → labels [0, 0, 0, 1, 1, 1].
    """
    cut = Cut(num_clusters, distance_threshold)
    cut.check(len(texts))
    embeddings = await _embed(call, texts, method)
    found = await call.run(cluster, texts, cut, linkage, embeddings)
    return TextClusters(
        labels=found.labels,
        clusters=found.clusters,
        silhouette=found.silhouette,
        num_clusters=len(found.clusters),
        truncated=embeddings.truncated if embeddings else [],
        **_source(method, embeddings),
    )


@server.tool(examples=({"text": "deep learning models and deep networks"},))
async def extract_keyphrases(
    call: Call[State],
    text: Text,
    top_k: Annotated[int, Field(ge=1, le=100)] = 10,
    max_words: Annotated[int, Field(ge=1, le=8, description="longest phrase, in words")] = 4,
    min_characters: Annotated[int, Field(ge=1, le=100, description="shortest phrase")] = 3,
    extra_stop_words: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]] | None,
        Field(max_length=MAX_TEXTS, description="more words that end a phrase"),
    ] = None,
) -> Keyphrases:
    """Pick the phrases that carry an English text, by RAKE: no model, no corpus, only the text itself.

    Use it for tags, titles or a quick look at a long text. For what single words mean take extract_semantic_features.
    Long phrases score high by design, so short texts return much of themselves. Example: "deep learning models and deep
    networks" → "deep learning models" 8.5, "deep networks" 4.5.
    """
    found = await call.run(rake, text, extra_stop_words or ())
    return Keyphrases(
        keyphrases=top_keyphrases(found, top_k, max_words, min_characters), candidates=len(found), method="rake"
    )


@server.resource("similarity://calculator/config", description="Methods, weights, model, stop lists and lexicon in use")
async def similarity_config(call: Call[State]) -> dict[str, Any]:
    """What this process compares with right now."""
    state = call.state
    model = state.embeddings.model
    lexicon = state.lexicon
    return {
        "methods": list(METHODS),
        "default_weights": asdict(DEFAULT_WEIGHTS),
        "linkages": list(LINKAGES),
        "model": asdict(model) if model else None,
        "local_model_loaded": state.embeddings.loaded,
        "stop_words": {language: len(stop_words(language)) for language in LANGUAGES},
        "lexicon": {"name": lexicon.name, "version": lexicon.version} if lexicon else None,
        "limits": {"text_characters": MAX_CHARACTERS, "texts": MAX_TEXTS, "embedded_characters": CALL_CHARACTERS},
    }


@server.prompt(description="Plan an analysis of a set of texts with this server's tools")
async def similarity_analysis(
    texts: Annotated[str, Field(description='a JSON array of strings, e.g. ["first text", "second text"]')],
    analysis_type: Annotated[str, Field(description="overview, duplicates, groups or agreement")] = "overview",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return analysis_message(texts, analysis_type)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """The kinds of analysis that begin with what was typed."""
    if not isinstance(ref, PromptReference) or (ref.name, argument.name) != ("similarity_analysis", "analysis_type"):
        return None
    return Completion(values=[kind for kind in ANALYSES if kind.startswith(argument.value.casefold())])


async def _embed(call: Call[State], texts: Sequence[str], method: Method, *, whole: int = 0) -> Embeddings | None:
    """Embeddings where `method` wants them; None where it does not, or where there is no model to be had."""
    if method not in SEMANTIC_METHODS:
        return None

    async def ask(batch: list[str]) -> Mapping[str, Any]:
        return await call.runtime.sisters.call("vector_similarity", "embed_texts", {"texts": batch}, call=call)

    return await call.state.embeddings.embed(texts, ask, call.run, whole=whole)


def _source(method: Method, embeddings: Embeddings | None) -> dict[str, Any]:
    """Where the meaning came from: the model that was used, and whether the answer had to do with less."""
    degraded = method in SEMANTIC_METHODS and (embeddings is None or embeddings.degraded)
    return {"degraded": degraded, **_given(model=embeddings.model if embeddings else None)}


def _components(found: Comparison, method: Method) -> dict[str, float | None]:
    """The parts that `method` is made of; a semantic part that could not be had is null."""
    missing = {"semantic"} if method in SEMANTIC_METHODS else set()
    parts = asdict(found.parts).items()
    return {name: score for name, score in parts if score is not None or name in missing}


def _given(**values: object) -> dict[str, Any]:
    """The values there are: what was not asked for is left out of the answer, not sent as null."""
    return {name: value for name, value in values.items() if value is not None}


if __name__ == "__main__":
    run(server)

"""What the tools of semantic_similarity answer, and the objects inside their arguments.

Kept beside the menu so that the menu stays a page to read.
"""

from pydantic import Field

from app.a2a.mcp.core import ToolInput, ToolOutput
from app.a2a.mcp.domain.embedding import ModelName
from app.a2a.mcp.domain.text.concepts import CommonConcepts, WordSynonyms
from app.a2a.mcp.domain.text.flags import GroupFlags, LexicalFlags
from app.a2a.mcp.domain.text.groups import Cluster, Match
from app.a2a.mcp.domain.text.keyphrases import Keyphrase
from app.a2a.mcp.domain.text.likeness import Method

DEGRADED = Field(
    description="true when the embedding server could not answer: its model ran here, or words alone were compared"
)
MODEL = Field(default=None, description="the embedding model used; cosines compare only within one revision")
TRUNCATED = Field(description="indexes of texts of which only the beginning was embedded, to bound the time")
FLAGS = Field(default=None, description="what embeddings do not see; present with the semantic methods")


class HybridWeights(ToolInput):
    """Shares of the hybrid score. A part left out has none; only the proportions matter."""

    jaccard: float = Field(default=0.0, ge=0, le=1000)
    cosine: float = Field(default=0.0, ge=0, le=1000)
    semantic: float = Field(default=0.0, ge=0, le=1000)


class TextSimilarity(ToolOutput):
    """How alike two texts are."""

    similarity: float = Field(description="0..1")
    method: Method
    components: dict[str, float | None] | None = Field(
        default=None, description="the scores it was made of; null for one that could not be had"
    )
    common_concepts: CommonConcepts | None = Field(
        default=None, description="shared words, stems and WordNet synonyms; with return_components"
    )
    flags: LexicalFlags | None = FLAGS
    model: ModelName | None = MODEL
    degraded: bool = DEGRADED


class SimilarTexts(ToolOutput):
    """The best candidates for a query."""

    query: str
    method: Method
    results: list[Match]
    total_candidates: int
    above_threshold: int = Field(description="how many candidates reached the threshold, listed or not")
    truncated: list[int] = TRUNCATED
    model: ModelName | None = MODEL
    degraded: bool = DEGRADED


class GroupSimilarity(ToolOutput):
    """How far a set of texts agrees."""

    average_similarity: float
    min_similarity: float
    max_similarity: float
    std_deviation: float = Field(description="of the population of pairs")
    text_count: int
    comparison_count: int
    medoid: int = Field(description="index of the text most like the rest")
    outliers: list[int] = Field(description="texts whose mean similarity lies 2 standard deviations under the mean")
    similarity_matrix: list[list[float]] | None = Field(default=None, description="with return_matrix")
    flags: GroupFlags | None = FLAGS
    truncated: list[int] = TRUNCATED
    model: ModelName | None = MODEL
    degraded: bool = DEGRADED


class PreprocessedText(ToolOutput):
    """The tokens that the other tools compare."""

    original_text: str
    processed_words: list[str]
    unique_words: list[str] = Field(description="sorted")
    original_word_count: int
    processed_word_count: int
    removed_count: int
    offsets: list[tuple[int, int]] = Field(
        description="start and end of each processed word in original_text, in characters (code points)"
    )


class LexiconName(ToolOutput):
    """The lexicon and its release."""

    name: str
    version: str


class SemanticFeatures(ToolOutput):
    """What a lexicon says of a text."""

    word_count: int
    unique_words: list[str]
    semantic_categories: dict[str, list[str]] | None = Field(
        default=None, description="WordNet lexicographer file → base forms; with include_categories"
    )
    synonym_matches: list[WordSynonyms] | None = Field(default=None, description="with include_synonyms")
    unknown_words: list[str] = Field(description="content words WordNet does not have")
    lexical_diversity: float = Field(description="distinct words over all words")
    lexicon: LexiconName


class TextClusters(ToolOutput):
    """Groups of texts that belong together."""

    labels: list[int] = Field(description="the cluster of each text, numbered by first appearance from 0")
    clusters: list[Cluster]
    silhouette: float | None = Field(description="−1..1, higher is better; null unless 2..n−1 clusters")
    num_clusters: int
    truncated: list[int] = TRUNCATED
    model: ModelName | None = MODEL
    degraded: bool = DEGRADED


class Keyphrases(ToolOutput):
    """The phrases that carry a text, best first."""

    keyphrases: list[Keyphrase]
    candidates: int = Field(description="distinct phrases found before the limits were applied")
    method: str

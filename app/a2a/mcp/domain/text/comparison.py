"""One pair of texts from every side: the score, its parts, the shared ideas, and what the score does not see."""

from dataclasses import dataclass

from app.a2a.mcp.domain.text.concepts import CommonConcepts, common_concepts
from app.a2a.mcp.domain.text.embedding_source import Embeddings
from app.a2a.mcp.domain.text.flags import LexicalFlags, compare, signals
from app.a2a.mcp.domain.text.language import TokenRules
from app.a2a.mcp.domain.text.likeness import (
    SEMANTIC_METHODS,
    Components,
    Method,
    Weights,
    combine,
    components,
    profile,
)
from app.a2a.mcp.domain.text.wordnet import Lexicon


@dataclass(frozen=True, slots=True)
class Comparison:
    """The score of a pair; `flags` stand beside a semantic method, `concepts` where they were asked for."""

    similarity: float
    parts: Components
    flags: LexicalFlags | None
    concepts: CommonConcepts | None


def compare_pair(
    text1: str,
    text2: str,
    method: Method,
    weights: Weights,
    rules: TokenRules,
    embeddings: Embeddings | None,
    *,
    lexicon: Lexicon | None,
    with_concepts: bool,
) -> Comparison:
    """Compare two texts; without `embeddings` a semantic method is answered by words alone."""
    first_vector, second_vector = embeddings.vectors if embeddings else (None, None)
    first, second = profile(text1, first_vector, rules), profile(text2, second_vector, rules)
    parts = components(first, second, method, embedded=embeddings is not None)
    return Comparison(
        similarity=combine(parts, weights),
        parts=parts,
        flags=compare(signals(text1), signals(text2)) if method in SEMANTIC_METHODS else None,
        concepts=common_concepts(first.counts, second.counts, lexicon) if with_concepts else None,
    )

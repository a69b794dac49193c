"""BM25 relevance of each text to a query, in the three variants that are most often meant by the name.

Sources: Robertson & Zaragoza 2009; Kamphuis et al. 2020, "Which BM25 do you mean?". The statistics are those of the
texts given, and of nothing that was asked before.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.abandonment import attended
from app.a2a.mcp.domain.text.language import stems
from app.a2a.mcp.domain.text.words import find_words

Variant = Literal["lucene", "atire", "robertson"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
Stem = Literal["none", "snowball_en"]
DEFAULT_K1 = 1.2
DEFAULT_B = 0.75

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rules:
    """How texts are tokenized and scored. `k1` 0 counts a term once; `b` 0 leaves the length out."""

    k1: float = DEFAULT_K1
    b: float = DEFAULT_B
    variant: Variant = "lucene"
    stem: Stem = "none"


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """A term of the query in the corpus: texts holding it, times it is asked for, and its weight."""

    document_frequency: int
    query_frequency: int
    idf: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """Scores by place; `parts` holds, by term, what it adds to each score and how often it occurs there."""

    scores: Vector
    lengths: NDArray[np.int64]
    average_length: float
    terms: dict[str, TermStatistics]
    parts: dict[str, tuple[NDArray[np.int64], Vector]]


def tokens_of(text: str, stem: Stem = "none") -> list[str]:
    """The case-folded words of `text` in order, whatever their length; with snowball_en as English stems."""
    words = [word.text for word in find_words(text)]
    if stem == "none":
        return words
    stem_of = stems(words)
    return [stem_of[word] for word in words]


def score_texts(query: str, texts: Sequence[str], rules: Rules) -> Relevance:
    """Score every text; a term written twice in the query counts twice, as in Lucene."""
    asked = Counter(tokens_of(query, rules.stem))
    counted = [Counter(tokens_of(text, rules.stem)) for text in attended(texts)]
    lengths = np.array([counts.total() for counts in counted], dtype=np.int64)
    average = float(lengths.mean()) if len(lengths) else 0.0
    relative = lengths / average if average else np.zeros(len(texts))
    # The part of the denominator that does not depend on the term.
    damping = rules.k1 * (1.0 - rules.b + rules.b * relative)
    scores = np.zeros(len(texts))
    terms: dict[str, TermStatistics] = {}
    parts: dict[str, tuple[NDArray[np.int64], Vector]] = {}
    for term, times in attended(asked.items()):
        frequency = np.array([counts[term] for counts in counted], dtype=np.int64)
        holding = int(np.count_nonzero(frequency))
        idf = inverse_document_frequency(len(texts), holding, rules.variant)
        share = times * idf * _saturation(frequency, damping, rules)
        scores += share
        terms[term] = TermStatistics(holding, times, idf)
        parts[term] = (frequency, share)
    return Relevance(scores, lengths, average, terms, parts)


def inverse_document_frequency(total: int, holding: int, variant: Variant) -> float:
    """The weight of a term that `holding` of `total` texts have; never negative."""
    if variant == "lucene":
        return float(np.log1p((total - holding + 0.5) / (holding + 0.5)))
    if variant == "atire":
        return float(np.log(total / holding)) if holding else 0.0
    # Unfloored, a term in over half the texts would count against them.
    return max(0.0, float(np.log((total - holding + 0.5) / (holding + 0.5))))


def share_of_best(scores: Vector) -> Vector:
    """Scores divided by their maximum; all zero where nothing matched."""
    best = scores.max(initial=0.0)
    return scores / best if best > 0.0 else np.zeros(len(scores))


def _saturation(frequency: NDArray[np.int64], damping: Vector, rules: Rules) -> Vector:
    gain = 1.0 if rules.variant == "lucene" else rules.k1 + 1.0
    found = frequency > 0
    # Where a text lacks the term the quotient may be 0/0 (k1 = 0).
    below = np.where(found, frequency + damping, 1.0)
    saturated: Vector = np.where(found, frequency * gain / below, 0.0)
    return saturated

"""How alike two texts are by their letters, their words and their meaning, and the mix of the last two.

A pair has no useful inverse document frequency, so the cosine is of plain word counts. Every score is 0..1,
symmetric, and 1 for a text with itself.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from app.a2a.mcp.domain.text.language import DEFAULT_RULES, TokenRules, tokenize
from app.a2a.mcp.domain.text.words import fold

Method = Literal["jaccard", "cosine", "semantic", "hybrid", "edit"]
METHODS: tuple[str, ...] = get_args(Method)
SEMANTIC_METHODS = frozenset({"semantic", "hybrid"})

# Unit vectors are unit to about 1e-16; a text is exactly like itself.
ROUNDING = 1e-9

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """The shares of a hybrid score; only their proportions matter."""

    jaccard: float = 0.3
    cosine: float = 0.3
    semantic: float = 0.4


@dataclass(frozen=True, slots=True)
class Profile:
    """A text prepared once for many comparisons. `vector` is its unit embedding, None where there is none."""

    folded: str
    counts: Counter[str]
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class Components:
    """The scores a similarity was made of; None for one that was not asked for or could not be had."""

    jaccard: float | None = None
    cosine: float | None = None
    semantic: float | None = None
    edit: float | None = None


DEFAULT_WEIGHTS = Weights()


def profile(text: str, vector: Vector | None = None, rules: TokenRules = DEFAULT_RULES) -> Profile:
    """`text` with its tokens counted and its embedding beside them."""
    return Profile(fold(text), Counter(tokenize(text, rules).texts), vector)


def jaccard(one: Profile, other: Profile) -> float:
    """Shared distinct words over all distinct words (Jaccard 1912)."""
    if not one.counts and not other.counts:
        return _equality(one, other)
    shared = len(one.counts.keys() & other.counts.keys())
    return shared / (len(one.counts) + len(other.counts) - shared)


def cosine(one: Profile, other: Profile) -> float:
    """The cosine of the two word-count vectors."""
    if not one.counts and not other.counts:
        return _equality(one, other)
    dot = sum(one.counts[word] * other.counts[word] for word in one.counts.keys() & other.counts.keys())
    # One root of the product of whole numbers: equal texts give exactly 1.
    return dot / math.sqrt(_square(one) * _square(other)) if dot else 0.0


def edit(one: Profile, other: Profile) -> float:
    """1 − Levenshtein distance (1966) over the longer length, of the case-folded texts."""
    return Levenshtein.normalized_similarity(one.folded, other.folded)


def semantic(one: Profile, other: Profile) -> float:
    """The cosine of the embeddings, negative ones counted as 0. A text without one is like its equal alone."""
    if one.vector is None or other.vector is None:
        return _equality(one, other)
    cosine_of_pair = float(one.vector @ other.vector)
    return 1.0 if cosine_of_pair > 1.0 - ROUNDING else max(0.0, cosine_of_pair)


def components(one: Profile, other: Profile, method: Method, *, embedded: bool) -> Components:
    """The scores `method` needs. Without embeddings a semantic method is answered by its lexical stand-ins."""
    if method == "edit":
        return Components(edit=edit(one, other))
    if method == "jaccard":
        return Components(jaccard=jaccard(one, other))
    if method == "cosine":
        return Components(cosine=cosine(one, other))
    if method == "semantic" and embedded:
        return Components(semantic=semantic(one, other))
    meaning = semantic(one, other) if embedded else None
    return Components(jaccard(one, other), cosine(one, other), meaning)


def combine(parts: Components, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """One score from its parts. The weight of a missing part is shared out in proportion over the others."""
    if parts.edit is not None:
        return parts.edit
    pairs = (
        (parts.jaccard, weights.jaccard),
        (parts.cosine, weights.cosine),
        (parts.semantic, weights.semantic),
    )
    present = [(score, weight) for score, weight in pairs if score is not None]
    total = math.fsum(weight for _, weight in present)
    if not total or len(present) == 1:
        # All the weight lay on a part that is missing, or there is nothing to mix.
        return math.fsum(score for score, _ in present) / len(present)
    return min(1.0, math.fsum(score * weight for score, weight in present) / total)


def similarity(one: Profile, other: Profile, method: Method, weights: Weights, *, embedded: bool) -> float:
    """`combine` over the `components` of a pair."""
    return combine(components(one, other, method, embedded=embedded), weights)


def _equality(one: Profile, other: Profile) -> float:
    return float(one.folded == other.folded)


def _square(text: Profile) -> int:
    return sum(count * count for count in text.counts.values())

"""What a text is about by the lexicon, and which ideas two texts share beyond their equal words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.a2a.mcp.domain.text.language import stems, tokenize
from app.a2a.mcp.domain.text.wordnet import Lexicon, PartOfSpeech, Sense
from app.a2a.mcp.domain.text.words import find_words


@dataclass(frozen=True, slots=True)
class SynonymMatch:
    """A word of one text and the word of the other that shares its most frequent meaning."""

    word1: str
    word2: str


@dataclass(frozen=True, slots=True)
class CommonConcepts:
    """Equal words, words of one stem, and synonyms; `synonym_matches` is None where no lexicon is installed."""

    direct_matches: list[str]
    stem_matches: list[str]
    synonym_matches: list[SynonymMatch] | None


@dataclass(frozen=True, slots=True)
class WordSynonyms:
    """The other words of a word's most frequent meaning."""

    word: str
    lemma: str
    pos: PartOfSpeech
    synset: str
    synonyms: list[str]


@dataclass(frozen=True, slots=True)
class Features:
    """What the lexicon says of a text. Counts and types are of all words, the rest of the content words."""

    word_count: int
    unique_words: list[str]
    semantic_categories: dict[str, list[str]]
    synonym_matches: list[WordSynonyms]
    unknown_words: list[str]
    lexical_diversity: float


def common_concepts(one: Iterable[str], other: Iterable[str], lexicon: Lexicon | None) -> CommonConcepts:
    """The ideas two token lists share. A word is matched in the plainest way it can be, and once."""
    first, second = dict.fromkeys(one), dict.fromkeys(other)
    direct = sorted(first.keys() & second.keys())
    left = [word for word in first if word not in second]
    right = [word for word in second if word not in first]
    stem_left, stem_right = stems(left), stems(right)
    shared = set(stem_left.values()) & set(stem_right.values())
    left = [word for word in left if stem_left[word] not in shared]
    right = [word for word in right if stem_right[word] not in shared]
    return CommonConcepts(direct, sorted(shared), _synonyms(left, right, lexicon))


def extract_features(text: str, lexicon: Lexicon, max_synonyms: int) -> Features:
    """The categories, synonyms and unknown words of `text`, by each word's most frequent sense in WordNet."""
    words = [word.text for word in find_words(text)]
    types = sorted(set(words))
    content = list(dict.fromkeys(tokenize(text).texts))
    known = {word: sense for word in content if (sense := lexicon.best_sense(word))}
    return Features(
        word_count=len(words),
        unique_words=types,
        semantic_categories=_categories(known.values()),
        synonym_matches=[match for word in known if (match := _word_synonyms(word, known[word], max_synonyms))],
        unknown_words=[word for word in content if word not in known],
        lexical_diversity=len(types) / len(words) if words else 0.0,
    )


def _synonyms(left: Sequence[str], right: Sequence[str], lexicon: Lexicon | None) -> list[SynonymMatch] | None:
    """Pairs that share a first sense. Rarer senses are left out: "cat" and "guy" share one."""
    if lexicon is None:
        return None
    holders: dict[str, list[str]] = {}
    for word in right:
        for sense in lexicon.senses(word):
            holders.setdefault(sense.synset.id, []).append(word)
    pairs = (
        SynonymMatch(word, match)
        for word in left
        for sense in lexicon.senses(word)
        for match in holders.get(sense.synset.id, ())
    )
    return list(dict.fromkeys(pairs))


def _categories(senses: Iterable[Sense]) -> dict[str, list[str]]:
    """The lemmas under each lexicographer file, both in order of first appearance."""
    found: dict[str, dict[str, None]] = {}
    for sense in senses:
        found.setdefault(sense.synset.category, {})[sense.lemma] = None
    return {category: list(lemmas) for category, lemmas in found.items()}


def _word_synonyms(word: str, sense: Sense, limit: int) -> WordSynonyms | None:
    others = [other for other in sense.synset.words if other.casefold() != sense.lemma.replace("_", " ")][:limit]
    return WordSynonyms(word, sense.lemma, sense.pos, sense.synset.id, others) if others else None

"""RAKE: the phrases between stop words and punctuation, scored by the company their words keep.

Rose, Engel, Cramer & Cowley, "Automatic keyword extraction from individual documents" (2010). A word's score is
its degree (the lengths of the phrases it stands in, summed) over its frequency; a phrase's is the sum of its words'.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from app.a2a.mcp.domain.text.language import stop_words
from app.a2a.mcp.domain.text.words import Word, find_words

# Modal verbs carry nothing either; Snowball keeps them out of its list because some are nouns too ("can", "will").
_MODALS = frozenset({"can", "may", "might", "must", "shall", "will"})
# Words of one phrase have blanks or a hyphen between them; an empty line, like punctuation, ends it.
_JOIN = re.compile(r"(?:[^\S\n]*\n?[^\S\n]*|[-\u2010\u2011])")


@dataclass(frozen=True, slots=True)
class Keyphrase:
    """A phrase as it reads in the text (case-folded), its RAKE score, how often it stands there and first where."""

    phrase: str
    score: float
    count: int
    first_offset: int


def rake(text: str, extra_stop_words: Collection[str] = ()) -> list[Keyphrase]:
    """Every candidate phrase of `text`, best first; equal scores in order of first appearance."""
    extra = {word.text for phrase in extra_stop_words for word in find_words(phrase)}
    phrases = list(_phrases(text, stop_words("en") | _MODALS | extra))
    frequency: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for phrase in phrases:
        for word in phrase:
            frequency[word.text] += 1
            degree[word.text] += len(phrase)
    counts = Counter(map(_spelling, phrases))
    found: dict[tuple[str, ...], Keyphrase] = {}
    for phrase in phrases:
        spelling = _spelling(phrase)
        if spelling not in found:
            score = sum(degree[word] / frequency[word] for word in spelling)
            shown = _shown(text, phrase)
            found[spelling] = Keyphrase(shown, score, counts[spelling], phrase[0].start)
    return sorted(found.values(), key=lambda keyphrase: (-keyphrase.score, keyphrase.first_offset))


def top_keyphrases(
    candidates: list[Keyphrase], top_k: int, max_words: int = 4, min_characters: int = 3
) -> list[Keyphrase]:
    """The first `top_k` phrases that are neither too long in words nor too short in characters."""
    fitting = (
        candidate
        for candidate in candidates
        if len(candidate.phrase.replace("-", " ").split()) <= max_words and len(candidate.phrase) >= min_characters
    )
    return list(islice(fitting, top_k))


def _phrases(text: str, stop: Collection[str]) -> Iterator[list[Word]]:
    """Runs of words without a stop word or punctuation within."""
    phrase: list[Word] = []
    for word in find_words(text):
        if phrase and not _JOIN.fullmatch(text, phrase[-1].end, word.start):
            yield phrase
            phrase = []
        if word.text not in stop:
            phrase.append(word)
        elif phrase:
            yield phrase
            phrase = []
    if phrase:
        yield phrase


def _spelling(phrase: list[Word]) -> tuple[str, ...]:
    return tuple(word.text for word in phrase)


def _shown(text: str, phrase: list[Word]) -> str:
    """The words joined as they are in the text: by a hyphen where there is one, else by one space."""
    shown = phrase[0].text
    for before, word in pairwise(phrase):
        between = text[before.end : word.start].strip()
        shown += f"{between or ' '}{word.text}"
    return shown

"""Whether an answer addresses its question: the content words it takes up, and the mix with meaning."""

from dataclasses import dataclass
from typing import Literal, get_args

from app.a2a.mcp.domain.text.language import TokenRules, stems, tokenize
from app.a2a.mcp.domain.text.words import find_words

QuestionType = Literal[
    "definition", "person", "time", "place", "reason", "manner", "quantity", "choice", "yes_no", "statement"
]
QUESTION_TYPES: tuple[QuestionType, ...] = get_args(QuestionType)
QUESTION_WORDS = frozenset(["what", "which", "who", "whom", "whose", "when", "where", "why", "how"])
_BY_WORD: dict[str, QuestionType] = {
    "what": "definition",
    "what's": "definition",
    "define": "definition",
    "who": "person",
    "who's": "person",
    "whom": "person",
    "whose": "person",
    "when": "time",
    "where": "place",
    "where's": "place",
    "why": "reason",
    "how": "manner",
    "which": "choice",
}
_BY_PAIR: dict[tuple[str, str], QuestionType] = {
    **{("how", word): "quantity" for word in ("many", "much", "long", "far", "old", "often", "big", "tall", "large")},
    ("what", "time"): "time",
    ("what", "year"): "time",
    ("what", "date"): "time",
}
_BE_AND_DO = frozenset(("is", "are", "was", "were", "am", "do", "does", "did", "has", "have", "had"))
_MODALS = frozenset(("can", "could", "will", "would", "shall", "should", "may", "might", "must"))
_AUXILIARIES = _BE_AND_DO | _MODALS
_RULES = TokenRules(min_word_length=1)


@dataclass(frozen=True, slots=True)
class WordCoverage:
    """`coverage` is None where the question has no content word; the words are as written, case-folded."""

    coverage: float | None
    overlap: list[str]
    only_question: list[str]
    only_answer: list[str]
    question_type: QuestionType


def cover(question: str, answer: str) -> WordCoverage:
    """Compare the content words of both by their English stems (Snowball); each counts once."""
    asked, said = _content(question), _content(answer)
    overlap = [word for stem, word in asked.items() if stem in said]
    return WordCoverage(
        coverage=len(overlap) / len(asked) if asked else None,
        overlap=overlap,
        only_question=[word for stem, word in asked.items() if stem not in said],
        only_answer=[word for stem, word in said.items() if stem not in asked],
        question_type=question_type(question),
    )


def question_type(question: str) -> QuestionType:
    """What an English question asks for, by its first question word; "statement" where it has none."""
    words = [word.text for word in find_words(question)]
    for place, word in enumerate(words):
        pair = (word, words[place + 1] if place + 1 < len(words) else "")
        found = _BY_PAIR.get(pair) or _BY_WORD.get(word)
        if found:
            return found
        # An auxiliary in front asks yes or no, whatever question words come in its clauses.
        if place == 0 and word in _AUXILIARIES:
            return "yes_no"
    return "statement"


def align(coverage: float | None, semantic: float | None) -> float:
    """The mean of word coverage and meaning, or the one there is; 0 without either."""
    parts = [part for part in (coverage, None if semantic is None else max(0.0, semantic)) if part is not None]
    return sum(parts) / len(parts) if parts else 0.0


def _content(text: str) -> dict[str, str]:
    """Stem → the first word that has it, stop words and question words left out."""
    words = [word for word in tokenize(text, _RULES).texts if word not in QUESTION_WORDS]
    stem_of = stems(words)
    found: dict[str, str] = {}
    for word in words:
        found.setdefault(stem_of[word], word)
    return found

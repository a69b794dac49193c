"""Splitting a compound English question into simple ones, by a fixed grammar and nothing else.

The operators are those of question decomposition (Wolfson et al. 2020) that wording alone shows: several sentences,
coordinated question words, comparisons and orders in time. A question that shows none of them comes back whole.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Strategy = Literal["structural", "comparative", "temporal"]
QuestionType = Literal[
    "definition",
    "process",
    "explanation",
    "temporal",
    "location",
    "identity",
    "quantity",
    "comparison",
    "boolean",
    "other",
]

_ASKING = r"what|which|who|whom|whose|when|where|why|how"
_BEING = r"is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|may|might|must"
_SENTENCE = re.compile(r"(?<=[?!;])\s+|(?<=[^\W\d_]{3}\.)\s+(?=[A-Z])")
_COORDINATED = re.compile(
    rf",?\s+(?:and|or|but)\s+(?:also\s+|then\s+)?(?=(?:{_ASKING})\b)|[,;]\s+(?=(?:{_ASKING})\b)", re.I
)
_PAIR = r"(?P<first>(?:(?!\b(?:and|or)\b).)+?)\s*,?\s+(?:{joint})\s+(?P<second>.+?)"
_TAIL = r"(?P<tail>\s+(?:for|in terms of|with respect to|regarding|when it comes to|as)\s+.+)?"
_COMPARISONS = tuple(
    re.compile(f"^{pattern}[?.!]*$", re.IGNORECASE)
    for pattern in (
        r"(?:please\s+)?(?:compare|contrast|compare and contrast)\s+"
        rf"{_PAIR.format(joint='and|with|to|vs[.]?|versus|against')}"
        rf"{_TAIL}",
        rf"(?:what(?:'s| is| are) the )?(?:main |key )?(?:differences?|similarit(?:y|ies)) between\s+"
        rf"{_PAIR.format(joint='and')}{_TAIL}",
        rf"how (?:is|are|does|do)\s+{_PAIR.format(joint='differ from|different from|compared? (?:to|with)')}{_TAIL}",
        rf"{_PAIR.format(joint='vs[.]?|versus')}{_TAIL}",
        rf"(?:which|what|who) (?:is|are|was|were) (?:[\w-]+er|more \w+|less \w+|better|worse)\s*[,:]\s*"
        rf"{_PAIR.format(joint='or')}{_TAIL}",
    )
)
# "A versus B" is no sentence: it is made one.
_BARE_PAIR = rf"^(?!(?:{_ASKING}|please|compare|contrast)\b)"
_TEMPORAL = re.compile(r"^(?P<main>.+?),?\s+(?P<word>before|after)\s+(?P<event>.+?)[?.!]*$", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:[a-z]{2,}ed|is|was|were|had|became|began|came|fell|left|lost|rose|ran|sank|took|went|won|wrote)\b"
)
_THEN = re.compile(r",?\s+(?:and\s+)?then\s+", re.IGNORECASE)
_TYPES: tuple[tuple[QuestionType, str], ...] = (
    ("other", r"^what happen(?:s|ed)?\b"),
    ("comparison", r"\bdifferent from\b|^(?:which|who|what) (?:is|are|was|were) (?:[\w-]+er|more|less|worse)\b"),
    (
        "comparison",
        r"^(?:compare|contrast)\b|\bcompare\b|\bdifferences? between\b|\bversus\b|\bvs\b|\bdiffer\b|\bsimilarit",
    ),
    ("quantity", r"^how (?:many|much|long|old|far|tall|big|large|often|high|deep|fast|heavy|wide)\b"),
    ("quantity", r"^what (?:percentage|number|share|amount|proportion)\b"),
    ("explanation", r"^(?:why\b|how come\b|explain why\b|for what reason\b|what (?:causes?|caused|explains?)\b)"),
    ("process", r"^(?:how\b|by what means\b|explain how\b|what are the steps\b)"),
    ("temporal", r"^(?:when\b|(?:in|on|since|until) (?:what|which) (?:year|month|day|date|century)\b)"),
    ("temporal", r"^what (?:year|date|day|time|century)\b"),
    ("location", r"^(?:where\b|(?:in|at|to|from) (?:what|which) (?:country|city|place|town|state)\b)"),
    ("location", r"^(?:what|which) (?:country|city|place|town|state|continent)\b"),
    ("identity", r"^(?:who|whom|whose)\b|^which\b"),
    ("definition", r"^(?:what(?:'s)?\b|define\b)"),
    ("boolean", rf"^(?:{_BEING}|am)\b"),
)
_SUBJECT = re.compile(
    rf"^(?:{_ASKING})(?:\s+(?:many|much|long|often))?\s+(?:{_BEING})\s+(?P<rest>[^?.!]+)", re.IGNORECASE
)
_AFTER_SUBJECT = re.compile(
    r"\s+(?:called|used|important|made|located|known|born|invented|discovered|founded|created|built|written|work(?:s)?"
    r"|happen(?:s)?|begin(?:s)?|start(?:s)?|end(?:s)?|invent|discover|write|found|build|die|live|for|in|on|at|of\s+all)\b.*$",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"^(?:who|what)\s+[a-z]+\s+(?P<rest>[^?.!]+)", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:it|they|he|she|them|him)\b", re.IGNORECASE)
_POSSESSIVE = re.compile(r"\b(?:its|their|his)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One simple question; `depends_on` names the ids whose answers it needs."""

    id: int
    question: str
    type: QuestionType
    depends_on: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    depends_on: tuple[int, ...] = ()


def classify_question(question: str) -> QuestionType:
    """What kind of answer a question asks for, by its first words."""
    text = question.strip()
    return next((kind for kind, pattern in _TYPES if re.search(pattern, text, re.IGNORECASE)), "other")


def decompose_question(question: str, strategy: Strategy) -> list[SubQuestion]:
    """The simple questions in the order to answer them; a question that cannot be split is the only one.

    `comparative` looks for comparisons alone, `temporal` for orders in time alone, `structural` for everything.
    """
    drafts: list[_Draft] = []
    for sentence in _SENTENCE.split(" ".join(question.split())):
        if sentence.strip(" ?!.;"):
            drafts += _shifted(_split(sentence, strategy), len(drafts))
    drafts = _resolve(drafts) if len(drafts) > 1 else [_Draft(question.strip())]
    return [
        SubQuestion(index, draft.text, classify_question(draft.text), sorted(set(draft.depends_on)))
        for index, draft in enumerate(drafts)
    ]


def _split(sentence: str, strategy: Strategy) -> list[_Draft]:
    if strategy != "temporal" and (found := _comparison(sentence)):
        return found
    if strategy == "comparative":
        return [_Draft(_finished(sentence))]
    if strategy == "temporal" and (found := _in_time(sentence)):
        return found
    parts = _COORDINATED.split(sentence) if strategy == "structural" else [sentence]
    if len(parts) > 1:
        return _joined_parts(parts, strategy)
    found = _in_time(sentence) if strategy == "structural" else []
    return found or [_Draft(_finished(sentence))]


def _joined_parts(parts: Sequence[str], strategy: Strategy) -> list[_Draft]:
    drafts: list[_Draft] = []
    for part in parts:
        drafts += _shifted(_split(part, strategy), len(drafts))
    return drafts


def _shifted(drafts: Sequence[_Draft], by: int) -> Iterator[_Draft]:
    for draft in drafts:
        yield _Draft(draft.text, tuple(index + by for index in draft.depends_on))


def _comparison(sentence: str) -> list[_Draft]:
    for pattern in _COMPARISONS:
        if found := pattern.match(sentence.strip()):
            first, second = found["first"].strip(" ,"), found["second"].strip(" ,")
            tail = (found["tail"] or "").rstrip(" ?!.")
            bare = re.match(_BARE_PAIR, sentence.strip(), re.IGNORECASE)
            whole = f"How do {first} and {second} compare{tail}?" if bare else sentence.strip()
            return [
                _Draft(f"What {_verb(first)} {first}{tail}?"),
                _Draft(f"What {_verb(second)} {second}{tail}?"),
                _Draft(whole, (0, 1)),
            ]
    return []


def _in_time(sentence: str) -> list[_Draft]:
    """Steps joined by "then", and questions that hang on when something else happened."""
    steps = _THEN.split(sentence)
    if len(steps) > 1:
        return [_Draft(_finished(step), (index - 1,) if index else ()) for index, step in enumerate(steps)]
    found = _TEMPORAL.match(sentence.strip())
    # "before noon" is a time already: only an event, told with a verb, is worth a question of its own.
    if not found or not _VERB.search(found["event"]):
        return []
    event = found["event"].strip()
    return [_Draft(f"When did this happen: {event}?"), _Draft(_finished(sentence), (0,))]


def _resolve(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Later parts that speak of "it" get the first part's subject in its place, and depend on that part."""
    subject = _subject(drafts[0].text)
    resolved = [drafts[0]]
    for draft in drafts[1:]:
        text = draft.text
        if subject and not draft.depends_on:
            text, count = _PRONOUN.subn(subject.replace("\\", r"\\"), text, count=1)
            if not count:
                owner = subject + ("'" if subject.endswith("s") else "'s")
                text, count = _POSSESSIVE.subn(owner.replace("\\", r"\\"), text, count=1)
            if count:
                draft = _Draft(text, (0,))
        resolved.append(draft)
    return resolved


def _subject(question: str) -> str | None:
    """What a simple question is about: what follows its verb, up to a further verb or a preposition."""
    found = _SUBJECT.match(question.strip()) or _OBJECT.match(question.strip())
    if not found:
        return None
    subject = _AFTER_SUBJECT.sub("", found["rest"]).strip(" ,")
    return subject if subject and not _PRONOUN.fullmatch(subject) else None


def _verb(name: str) -> str:
    plural = name.lower().endswith("s") and not name.lower().endswith(("ss", "us", "is", "ics")) and name.islower()
    return "are" if plural else "is"


def _finished(part: str) -> str:
    """A part as a question: capital first letter, question mark."""
    text = part.strip(" ,;")
    text = text[:1].upper() + text[1:]
    asks = re.match(rf"(?:{_ASKING}|{_BEING})\b", text, re.IGNORECASE)
    return _ended(text) if not asks else text.rstrip(" ?!.") + "?"


def _ended(text: str) -> str:
    return text if text.endswith(("?", ".", "!")) else text + ("?" if text.lower().startswith(("how", "what")) else ".")

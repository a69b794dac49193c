"""The languages we have both a stop list and a stemmer for, and the tokens every tool of this service sees.

Stop lists follow the Snowball project's (English word for word), one word a line in `stop_words/`; stemmers are
`snowballstemmer`'s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import Literal, Protocol, get_args

from app.a2a.mcp.domain.text.words import UnicodeForm, Word, find_words

Language = Literal["da", "de", "en", "it", "nl", "no", "pt"]
LANGUAGES: tuple[str, ...] = get_args(Language)

_STEMMERS: dict[Language, str] = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
}


class Stemmer(Protocol):
    """What `snowballstemmer.stemmer` returns; it keeps state while it works, so one thread uses one."""

    def stemWord(self, word: str) -> str:  # noqa: N802 - the library's name
        """The stem of one lower-case word."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How a text becomes the tokens that are compared; the defaults are those of every tool."""

    remove_stop_words: bool = True
    min_word_length: int = 2
    stem: bool = False
    normalize_unicode: UnicodeForm = "NFKC"
    strip_accents: bool = False
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens left of a text, and how many words it had before any was removed."""

    words: Sequence[Word]
    original_count: int

    @property
    def texts(self) -> list[str]:
        """The tokens without their places."""
        return [word.text for word in self.words]


DEFAULT_RULES = TokenRules()


@cache
def stop_words(language: Language = "en") -> frozenset[str]:
    """The Snowball stop list of `language`, case-folded."""
    name = f"{language}.txt"
    source = resources.files("app.a2a.mcp.domain.text").joinpath("stop_words", name)
    lines = source.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def stemmer(language: Language = "en") -> Stemmer:
    """A new Snowball stemmer; making one costs microseconds.

    The library is loaded at the first use: its thirty languages are 4 MiB, and most tools that find words stem none.
    """
    made: Stemmer = import_module("snowballstemmer").stemmer(_STEMMERS[language])
    return made


def stems(words: Iterable[str], language: Language = "en") -> dict[str, str]:
    """The stem of every distinct word of `words`."""
    stem = stemmer(language).stemWord
    return {word: stem(word) for word in dict.fromkeys(words)}


def tokenize(text: str, rules: TokenRules = DEFAULT_RULES) -> Tokens:
    """The tokens of `text` under `rules`: stop words and short words go first, then stems are taken."""
    found = find_words(text, rules.normalize_unicode, strip_accents=rules.strip_accents)
    stop = _stop_set(rules)
    kept = [w for w in found if len(w.text) >= rules.min_word_length and w.text not in stop]
    if rules.stem:
        stem_of = stems((word.text for word in kept), rules.language)
        kept = [Word(stem_of[word.text], word.start, word.end) for word in kept]
    return Tokens(kept, len(found))


def _stop_set(rules: TokenRules) -> frozenset[str]:
    if not rules.remove_stop_words:
        return frozenset()
    return _plain_stop_words(rules.language) if rules.strip_accents else stop_words(rules.language)


@cache
def _plain_stop_words(language: Language) -> frozenset[str]:
    """The stop list with and without its accents: "für" has to go whether or not its accent was stripped."""
    listed = stop_words(language)
    return listed | {word.text for line in listed for word in find_words(line, strip_accents=True)}

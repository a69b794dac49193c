"""Words of a text with their place in it, case-folded and in one Unicode form.

Boundaries follow UAX #29 as far as a pattern can: runs of letters, digits and their marks; an apostrophe
between letters and a point or comma between digits stay inside ("don't", "3.14"). Scripts that write without
spaces come back as whole runs, since cutting them needs a dictionary.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, get_args

UnicodeForm = Literal["NFC", "NFKC", "none"]
UNICODE_FORMS: tuple[str, ...] = get_args(UnicodeForm)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: the text to compare, and the span of the original text it came from (code points)."""

    text: str
    start: int
    end: int


def _mark_class() -> str:
    """The body of a character class of all combining marks, which `re` has no name for."""
    marks = [code for code in range(0x300, 0x1F000) if unicodedata.category(chr(code)).startswith("M")]
    runs = (list(run) for _, run in groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0]))
    return "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)


# Soft hyphens and joiners are invisible: they belong to the word around them and not to what is compared.
_INVISIBLE = "\u00ad\u200c\u200d\u2060"
_RUN = rf"[^\W_](?:[^\W_]++|[{_mark_class()}{_INVISIBLE}]++)*+"
_WORD = re.compile(rf"{_RUN}(?:(?:['’](?=[^\W\d_])|(?<=\d)[.,](?=\d)|_++(?=[^\W_])){_RUN})*+")
_FOLD_MARKS = str.maketrans({"’": "'", **dict.fromkeys(_INVISIBLE, None)})


def fold(text: str, form: UnicodeForm = "NFKC", *, strip_accents: bool = False) -> str:
    """Case-folded `text` in Unicode form `form` (UAX #15), curly apostrophes made straight, accents kept or not."""
    if text.isascii():
        return text.lower()
    folded = _normalize(_normalize(text, form).casefold(), form).translate(_FOLD_MARKS)
    if not strip_accents:
        return folded
    parted = unicodedata.normalize("NFD", folded)
    return _normalize("".join(c for c in parted if not unicodedata.combining(c)), form)


def find_words(text: str, form: UnicodeForm = "NFKC", *, strip_accents: bool = False) -> list[Word]:
    """Every word of `text` in order. Offsets are into `text` itself, whatever the Unicode form."""
    words: list[Word] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        folded = fold(match.group(), form, strip_accents=strip_accents)
        if folded.isalnum():
            words.append(Word(folded, start, end))
        else:
            # A compatibility form can open into several words ("½" is "1⁄2"): they share the span.
            words.extend(Word(part, start, end) for part in _WORD.findall(folded))
    return words


def _normalize(text: str, form: UnicodeForm) -> str:
    return text if form == "none" else unicodedata.normalize(form, text)

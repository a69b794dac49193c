"""A reader of WordNet's own text files (wndb(5WN), lexnames(5WN)), memory-mapped, so that it costs pages and no heap.

NLTK's reader wants a `lexnames` file that Debian's package lacks; the 45 names below are its manual page's.
Base forms follow morphy(7WN): the exception lists, then the rules of detachment.
"""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from app.a2a.mcp.errors import UnavailableError

PartOfSpeech = Literal["n", "v", "a", "r"]

# By number, 00 to 44.
_CATEGORY_NAMES = """
adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object
noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape
noun.state noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition
verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession
verb.social verb.stative verb.weather adj.ppl
"""
LEXICOGRAPHER_FILES = tuple(_CATEGORY_NAMES.split())
_FILES: dict[PartOfSpeech, str] = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES: dict[PartOfSpeech, tuple[int, ...]] = {"n": (1,), "v": (2,), "a": (3, 5), "r": (4,)}
_DETACHMENT: dict[PartOfSpeech, tuple[tuple[str, str], ...]] = {
    "n": (
        ("s", ""),
        ("ses", "s"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "v": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}
_HYPERNYM = frozenset({"@", "@i"})
_CACHED_WORDS = 4096


@dataclass(frozen=True, slots=True)
class Synset:
    """A set of synonyms: its id (`02958343-n`), category, words as written, and the ids of what it is a kind of."""

    id: str
    category: str
    words: tuple[str, ...]
    hypernyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sense:
    """A word's most frequent meaning as one part of speech; `count` is its frequency in the tagged texts."""

    lemma: str
    pos: PartOfSpeech
    synset: Synset
    count: int


class Lexicon:
    """WordNet in a directory. Safe to share between threads: the maps are only sliced and searched."""

    def __init__(self, directory: Path) -> None:
        """Maps the files. Raises UnavailableError, naming the package, when one is not there."""
        try:
            self._index = {pos: _SortedLines(directory / f"index.{name}") for pos, name in _FILES.items()}
            self._exceptions = {pos: _SortedLines(directory / f"{name}.exc") for pos, name in _FILES.items()}
            self._counts = _SortedLines(directory / "cntlist.rev")
            self._data: dict[str, mmap.mmap] = {p: _map(directory / f"data.{n}") for p, n in _FILES.items()}
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"the WordNet lexicon is not at {directory}; install the Debian package wordnet-base"
            ) from error
        stated = re.search(rb"WordNet (\d+\.\d+)", self._data["n"][:2000])
        self.name = "WordNet"
        self.version = stated.group(1).decode() if stated else "unknown"
        self.senses = lru_cache(_CACHED_WORDS)(self._senses)

    @classmethod
    def open_if_installed(cls, directory: Path) -> Self | None:
        """The lexicon, or None on a host without it."""
        try:
            return cls(directory)
        except UnavailableError:
            return None

    def best_sense(self, word: str) -> Sense | None:
        """The most frequent meaning of `word` in any part of speech, or None for a word WordNet does not know."""
        return max(self.senses(word), key=lambda sense: sense.count, default=None)

    def synset(self, synset_id: str) -> Synset:
        """The synset of an id this lexicon gave out."""
        offset, _, pos = synset_id.partition("-")
        data = self._data[pos]
        start = int(offset)
        fields = data[start : data.find(b"\n", start)].partition(b" | ")[0].decode("ascii").split()
        words_end = 4 + 2 * int(fields[3], 16)
        pointers_end = words_end + 1 + 4 * int(fields[words_end])
        pointers = (fields[at : at + 4] for at in range(words_end + 1, pointers_end, 4))
        return Synset(
            synset_id,
            LEXICOGRAPHER_FILES[int(fields[1])],
            tuple(_plain(word) for word in fields[4:words_end:2]),
            tuple(f"{target}-{kind}" for symbol, target, kind, _ in pointers if symbol in _HYPERNYM),
        )

    def base_forms(self, word: str, pos: PartOfSpeech) -> list[str]:
        """The entries of `pos` that `word` can be a form of, itself first."""
        listed = self._exceptions[pos].find(word)
        forms = [word]
        if listed:
            forms += listed.split()[1:]
        else:
            forms += [word.removesuffix(end) + new for end, new in _DETACHMENT[pos] if word.endswith(end)]
        return [form for form in dict.fromkeys(forms) if form and self._index[pos].find(form)]

    def _senses(self, word: str) -> tuple[Sense, ...]:
        """The first sense of every base form of `word` in every part of speech."""
        # Fields of the files are parted by blanks: a word with one would match across them.
        if not word.isascii() or len(word.split()) != 1 or word != word.strip():
            return ()
        plain = word.removesuffix("'s")
        return tuple(self._first_sense(lemma, pos) for pos in _FILES for lemma in self.base_forms(plain, pos))

    def _first_sense(self, lemma: str, pos: PartOfSpeech) -> Sense:
        fields = self._index[pos].find(lemma).split()
        # lemma pos synset_cnt p_cnt [symbol…] sense_cnt tagsense_cnt offset…
        offset = fields[6 + int(fields[3])]
        return Sense(lemma, pos, self.synset(f"{offset}-{pos}"), self._frequency(lemma, pos))

    def _frequency(self, lemma: str, pos: PartOfSpeech) -> int:
        prefixes = (f"{lemma}%{kind}:" for kind in _SENSE_TYPES[pos])
        lines = (line for prefix in prefixes for line in self._counts.starting_with(prefix))
        return max((int(line.split()[2]) for line in lines), default=0)


class _SortedLines:
    """A file of lines in byte order, searched by its first field without being read."""

    def __init__(self, path: Path) -> None:
        self._bytes = _map(path)

    def find(self, key: str) -> str:
        """The line whose first field is `key`, or an empty string."""
        return next(self.starting_with(f"{key} "), "")

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Every line that begins with `prefix`, in order."""
        wanted = prefix.encode("ascii")
        at = self._lower_bound(wanted)
        while self._bytes[at : at + len(wanted)] == wanted:
            end = self._bytes.find(b"\n", at)
            yield self._bytes[at:end].decode("ascii")
            at = end + 1

    def _lower_bound(self, wanted: bytes) -> int:
        """The offset of the first line not below `wanted`."""
        data = self._bytes
        low, high = 0, len(data)
        while low < high:
            middle = (low + high) // 2
            start = data.rfind(b"\n", low, middle) + 1 or low
            if data[start : start + len(wanted)] < wanted:
                low = data.find(b"\n", middle) + 1 or len(data)
            else:
                high = start
        return low


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _plain(word: str) -> str:
    """A word without its adjective marker, such as `(a)`, and with spaces for underscores."""
    return word.partition("(")[0].replace("_", " ")

"""Texts to token numbers, in bounded memory whatever the length, and the windows the encoder reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

BEGIN, END = 1, 2
# The tokenizer's lattice grows with the piece of text it is given, so it is given this much at a time.
SEGMENT_CHARACTERS = 4000
# Past this many tokens a text's direction no longer changes in practice; the rest is reported as unread.
MAX_TOKENS = 8192
WINDOW = 256
# Two convolutions of reach two: a token's features depend on its four neighbours on either side.
HALO = 4

_SURROGATES = re.compile("[\ud800-\udfff]")
_SEGMENT = re.compile(rf"\S.{{0,{SEGMENT_CHARACTERS - 1}}}(?!\S)|\S{{1,{SEGMENT_CHARACTERS}}}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens to convolve together; only `[start, stop)` of them count, the others are context."""

    text: int
    ids: list[int]
    start: int
    stop: int


class Tokenizer:
    """The model's sentencepiece vocabulary (128,010 pieces)."""

    def __init__(self, path: Path) -> None:
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def encode(self, text: str) -> tuple[list[int], bool]:
        """Token numbers between begin and end marks, and whether the text was cut; empty when blank."""
        if not any(character.isprintable() and not character.isspace() for character in text):
            # Invisible characters would all get one and the same vector.
            return [], False
        # A lone surrogate is no character: the C++ tokenizer raises on it, so it reads as unknown.
        clean = _SURROGATES.sub("\ufffd", text)
        ids: list[int] = []
        for match in _SEGMENT.finditer(clean):
            # Pieces never cross white space, so segments cut there give the tokens of the whole.
            ids.extend(self._pieces.encode(match.group()))
            if len(ids) > MAX_TOKENS - 2:
                return [BEGIN, *ids[: MAX_TOKENS - 2], END], True
        return ([BEGIN, *ids, END] if ids else []), False


def windows(text: int, ids: list[int]) -> Iterator[Window]:
    """Cut `ids` into windows whose counted parts tile them, each with its neighbours as context."""
    for first in range(0, len(ids), WINDOW):
        last = min(first + WINDOW, len(ids))
        low, high = max(0, first - HALO), min(len(ids), last + HALO)
        yield Window(text, ids[low:high], first - low, last - low)

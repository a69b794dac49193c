"""Words and their places: UAX #15 forms, UAX #29 boundaries as far as a pattern goes."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.text.words import UNICODE_FORMS, UnicodeForm, find_words, fold

TEXTS = st.text(max_size=60)


def words(text: str, form: UnicodeForm = "NFKC", strip_accents: bool = False) -> list[str]:
    return [word.text for word in find_words(text, form, strip_accents=strip_accents)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't O’Neill's 'quoted'", ["don't", "o'neill's", "quoted"]),
        ("3.14 and 1,000 end.Start", ["3.14", "and", "1,000", "end", "start"]),
        ("snake_case _private_ a-b", ["snake_case", "private", "a", "b"]),
        ("Straße ΣΊΣΥΦΟΣ", ["strasse", "σίσυφοσ"]),
        ("हिन्दी 日本語 e\u0301tude", ["हिन्दी", "日本語", "étude"]),
        ("co\u00adoperate", ["cooperate"]),
        ("", []),
        ("?! \n\t --", []),
    ],
)
def test_text_is_cut_into_case_folded_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_compatibility_form_unfolds_a_ligature_and_canonical_form_does_not() -> None:
    assert words("ﬁne") == ["fine"]
    assert words("\ufb01ne", "NFC") == ["fine"]  # case folding alone opens this ligature
    assert words("①２", "NFC") == ["①２"]
    assert words("①２") == ["12"]


def test_a_character_that_opens_into_two_words_gives_both_with_one_span() -> None:
    found = find_words("a ½ b")
    assert [(word.text, word.start, word.end) for word in found[1:3]] == [("1", 2, 3), ("2", 2, 3)]


def test_accents_are_stripped_only_when_asked() -> None:
    assert words("Résumé Ångström naïve") == ["résumé", "ångström", "naïve"]
    assert words("Résumé Ångström naïve", strip_accents=True) == ["resume", "angstrom", "naive"]


def test_offsets_point_into_the_original_text_whatever_the_form() -> None:
    text = "Ein ﬁnes Café"
    for form in ("NFC", "NFKC", "none"):
        found = find_words(text, form)
        assert [text[word.start : word.end] for word in found] == ["Ein", "ﬁnes", "Café"]


@given(TEXTS, st.sampled_from(UNICODE_FORMS), st.booleans())
def test_offsets_ascend_within_the_text_and_words_are_never_empty(text: str, form: UnicodeForm, strip: bool) -> None:
    found = find_words(text, form, strip_accents=strip)
    assert all(word.text and 0 <= word.start < word.end <= len(text) for word in found)
    assert all(a.end <= b.start or (a.start, a.end) == (b.start, b.end) for a, b in pairwise(found))


@given(TEXTS)
def test_words_do_not_depend_on_case_or_composition(text: str) -> None:
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


@given(TEXTS, st.sampled_from(("NFC", "NFKC")))
def test_folding_twice_is_folding_once(text: str, form: UnicodeForm) -> None:
    assert fold(fold(text, form), form) == fold(text, form)


def test_a_megabyte_of_marks_apostrophes_and_points_is_cut_in_linear_time() -> None:
    for unit in ("a'", "1.", "a_", "e\u0301", "'", "_"):
        assert len(find_words(unit * 100_000)) <= 100_000

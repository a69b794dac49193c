"""Stop lists and stemmers: the Snowball project's own samples, and that every language offered is whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.text.language import LANGUAGES, Language, TokenRules, stemmer, stop_words, tokenize
from app.a2a.mcp.domain.text.words import fold

# From the sample vocabulary on the page of the Snowball English stemmer.
ENGLISH_SAMPLE = {
    "consign consigned consigning consignment": "consign",
    "consist consisted consistency consistent consistently consisting consists": "consist",
    "consolation consolations console consoled consoles consoling consolingly consols": "consol",
    "consolidate consolidated consolidating": "consolid",
    "conspicuous conspicuously": "conspicu",
    "conspirator conspirators conspire conspired conspiring": "conspir",
    "conspiracy": "conspiraci",
    "kneaded kneading": "knead",
    "knightly knights": "knight",
    "knitted knitting knits": "knit",
    "knives": "knive",
    "knackeries": "knackeri",
}


def tokens(text: str, rules: TokenRules | None = None) -> list[str]:
    return tokenize(text, rules or TokenRules()).texts


@pytest.mark.parametrize(("inflected", "stem"), ENGLISH_SAMPLE.items())
def test_english_stems_are_those_of_the_snowball_vocabulary(inflected: str, stem: str) -> None:
    assert {stemmer("en").stemWord(word) for word in inflected.split()} == {stem}


def test_catalogue_example_is_tokenized_and_stemmed() -> None:
    found = tokenize("The runners were RUNNING quickly!")
    assert (found.texts, found.original_count) == (["runners", "running", "quickly"], 5)
    assert tokens("The runners were RUNNING quickly!", TokenRules(stem=True)) == ["runner", "run", "quick"]


def test_least_word_length_is_inclusive() -> None:
    rules = TokenRules(min_word_length=3, remove_stop_words=False)
    assert tokens("go far away", rules) == ["far", "away"]


def test_english_stop_list_is_the_whole_snowball_list() -> None:
    assert len(stop_words("en")) == 174
    assert {"the", "ourselves", "couldn't", "very"} <= stop_words("en")
    assert tokens("Don’t you dare") == ["dare"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_folded_stop_list_and_a_stemmer(language: Language) -> None:
    listed = stop_words(language)
    assert len(listed) > 90
    assert all(fold(word) == word and word.strip() == word for word in listed)
    assert stemmer(language).stemWord("a") == "a"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Die Häuser stehen für uns in der Straße", ["haus", "steh", "strass"]),
        ("it", "Le case sono nella grande strada", ["cas", "grand", "strad"]),
    ],
)
def test_other_languages_lose_their_own_stop_words_and_endings(
    language: Language, text: str, expected: list[str]
) -> None:
    assert tokens(text, TokenRules(stem=True, language=language)) == expected


def test_stop_words_go_whether_or_not_their_accents_were_stripped() -> None:
    rules = TokenRules(language="de", strip_accents=True)
    assert tokens("für dich, fur mich: Müller", rules) == ["muller"]


@given(st.text(max_size=80))
def test_removing_more_never_adds_and_counts_agree(text: str) -> None:
    everything = tokenize(text, TokenRules(remove_stop_words=False, min_word_length=1))
    kept = tokenize(text)
    assert everything.original_count == kept.original_count == len(everything.words)
    assert set(kept.texts) <= set(everything.texts)

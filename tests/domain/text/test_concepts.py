"""Shared ideas of two texts, and what the lexicon says of one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.text.concepts import SynonymMatch, common_concepts, extract_features
from app.a2a.mcp.domain.text.wordnet import Lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(Path("/usr/share/wordnet"))


def test_words_stems_and_synonyms_are_matched_in_that_order(lexicon: Lexicon) -> None:
    one = ["car", "runs", "fast", "dog"]
    other = ["automobile", "running", "fast", "cat"]
    found = common_concepts(one, other, lexicon)
    assert found.direct_matches == ["fast"]
    assert found.stem_matches == ["run"]
    assert found.synonym_matches == [SynonymMatch("car", "automobile")]


def test_rare_senses_make_no_synonyms(lexicon: Lexicon) -> None:
    assert common_concepts(["cat"], ["guy"], lexicon).synonym_matches == []


def test_synonyms_are_null_without_a_lexicon() -> None:
    assert common_concepts(["car"], ["automobile"], None).synonym_matches is None


def test_catalogue_example_falls_into_its_categories(lexicon: Lexicon) -> None:
    found = extract_features("The dog chased the automobile", lexicon, 5)
    assert found.semantic_categories == {
        "noun.animal": ["dog"],
        "verb.motion": ["chase"],
        "noun.artifact": ["automobile"],
    }
    automobile = next(match for match in found.synonym_matches if match.word == "automobile")
    assert automobile.synonyms == ["car", "auto", "machine", "motorcar"]
    assert (automobile.lemma, automobile.pos, automobile.synset) == ("automobile", "n", "02958343-n")
    assert (found.word_count, found.lexical_diversity) == (5, pytest.approx(0.8))


def test_unknown_words_have_no_category(lexicon: Lexicon) -> None:
    found = extract_features("zzyzx", lexicon, 5)
    assert found.unknown_words == ["zzyzx"]
    assert found.semantic_categories == {}
    assert found.synonym_matches == []


def test_synonyms_are_cut_at_the_limit(lexicon: Lexicon) -> None:
    assert [match.synonyms for match in extract_features("automobile", lexicon, 2).synonym_matches] == [["car", "auto"]]


def test_text_without_words_has_no_diversity(lexicon: Lexicon) -> None:
    assert extract_features("...", lexicon, 5).lexical_diversity == 0.0


VOCABULARY = ["car", "dog", "cats", "automobile", "run", "running", "the", "of", "quick", "zzyzx"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY), max_size=12))
def test_every_content_word_is_known_or_unknown_never_both(lexicon: Lexicon, words: list[str]) -> None:
    found = extract_features(" ".join(words), lexicon, 3)
    listed = {lemma for lemmas in found.semantic_categories.values() for lemma in lemmas}
    assert not listed & set(found.unknown_words)
    assert set(found.unknown_words) <= set(found.unique_words) == set(words)

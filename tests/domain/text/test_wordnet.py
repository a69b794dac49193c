"""The reader against WordNet's own data and the well-known figures of its noun tree."""

import random
import tracemalloc
from collections import deque
from pathlib import Path

import pytest

from app.a2a.mcp.domain.text.wordnet import LEXICOGRAPHER_FILES, Lexicon, PartOfSpeech
from app.a2a.mcp.errors import UnavailableError

WORDNET = Path("/usr/share/wordnet")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(WORDNET)


def distances(lexicon: Lexicon, synset_id: str) -> dict[str, int]:
    """Steps from a synset up to each of its hypernyms."""
    found = {synset_id: 0}
    queue = deque([synset_id])
    while queue:
        at = queue.popleft()
        for above in lexicon.synset(at).hypernyms:
            if above not in found:
                found[above] = found[at] + 1
                queue.append(above)
    return found


def noun(lexicon: Lexicon, word: str) -> str:
    return next(sense.synset.id for sense in lexicon.senses(word) if sense.pos == "n")


def path_similarity(lexicon: Lexicon, one: str, other: str) -> float:
    """1 / (1 + the shortest path through hypernyms)."""
    first, second = distances(lexicon, noun(lexicon, one)), distances(lexicon, noun(lexicon, other))
    return 1 / (1 + min(first[shared] + second[shared] for shared in first.keys() & second.keys()))


def wu_palmer(lexicon: Lexicon, one: str, other: str) -> float:
    """2·depth of the lowest common hypernym over the depths of both through it (Wu & Palmer 1994)."""
    first, second = distances(lexicon, noun(lexicon, one)), distances(lexicon, noun(lexicon, other))
    depth = {shared: 1 + max(distances(lexicon, shared).values()) for shared in first.keys() & second.keys()}
    lowest = max(depth, key=lambda shared: depth[shared])
    return 2 * depth[lowest] / (2 * depth[lowest] + first[lowest] + second[lowest])


def test_version_is_read_from_the_data(lexicon: Lexicon) -> None:
    assert (lexicon.name, lexicon.version) == ("WordNet", "3.0")


def test_dog_and_cat_are_as_near_as_everyone_measured(lexicon: Lexicon) -> None:
    assert path_similarity(lexicon, "dog", "cat") == pytest.approx(0.2)
    assert wu_palmer(lexicon, "dog", "cat") == pytest.approx(0.857143, abs=1e-6)
    assert path_similarity(lexicon, "car", "automobile") == 1.0


def test_first_sense_of_automobile_is_the_catalogues(lexicon: Lexicon) -> None:
    sense = lexicon.best_sense("automobile")
    assert sense is not None
    assert (sense.synset.id, sense.synset.category) == ("02958343-n", "noun.artifact")
    assert sense.synset.words == ("car", "auto", "automobile", "machine", "motorcar")


@pytest.mark.parametrize(
    ("word", "lemma", "pos", "category"),
    [
        ("chased", "chase", "v", "verb.motion"),
        ("geese", "goose", "n", "noun.animal"),
        ("was", "be", "v", "verb.stative"),
        ("better", "good", "a", "adj.all"),
        ("happily", "happily", "r", "adv.all"),
        ("boxes", "box", "n", "noun.artifact"),
        ("policies", "policy", "n", "noun.cognition"),
        ("children's", "child", "n", "noun.person"),
        ("taller", "tall", "a", "adj.all"),
    ],
)
def test_inflected_words_are_found_in_their_most_frequent_sense(
    lexicon: Lexicon, word: str, lemma: str, pos: PartOfSpeech, category: str
) -> None:
    sense = lexicon.best_sense(word)
    assert sense is not None
    assert (sense.lemma, sense.pos, sense.synset.category) == (lemma, pos, category)


@pytest.mark.parametrize("word", ["zzyzx", "größe", "", "a b", "dog n 7", "\n", "  1"])
def test_what_is_no_word_of_wordnet_is_unknown(lexicon: Lexicon, word: str) -> None:
    assert lexicon.best_sense(word) is None


def test_there_are_the_45_categories_of_the_manual_page() -> None:
    assert len(LEXICOGRAPHER_FILES) == 45
    assert [LEXICOGRAPHER_FILES[number] for number in (0, 3, 5, 28, 29, 44)] == [
        "adj.all",
        "noun.Tops",
        "noun.animal",
        "noun.time",
        "verb.body",
        "adj.ppl",
    ]


@pytest.mark.parametrize(("pos", "name"), [("n", "noun"), ("v", "verb"), ("a", "adj"), ("r", "adv")])
def test_every_entry_of_an_index_is_found_and_points_to_itself(lexicon: Lexicon, pos: PartOfSpeech, name: str) -> None:
    lines = (WORDNET / f"index.{name}").read_text("ascii").splitlines()
    entries = [line.split()[0] for line in lines if not line.startswith("  ")]
    for lemma in [entries[0], entries[-1], *random.Random(7).sample(entries, 300)]:
        assert lexicon.base_forms(lemma, pos)[0] == lemma
        sense = next(sense for sense in lexicon.senses(lemma) if sense.pos == pos and sense.lemma == lemma)
        assert lemma in {word.replace(" ", "_").lower() for word in sense.synset.words}


def test_reading_a_thousand_words_keeps_nothing_but_the_cache(lexicon: Lexicon) -> None:
    lines = (WORDNET / "index.noun").read_text("ascii").splitlines()[29:]
    sample = [line.split()[0] for line in random.Random(3).sample(lines, 1000)]
    tracemalloc.start()
    for word in sample:
        lexicon.best_sense(word)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 4_000_000


def test_missing_data_is_unavailable_and_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="wordnet-base"):
        Lexicon(tmp_path)
    assert Lexicon.open_if_installed(tmp_path) is None

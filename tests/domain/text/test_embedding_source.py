"""Where embeddings come from: the sister, the model here, or nowhere; and how much is embedded at all."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.embedding import Embedded, ModelName
from app.a2a.mcp.domain.text.embedding_source import (
    BATCH_CHARACTERS,
    BATCH_PIECES,
    CALL_CHARACTERS,
    PIECE_CHARACTERS,
    EmbeddingSource,
    fair_share,
)
from app.a2a.mcp.errors import DeadlineExceededError, InvalidArgumentError, UnavailableError

pytestmark = pytest.mark.anyio

SISTER = ModelName("sister", "aa")
LOCAL = ModelName("local", "bb")


def row(text: str) -> list[float]:
    """A direction that depends on the letters of a text, not on its length."""
    counts = np.array([1 + text.count(letter) for letter in "abc"], dtype=float)
    return list(counts / np.linalg.norm(counts))


class FakeSister:
    """Answers as embed_texts does, until it is told to fail."""

    def __init__(self, fail_after: int | None = None, error: Exception | None = None) -> None:
        self.batches: list[list[str]] = []
        self.fail_after = fail_after
        self.error = error or UnavailableError("the breaker is open")
        self.model = SISTER

    async def ask(self, texts: list[str]) -> dict[str, Any]:
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            raise self.error
        self.batches.append(texts)
        model = {"name": self.model.name, "revision_sha256": self.model.revision_sha256}
        return {"vectors": [row(text) for text in texts], "dimensions": 3, "model": model, "truncated": []}


class FakeEmbedder:
    model = LOCAL
    dimensions = (3,)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Embedded:
        return Embedded(np.array([row(text) for text in texts], dtype=np.float32), (), ())


async def run(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def source() -> EmbeddingSource:
    return EmbeddingSource(FakeEmbedder)


async def test_sister_is_asked_and_the_local_model_stays_unloaded() -> None:
    sister, here = FakeSister(), source()
    found = await here.embed(["a", "b"], sister.ask, run)
    assert found is not None
    assert (found.model, found.degraded, here.loaded) == (SISTER, False, False)
    assert found.vectors[0] == pytest.approx(row("a"))


async def test_each_distinct_text_is_embedded_once() -> None:
    sister = FakeSister()
    found = await source().embed(["a", "b", "a"], sister.ask, run)
    assert sister.batches == [["a", "b"]]
    assert found is not None
    assert found.vectors[0] is found.vectors[2]


async def test_texts_without_content_have_no_vector_and_are_not_sent() -> None:
    sister = FakeSister()
    found = await source().embed(["", " \n", "\u200b", "a"], sister.ask, run)
    assert sister.batches == [["a"]]
    assert found is not None
    assert [vector is None for vector in found.vectors] == [True, True, True, False]


async def test_nothing_to_embed_asks_nobody() -> None:
    found = await source().embed(["", " "], FakeSister(fail_after=0).ask, run)
    assert found is not None
    assert (found.vectors, found.model, found.degraded) == ([None, None], None, False)


@pytest.mark.parametrize("error", [UnavailableError("away"), InvalidArgumentError("refused")])
async def test_model_here_answers_for_a_sister_that_cannot(error: Exception) -> None:
    here = source()
    found = await here.embed(["a"], FakeSister(fail_after=0, error=error).ask, run)
    assert found is not None
    assert (found.model, found.degraded, here.loaded, here.model) == (LOCAL, True, True, LOCAL)


async def test_vectors_of_two_revisions_are_never_mixed() -> None:
    sister = FakeSister(fail_after=1)
    texts = [f"a{number}" for number in range(BATCH_PIECES + 1)]
    found = await source().embed(texts, sister.ask, run)
    assert found is not None
    assert found.model == LOCAL

    changing = FakeSister()

    async def ask(batch: list[str]) -> dict[str, Any]:
        reply = await changing.ask(batch)
        changing.model = ModelName("sister", "cc")
        return reply

    found = await source().embed(texts, ask, run)
    assert found is not None
    assert found.model == LOCAL


@pytest.mark.parametrize("vectors", [[[1.0]] * 2, [1.0], [["x"]], [[float("nan")]], None])
async def test_a_malformed_reply_is_no_answer(vectors: object) -> None:
    async def ask(batch: list[str]) -> dict[str, Any]:
        return {"vectors": vectors, "model": {"name": "sister", "revision_sha256": "aa"}}

    found = await source().embed(["a"], ask, run)
    assert found is not None
    assert found.degraded


async def test_without_any_model_there_are_no_embeddings() -> None:
    def load() -> FakeEmbedder:
        raise FileNotFoundError("no weights")

    assert await EmbeddingSource(load).embed(["a"], FakeSister(fail_after=0).ask, run) is None


async def test_deadline_is_not_answered_by_a_fallback() -> None:
    with pytest.raises(DeadlineExceededError):
        await source().embed(["a"], FakeSister(fail_after=0, error=DeadlineExceededError("late")).ask, run)


async def test_requests_keep_to_the_sisters_limits() -> None:
    sister = FakeSister()
    texts = ["word " * 4000, *[f"b{number}" for number in range(400)], "c" * 20_000]
    found = await source().embed(texts, sister.ask, run)
    assert found is not None
    assert all(len(batch) <= BATCH_PIECES for batch in sister.batches)
    assert all(sum(map(len, batch)) <= BATCH_CHARACTERS for batch in sister.batches)
    assert max(len(piece) for batch in sister.batches for piece in batch) <= PIECE_CHARACTERS
    assert found.truncated == []


async def test_long_texts_give_way_when_a_call_brings_too_much() -> None:
    sister = FakeSister()
    texts = ["query " * 3000, *["short"] * 3, *[f"{number} " + "long " * 3900 for number in range(20)]]
    found = await source().embed(texts, sister.ask, run, whole=1)
    assert found is not None
    assert found.truncated == list(range(4, 24))
    assert sum(len(piece) for batch in sister.batches for piece in batch) <= CALL_CHARACTERS


async def test_texts_cut_short_keep_a_piece_whatever_blanks_they_begin_with() -> None:
    texts = [" " * 10_000 + f"a{number}" for number in range(40)]
    found = await source().embed(texts, FakeSister().ask, run)
    assert found is not None
    assert all(vector is not None for vector in found.vectors)


async def test_vector_of_a_long_text_is_the_weighted_mean_of_its_pieces() -> None:
    sister = FakeSister()
    text = "a" * PIECE_CHARACTERS + " " + "b" * 100
    found = await source().embed([text], sister.ask, run)
    assert found is not None
    expected = PIECE_CHARACTERS * np.array(row("a" * PIECE_CHARACTERS)) + 100 * np.array(row("b" * 100))
    assert found.vectors[0] == pytest.approx(expected / np.linalg.norm(expected))


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 5000))
def test_fair_share_is_the_most_that_fits(sizes: list[int], budget: int) -> None:
    share = fair_share(sizes, budget)
    assert sum(min(size, share) for size in sizes) <= budget
    if any(size > share for size in sizes):
        assert sum(min(size, share + 1) for size in sizes) > budget

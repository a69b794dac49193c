"""Recall@10 and speed of the approximate index against exact search, for docs/performance.md.

`python bench/recall.py [ROWS …]` (1000 10000 100000 when absent) embeds as many WordNet glosses with 256
numbers, holds 200 out as queries, and prints one row for each number of rows and `search_k`.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.embedding import open_embedder
from app.a2a.mcp.domain.vectors.base import BaseWriter, open_base, with_ann
from app.a2a.mcp.domain.vectors.index import CollectionIndex, Question

WORDNET = Path("/usr/share/wordnet")
SIZES = (1_000, 10_000, 100_000)
SEARCH_K = (2_000, 5_000, 10_000, 20_000, 40_000, 80_000)
QUERIES = 200
TOP = 10


def sentences(count: int) -> list[str]:
    """Distinct definitions and example sentences, in a reproducible order."""
    texts: set[str] = set()
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="utf-8").splitlines():
            _, mark, gloss = line.partition(" | ")
            if mark:
                texts.update(piece.strip(' "') for piece in gloss.split("; "))
    usable = sorted(text for text in texts if 15 <= len(text) <= 200)
    return random.Random(3).sample(usable, count)


def embedded(count: int) -> NDArray[np.float32]:
    """Vectors of 256 numbers."""
    embedder = open_embedder()
    texts = sentences(count)
    blocks = [embedder.embed(texts[start : start + 2000], 256).vectors for start in range(0, count, 2000)]
    return np.concatenate(blocks)


def index_of(directory: Path, rows: NDArray[np.float32]) -> tuple[CollectionIndex, float, int]:
    """An index with annoy over all rows, the seconds its build took and the bytes of its file."""
    writer = BaseWriter(directory, 1, rows.shape[1])
    for number, row in enumerate(rows):
        writer.add(str(number), row, b"")
    manifest = writer.finish(owner="bench", collection="bench", epoch="e", version=1, metric="cosine")
    started = time.process_time()
    manifest = with_ann(directory, manifest, "cosine")
    seconds = time.process_time() - started
    index = CollectionIndex("cosine", rows.shape[1], open_base(directory, manifest), 1)
    return index, seconds, manifest.files["ann"].bytes


def measure(index: CollectionIndex, queries: NDArray[np.float32], search_k: int | None) -> tuple[list[set[str]], float]:
    """The ids found for each query (exact without `search_k`) and queries per CPU second."""
    started = time.process_time()
    found = [
        {
            hit.id
            for hit in index.search(
                Question(query.astype(np.float64), TOP, exact=search_k is None, search_k=search_k)
            ).hits
        }
        for query in queries
    ]
    return found, len(queries) / (time.process_time() - started)


def main(sizes: tuple[int, ...]) -> None:
    vectors = embedded(max(sizes) + QUERIES)
    queries, rows = vectors[:QUERIES], vectors[QUERIES:]
    print("| vectors | search | recall@10 | queries per CPU s | build s | file MB |")
    print("|---|---|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            index, seconds, bytes_ = index_of(Path(folder), rows[:size])
            truth, speed = measure(index, queries, None)
            print(f"| {size} | exact | 1.000 | {speed:.0f} | - | {rows[:size].nbytes / 1e6:.0f} |")
            for search_k in SEARCH_K:
                found, speed = measure(index, queries, search_k)
                recall = sum(len(a & b) for a, b in zip(found, truth, strict=True)) / sum(map(len, truth))
                measured = f"{recall:.3f} | {speed:.0f} | {seconds:.1f} | {bytes_ / 1e6:.0f}"
                print(f"| {size} | search_k {search_k} | {measured} |")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)

"""Above 50,000 vectors: how much annoy finds of what is there, and that numbers and order are exact."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from app.a2a.mcp.domain.vectors import scan
from app.a2a.mcp.domain.vectors.base import BaseWriter, open_base, with_ann
from app.a2a.mcp.domain.vectors.index import CollectionIndex, Question
from app.a2a.mcp.domain.vectors.manifest import DamagedIndexError, commit
from app.a2a.mcp.domain.vectors.scan import StoredMetric

ROWS, SIZE, QUERIES = 60_000, 16, 40


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot_product"])
def test_recall_above_the_size_of_exact_search(tmp_path: Path, metric: StoredMetric) -> None:
    rng = np.random.default_rng(11)
    centres = rng.normal(size=(300, SIZE))
    vectors = (centres[rng.integers(300, size=ROWS)] + 0.4 * rng.normal(size=(ROWS, SIZE))).astype(np.float32)
    rows = scan.index_rows(vectors, metric)
    writer = BaseWriter(tmp_path, 1, SIZE)
    for number, row in enumerate(rows):
        writer.add(f"v{number}", row, b"")
    manifest = writer.finish(owner="o", collection="c", epoch="e", version=1, metric=metric)
    manifest = with_ann(tmp_path, manifest, metric)
    commit(tmp_path, manifest)
    index = CollectionIndex(metric, SIZE, open_base(tmp_path, manifest), 1)
    found = wanted = 0
    for number in range(QUERIES):
        query = (vectors[number] + 0.2 * rng.normal(size=SIZE)).astype(np.float64)
        near = index.search(Question(query, 10))
        best = index.search(Question(query, 10, exact=True))
        assert (near.exact, best.exact, best.searched) == (False, True, ROWS)
        assert near.searched < ROWS // 10
        exact = scan.exact(rows, query, metric).similarity
        assert [hit.similarity for hit in best.hits] == pytest.approx(np.sort(exact)[::-1][:10], rel=1e-12)
        # Whatever annoy proposed, what is reported of it is exact and in order.
        assert [hit.similarity for hit in near.hits] == [float(exact[int(hit.id[1:])]) for hit in near.hits]
        assert [hit.similarity for hit in near.hits] == sorted((hit.similarity for hit in near.hits), reverse=True)
        found += len({hit.id for hit in near.hits} & {hit.id for hit in best.hits})
        wanted += len(best.hits)
    assert found / wanted >= 0.95


def test_an_annoy_file_cut_at_a_node_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    """annoy itself would load it without a word and crash on the next query."""
    rows = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
    writer = BaseWriter(tmp_path, 1, 8)
    for number, row in enumerate(rows):
        writer.add(str(number), row, b"")
    manifest = writer.finish(owner="o", collection="c", epoch="e", version=1, metric="euclidean")
    manifest = with_ann(tmp_path, manifest, "euclidean")
    path = tmp_path / manifest.files["ann"].name
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 44 // 2 * 44)
    with pytest.raises(DamagedIndexError):
        open_base(tmp_path, manifest)
    without = dataclasses.replace(manifest, files={k: v for k, v in manifest.files.items() if k != "ann"})
    assert open_base(tmp_path, without).row_of("77") == 77

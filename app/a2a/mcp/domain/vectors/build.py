"""The child process that writes a new base, and its approximate index, beside the one in use.

`python -m app.a2a.mcp.domain.vectors.build DIRECTORY STAGE ANN_FROM`: merge the committed base with the
records staged in the folder STAGE ("-": none), index it from ANN_FROM rows on, commit. The parent holds the
collection's lock and hands it down, so it is held until this process ends, whatever happens to the parent.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.base import BaseWriter, open_base, with_ann
from app.a2a.mcp.domain.vectors.manifest import Manifest, commit, read_manifest
from app.a2a.mcp.domain.vectors.scan import STORED_METRICS

NICENESS = 10
ALIVE = "alive.npy"


def write_stage(
    stage: Path,
    description: Manifest,
    alive: NDArray[np.bool_],
    records: list[tuple[str, NDArray[np.float32], bytes]],
) -> None:
    """Lay out for the child what changed since the base: new records, and which base rows are alive."""
    writer = BaseWriter(stage, 0, description.dimensions)
    for record in records:
        writer.add(*record)
    np.save(stage / ALIVE, alive)
    commit(stage, finish(writer, description))


def finish(writer: BaseWriter, description: Manifest) -> Manifest:
    """Close a writer's files under the names of the collection that `description` tells."""
    return writer.finish(
        owner=description.owner,
        collection=description.collection,
        epoch=description.epoch,
        version=description.version,
        metric=description.metric,
    )


def merge(directory: Path, stage: Path) -> Manifest:
    """Write the next generation: live rows of the committed base, then the staged records."""
    current, staged = read_manifest(directory), read_manifest(stage)
    if staged is None:
        raise SystemExit("nothing is staged")
    writer = BaseWriter(directory, next_generation(current), staged.dimensions)
    alive = np.load(stage / ALIVE, allow_pickle=False)
    if len(alive) and current is not None:
        for record in open_base(directory, current).records(alive):
            writer.add(*record)
    if staged.rows:
        added = open_base(stage, staged)
        for record in added.records(added.alive()):
            writer.add(*record)
    return finish(writer, staged)


def next_generation(current: Manifest | None) -> int:
    """One more than the committed one."""
    return 1 if current is None else current.generation + 1


def main(arguments: list[str]) -> int:
    """Merge, index, commit."""
    directory, stage, ann_from = Path(arguments[0]), arguments[1], int(arguments[2])
    try:
        os.nice(NICENESS)
    except OSError:
        # A sandbox may forbid it; the work is the same, only less polite.
        sys.stderr.write("cannot lower the priority of the build\n")
    manifest = read_manifest(directory) if stage == "-" else merge(directory, Path(stage))
    if manifest is None:
        return 1
    if manifest.rows >= ann_from:
        manifest = with_ann(directory, manifest, STORED_METRICS[manifest.metric])
    commit(directory, manifest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

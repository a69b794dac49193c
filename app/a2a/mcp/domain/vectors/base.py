"""The bulk of a collection as mapped files: rows of numbers, their ids and metadata, and a table of ids.

A base never changes; what changed since is in the tail beside it. Instances of a host share its pages.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.vectors.ann import AnnoyIndex, NearestIndex
from app.a2a.mcp.domain.vectors.manifest import DamagedIndexError, FileEntry, Manifest, describe, verify
from app.a2a.mcp.domain.vectors.scan import STORED_METRICS, StoredMetric

ROLES = {"rows": "rows.f32", "text": "text", "offsets": "offsets.u64", "keys": "keys"}
_KEY = np.dtype([("key", "<u8"), ("row", "<u4")])


@dataclass(frozen=True, slots=True)
class Base:
    """One generation, opened; rows that no key names were superseded while it was written."""

    manifest: Manifest
    rows: NDArray[np.float32]
    offsets: NDArray[np.uint64]
    text: mmap.mmap | bytes
    keys: NDArray[np.void]
    longest: float
    ann: NearestIndex | None

    def row_of(self, name: str) -> int | None:
        """The row of an id."""
        key, encoded = key_of(name), name.encode()
        place = int(np.searchsorted(self.keys["key"], key))
        while place < len(self.keys) and self.keys["key"][place] == key:
            row = int(self.keys["row"][place])
            if self._part(2 * row) == encoded:
                return row
            place += 1
        return None

    def id_at(self, row: int) -> str:
        return self._part(2 * row).decode()

    def metadata_at(self, row: int) -> bytes:
        return self._part(2 * row + 1)

    def alive(self) -> NDArray[np.bool_]:
        """A fresh mask of the rows that count."""
        mask = np.zeros(len(self.rows), dtype=bool)
        mask[self.keys["row"]] = True
        return mask

    def records(self, alive: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.float32], bytes]]:
        """The records of the rows that `alive` marks."""
        for row in np.flatnonzero(alive).tolist():
            yield self.id_at(row), self.rows[row], self.metadata_at(row)

    def _part(self, place: int) -> bytes:
        return bytes(self.text[int(self.offsets[place]) : int(self.offsets[place + 1])])


def open_base(directory: Path, manifest: Manifest) -> Base:
    """Verify and map a generation; raises DamagedIndexError when a file is not what was committed."""
    verify(directory, manifest.files.values())
    paths = {role: directory / entry.name for role, entry in manifest.files.items()}
    shape = (manifest.rows, manifest.dimensions)
    if not manifest.rows:
        # Nothing can be mapped of an empty file.
        return Base(manifest, np.empty(shape, "<f4"), np.zeros(1, "<u8"), b"", np.empty(0, _KEY), 0.0, None)
    try:
        rows = np.memmap(paths["rows"], dtype="<f4", mode="r", shape=shape)
        offsets = np.fromfile(paths["offsets"], dtype="<u8")
        keys = np.memmap(paths["keys"], dtype=_KEY, mode="r")
        with paths["text"].open("rb") as file:
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        ann = None
        if "ann" in paths:
            ann = AnnoyIndex.open(paths["ann"], STORED_METRICS[manifest.metric], manifest.dimensions)
    except (OSError, ValueError, KeyError) as error:
        raise DamagedIndexError(f"{directory} cannot be opened") from error
    return Base(manifest, rows, offsets, text, keys, longest_row(rows), ann)


class BaseWriter:
    """Writes a generation as records arrive, in memory that grows with the number of ids only."""

    def __init__(self, directory: Path, generation: int, dimensions: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._dimensions = dimensions
        self.generation = generation
        self.names = {role: f"g{generation}.{suffix}" for role, suffix in ROLES.items()}
        self._files: dict[str, IO[bytes]] = {
            role: (directory / self.names[role]).open("wb") for role in ("rows", "text")
        }
        self._rows_by_id: dict[str, int] = {}
        self._offsets: list[int] = [0]
        self._count = 0

    def add(self, name: str, row: NDArray[np.float32], metadata: bytes) -> None:
        """Append a record; a later one of the same id supersedes it."""
        self._rows_by_id[name] = self._count
        self._count += 1
        self._files["rows"].write(row.astype("<f4", copy=False).tobytes())
        for part in (name.encode(), metadata):
            self._files["text"].write(part)
            self._offsets.append(self._offsets[-1] + len(part))

    def finish(self, *, owner: str, collection: str, epoch: str, version: int, metric: str) -> Manifest:
        """Close and describe the files; the caller commits the manifest, perhaps with an index beside."""
        table = np.array([(key_of(name), row) for name, row in self._rows_by_id.items()], dtype=_KEY)
        table.sort(order=["key", "row"])
        np.array(self._offsets, dtype="<u8").tofile(self._directory / self.names["offsets"])
        table.tofile(self._directory / self.names["keys"])
        for file in self._files.values():
            file.close()
        for name in self.names.values():
            sync_file(self._directory / name)
        files: dict[str, FileEntry] = describe(self._directory, self.names)
        return Manifest(
            owner, collection, epoch, version, self.generation, metric, self._dimensions, self._count, files
        )


def with_ann(directory: Path, manifest: Manifest, metric: StoredMetric) -> Manifest:
    """Build the approximate index of a written generation; the manifest returned names it too."""
    name = f"g{manifest.generation}.ann"
    shape = (manifest.rows, manifest.dimensions)
    rows = np.memmap(directory / manifest.files["rows"].name, dtype="<f4", mode="r", shape=shape)
    AnnoyIndex.build(directory / name, rows, metric)
    sync_file(directory / name)
    files = dict(manifest.files) | describe(directory, {"ann": name})
    return replace(manifest, files=files)


def key_of(name: str) -> int:
    """64 bits of an id's BLAKE2b; equal keys are told apart by the id itself."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def longest_row(rows: NDArray[np.float32]) -> float:
    """The greatest length of a row, read in blocks."""
    longest = 0.0
    for start in range(0, len(rows), 4096):
        block = rows[start : start + 4096].astype(np.float64)
        longest = max(longest, float(np.sqrt(np.einsum("ij,ij->i", block, block)).max()))
    return longest


def sync_file(path: Path) -> None:
    """Flush a file's pages to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())

"""What is on disk for a collection: MANIFEST.json is the only commit point, everything it names is verified.

A file cut short can load without complaint and crash the process later, so size and sha256 are compared
before anything is mapped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

MANIFEST = "MANIFEST.json"
FORMAT = 1


class DamagedIndexError(Exception):
    """The files are not what the manifest says; they are derived, so the remedy is to build them again."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a generation."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A generation: rows of `version` of the collection's `epoch`; `ann` is among the files above a size."""

    owner: str
    collection: str
    epoch: str
    version: int
    generation: int
    metric: str
    dimensions: int
    rows: int
    files: Mapping[str, FileEntry]


def read_manifest(directory: Path) -> Manifest | None:
    """The committed generation, None when there is none that can be read."""
    try:
        raw = json.loads((directory / MANIFEST).read_bytes())
        if raw.pop("format") != FORMAT:
            return None
        files = {role: FileEntry(**entry) for role, entry in raw.pop("files").items()}
        return Manifest(files=files, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def commit(directory: Path, manifest: Manifest) -> None:
    """Make a generation the current one, then remove the files of older ones (mapped copies live on)."""
    staging = directory / f".{MANIFEST}.{os.getpid()}"
    with staging.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT} | asdict(manifest), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(directory / MANIFEST)
    sync_directory(directory)
    kept = {entry.name for entry in manifest.files.values()}
    for path in directory.glob("g*.*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def describe(directory: Path, names: Mapping[str, str]) -> dict[str, FileEntry]:
    """Entries for finished files: their size and sha256."""
    return {role: _entry(directory / name) for role, name in names.items()}


def verify(directory: Path, entries: Iterable[FileEntry]) -> None:
    """Raise DamagedIndexError unless every file has the size and sha256 of its entry."""
    for entry in entries:
        path = directory / entry.name
        try:
            intact = path.stat().st_size == entry.bytes and _entry(path) == entry
        except OSError as error:
            raise DamagedIndexError(f"{path} cannot be read") from error
        if not intact:
            raise DamagedIndexError(f"{path} is not the file that was committed")


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(path: Path) -> FileEntry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(path.name, path.stat().st_size, digest)

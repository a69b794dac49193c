"""Keeps the indexes of a process in step with the store, and the base files of a host in shape.

A search first asks the store for the collection's version and takes in what changed, so a write that was
answered anywhere is seen by the next search. Bases are rebuilt in the background, by one process of a host.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.a2a.mcp.domain.vectors.attributes import Attributes
from app.a2a.mcp.domain.vectors.files import CollectionFiles
from app.a2a.mcp.domain.vectors.index import CollectionIndex
from app.a2a.mcp.domain.vectors.manifest import read_manifest
from app.a2a.mcp.domain.vectors.source import Meta, RecordSource
from app.a2a.mcp.errors import NotFoundError, UnavailableError

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When a collection gets files, an approximate index and a new base, and what a process may hold."""

    memory_rows: int = 2_000
    memory_bytes: int = 4 * 2**20
    ann_from: int = 50_001
    stale_rows: int = 2_000
    stale_share: float = 0.1
    indexes: int = 64
    tail_bytes: int = 96 * 2**20


@dataclass(slots=True)
class Entry:
    """A collection in this process."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    epoch: str = ""
    index: CollectionIndex | None = None
    mark: tuple[int, int] | None = None
    busy: asyncio.Task[None] | None = None
    not_before: float = 0.0


class IndexKeeper:
    """The collections this process has searched, each at the store's version when it was last asked for."""

    def __init__(self, source: RecordSource, directory: Path | None, limits: Limits | None = None) -> None:
        self._source = source
        self._directory = directory
        self._limits = limits or Limits()
        self._entries: dict[tuple[str, str], Entry] = {}

    async def current(self, owner: str, name: str) -> tuple[Meta, CollectionIndex]:
        """The collection as the store has it now; raises NotFoundError when it has none."""
        key = (owner, name)
        entry = self._entries.pop(key, None) or Entry()
        # Taken out and put back: the dictionary is in order of last use.
        self._entries[key] = entry
        async with entry.lock:
            meta = await self._source.meta(owner, name)
            if meta is None:
                self._entries.pop(key, None)
                await self._discard(owner, name)
                raise NotFoundError(f"there is no collection {name!r}")
            index = await self._refreshed(entry, owner, name, meta)
        self._maintain(entry, owner, name, meta, index)
        self._evict(key)
        return meta, index

    async def sweep(self) -> None:
        """Remove the files of collections that are gone from the store."""
        if self._directory is None or not self._directory.is_dir():
            return
        for path in sorted(self._directory.iterdir()):
            manifest = await asyncio.to_thread(read_manifest, path)
            if manifest is None:
                continue
            meta = await self._source.meta(manifest.owner, manifest.collection)
            if meta is None or meta.epoch != manifest.epoch:
                await asyncio.to_thread(CollectionFiles(path, manifest.owner, manifest.collection).discard)

    async def settled(self) -> None:
        """Wait for the background work under way, at most as long as a build may take."""
        while tasks := [entry.busy for entry in self._entries.values() if entry.busy and not entry.busy.done()]:
            await asyncio.gather(*tasks)

    async def close(self) -> None:
        """Stop background work; children end by themselves."""
        tasks = [entry.busy for entry in self._entries.values() if entry.busy and not entry.busy.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()

    async def _refreshed(self, entry: Entry, owner: str, name: str, meta: Meta) -> CollectionIndex:
        index = entry.index
        usable = index is not None and entry.epoch == meta.epoch and index.version <= meta.version
        if index is not None and usable and await self._catch_up(index, owner, name, meta):
            return index
        # Files may be too old to catch up from, as an index may: then everything is read anew.
        for trust_files in (False,) if usable else (True, False):
            index = await self._open(entry, owner, name, meta, trust_files=trust_files)
            if await self._catch_up(index, owner, name, meta):
                entry.index, entry.epoch = index, meta.epoch
                return index
        raise UnavailableError(f"the collection {name!r} changes too fast to be read; try again")

    async def _catch_up(self, index: CollectionIndex, owner: str, name: str, meta: Meta) -> bool:
        """Take in changes until at least `meta.version`; False when all must be read anew."""
        while index.version < meta.version:
            page = await self._source.changes(owner, name, meta.epoch, index.version)
            if page.resync:
                return False
            await asyncio.to_thread(index.apply, page.changes, page.version)
        return index.version > meta.version or index.size == meta.size

    async def _open(self, entry: Entry, owner: str, name: str, meta: Meta, *, trust_files: bool) -> CollectionIndex:
        attributes = Attributes.decode(meta.attributes)
        files = self._files(owner, name)
        size = meta.size * attributes.dimensions * 4
        if files is not None and trust_files:
            entry.mark = files.mark()
            found = await asyncio.to_thread(files.open, meta.epoch, meta.version)
            if found is not None:
                return found
        if files is None or (meta.size <= self._limits.memory_rows and size <= self._limits.memory_bytes):
            index = CollectionIndex(attributes.metric, attributes.dimensions)
            async for batch in self._source.snapshot(owner, name):
                await asyncio.to_thread(index.load, batch, meta.version)
            index.version = meta.version
            return index
        try:
            index = await files.write(self._source, meta, attributes, reuse=trust_files)
        except OSError as error:
            raise UnavailableError("the index of the collection cannot be written on this host") from error
        entry.mark = files.mark()
        return index

    def _maintain(self, entry: Entry, owner: str, name: str, meta: Meta, index: CollectionIndex) -> None:
        """Start what the collection needs in the background: another's newer base, or a base of its own."""
        files = self._files(owner, name)
        if files is None or (entry.busy and not entry.busy.done()):
            return
        if files.mark() != entry.mark:
            entry.busy = self._spawn(self._swap(entry, owner, name, meta, files))
        elif self._outgrown(index) and time.monotonic() >= entry.not_before:
            entry.busy = self._spawn(self._rebuild(entry, owner, name, meta, files, index))

    def _outgrown(self, index: CollectionIndex) -> bool:
        limits = self._limits
        rows = len(index.alive)
        in_memory = index.base is None and index.tail.memory > limits.memory_bytes
        unindexed = index.base is not None and index.base.ann is None and rows >= limits.ann_from
        return in_memory or unindexed or index.stale_rows > max(limits.stale_rows, limits.stale_share * rows)

    async def _swap(self, entry: Entry, owner: str, name: str, meta: Meta, files: CollectionFiles) -> None:
        """Open the committed base beside the index in use, bring it up to date, then take its place."""
        mark = files.mark()
        index = await asyncio.to_thread(files.open, meta.epoch, None)
        if index is not None and await self._catch_up(index, owner, name, meta):
            async with entry.lock:
                if entry.epoch == meta.epoch:
                    entry.index = index
        entry.mark = mark

    async def _rebuild(
        self, entry: Entry, owner: str, name: str, meta: Meta, files: CollectionFiles, index: CollectionIndex
    ) -> None:
        # Until it is known to have worked, not again with every search.
        entry.not_before = time.monotonic() + RETRY_SECONDS
        built = await files.rebuild(index, meta, self._limits.ann_from)
        if built:
            await self._swap(entry, owner, name, meta, files)
        if built is not None:
            # Done, or another process of the host is at it: look again soon.
            entry.not_before = time.monotonic() + POLL_SECONDS

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("background work on a collection failed")

        return asyncio.get_running_loop().create_task(guarded())

    def _evict(self, used: tuple[str, str]) -> None:
        """Forget the collections used longest ago while there are too many or they hold too much memory."""
        held = sum(entry.index.tail.memory for entry in self._entries.values() if entry.index)
        for key, entry in list(self._entries.items()):
            if len(self._entries) <= self._limits.indexes and held <= self._limits.tail_bytes:
                return
            idle = not entry.lock.locked() and (entry.busy is None or entry.busy.done())
            if key != used and idle:
                held -= entry.index.tail.memory if entry.index else 0
                del self._entries[key]

    async def _discard(self, owner: str, name: str) -> None:
        files = self._files(owner, name)
        if files is not None and files.directory.is_dir():
            await asyncio.to_thread(files.discard)

    def _files(self, owner: str, name: str) -> CollectionFiles | None:
        if self._directory is None:
            return None
        # Owners may hold any character; the manifest inside tells whose folder it is.
        digest = hashlib.sha256(f"{owner}\0{name}".encode()).hexdigest()[:24]
        return CollectionFiles(self._directory / digest, owner, name)

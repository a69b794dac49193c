"""The folder of one collection on a host: opening its base, writing the first, having the next one built."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.a2a.mcp.domain.vectors import scan
from app.a2a.mcp.domain.vectors.attributes import Attributes
from app.a2a.mcp.domain.vectors.base import BaseWriter, open_base
from app.a2a.mcp.domain.vectors.build import finish, next_generation, write_stage
from app.a2a.mcp.domain.vectors.hostlock import HostLock
from app.a2a.mcp.domain.vectors.index import CollectionIndex
from app.a2a.mcp.domain.vectors.manifest import MANIFEST, DamagedIndexError, Manifest, commit, read_manifest
from app.a2a.mcp.domain.vectors.record import decode
from app.a2a.mcp.domain.vectors.scan import STORED_METRICS
from app.a2a.mcp.domain.vectors.source import Meta, RecordSource
from app.a2a.mcp.errors import UnavailableError

log = logging.getLogger(__name__)

BUILD_SECONDS = 900.0
LOCK_POLL_SECONDS = 0.05
_PACKAGE_ROOT = Path(__file__).resolve().parents[5]


class CollectionFiles:
    """Where the base of a collection lies; instances of a host share the folder."""

    def __init__(self, directory: Path, owner: str, name: str) -> None:
        # The child that builds here has another working directory.
        self.directory = directory.resolve()
        self._owner = owner
        self._name = name

    def mark(self) -> tuple[int, int] | None:
        """Changes whenever a manifest is committed."""
        try:
            status = (self.directory / MANIFEST).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def discard(self) -> None:
        """Remove the folder, unless another process is writing in it; mapped copies live on."""
        lock = HostLock.take(self.directory / "LOCK")
        if lock is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            lock.release()

    def open(self, epoch: str, not_after: int | None) -> CollectionIndex | None:
        """The committed base of this epoch, verified; None when there is none fit for use."""
        for _ in range(2):
            manifest = read_manifest(self.directory)
            if manifest is None or manifest.epoch != epoch:
                return None
            if not_after is not None and manifest.version > not_after:
                return None
            try:
                base = open_base(self.directory, manifest)
            except DamagedIndexError as error:
                # Replaced while it was being opened, or damaged: the second look tells which.
                log.warning("%s", error)
                continue
            return CollectionIndex(STORED_METRICS[manifest.metric], manifest.dimensions, base, manifest.version)
        return None

    async def write(self, source: RecordSource, meta: Meta, attributes: Attributes, *, reuse: bool) -> CollectionIndex:
        """Write a base from the store, or use the one another process wrote meanwhile."""
        lock = await self._lock()
        try:
            if reuse and (found := await asyncio.to_thread(self.open, meta.epoch, None)) is not None:
                return found
            generation = next_generation(read_manifest(self.directory))
            writer = await asyncio.to_thread(BaseWriter, self.directory, generation, attributes.dimensions)
            async for batch in source.snapshot(self._owner, self._name):
                await asyncio.to_thread(_add, writer, batch, attributes)
            await asyncio.to_thread(self._commit, writer, self._description(meta, meta.version, attributes))
        finally:
            lock.release()
        opened = await asyncio.to_thread(self.open, meta.epoch, None)
        if opened is None:
            raise DamagedIndexError(f"{self.directory} was not written as it should be")
        return opened

    async def rebuild(self, index: CollectionIndex, meta: Meta, ann_from: int) -> bool | None:
        """Have a child write the next base from `index`; False when another is at it, None when it failed."""
        lock = HostLock.take(self.directory / "LOCK")
        if lock is None:
            return False
        stage = Path(tempfile.mkdtemp(prefix="stage-", dir=self.directory))
        try:
            if not self._is_base_of(index):
                return False
            await asyncio.to_thread(self._stage, stage, index, meta)
            return await self._run_child(stage, ann_from, lock)
        finally:
            lock.release()
            await asyncio.to_thread(shutil.rmtree, stage, ignore_errors=True)

    async def _run_child(self, stage: Path, ann_from: int, lock: HostLock) -> bool | None:
        # Our own module, by its name; nothing that a caller sent is among the arguments.
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.a2a.mcp.domain.vectors.build",
            str(self.directory),
            str(stage),
            str(ann_from),
            cwd=_PACKAGE_ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(lock.descriptor,),
        )
        try:
            async with asyncio.timeout(BUILD_SECONDS):
                code = await child.wait()
        except BaseException:
            if child.returncode is None:
                child.kill()
                await child.wait()
            raise
        if code != 0:
            log.error("building the index of a collection failed with exit code %d", code)
        return True if code == 0 else None

    def _is_base_of(self, index: CollectionIndex) -> bool:
        """Whether the committed base is the one `index` stands on: only then does its mask fit."""
        manifest = read_manifest(self.directory)
        if index.base is None:
            return True
        return manifest is not None and manifest.generation == index.base.manifest.generation

    def _stage(self, stage: Path, index: CollectionIndex, meta: Meta) -> None:
        version, alive, records = index.stage()
        attributes = Attributes(index.dimensions, index.metric, None)
        write_stage(stage, self._description(meta, version, attributes), alive, records)

    def _commit(self, writer: BaseWriter, description: Manifest) -> None:
        commit(self.directory, finish(writer, description))

    def _description(self, meta: Meta, version: int, attributes: Attributes) -> Manifest:
        return Manifest(
            self._owner, self._name, meta.epoch, version, 0, attributes.metric, attributes.dimensions, 0, {}
        )

    async def _lock(self) -> HostLock:
        for _ in range(int(BUILD_SECONDS / LOCK_POLL_SECONDS)):
            if (lock := HostLock.take(self.directory / "LOCK")) is not None:
                return lock
            await asyncio.sleep(LOCK_POLL_SECONDS)
        raise UnavailableError("another process has been building this collection for too long")


def _add(writer: BaseWriter, batch: Sequence[tuple[str, bytes]], attributes: Attributes) -> None:
    for name, value in batch:
        record = decode(value)
        writer.add(name, scan.index_rows(record.vector[None, :], attributes.metric)[0], record.metadata)

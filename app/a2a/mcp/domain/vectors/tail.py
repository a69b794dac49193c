"""What changed since the base, in memory: appended, never overwritten, so a reader's view stays whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FIRST = 64


class Tail:
    """Rows with ids and metadata; a superseded row stays where it was, marked dead."""

    def __init__(self, dimensions: int) -> None:
        self._rows = np.empty((0, dimensions), dtype=np.float32)
        self._alive = np.empty(0, dtype=bool)
        self._slots: dict[str, int] = {}
        self.ids: list[str] = []
        self.metadata: list[bytes] = []
        self._metadata_bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def rows(self) -> NDArray[np.float32]:
        return self._rows[: len(self.ids)]

    @property
    def alive(self) -> NDArray[np.bool_]:
        return self._alive[: len(self.ids)]

    @property
    def memory(self) -> int:
        """Memory held, about."""
        return self._rows.nbytes + 200 * len(self.ids) + self._metadata_bytes

    def put(self, name: str, row: NDArray[np.float32], metadata: bytes) -> None:
        """Add or supersede a record."""
        self.remove(name)
        slot = len(self.ids)
        if slot == len(self._rows):
            self._grow()
        self._rows[slot] = row
        self._alive[slot] = True
        self._slots[name] = slot
        self.ids.append(name)
        self.metadata.append(metadata)
        self._metadata_bytes += len(metadata)

    def remove(self, name: str) -> bool:
        """Drop a record; whether it was here."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return False
        self._alive[slot] = False
        return True

    def row_of(self, name: str) -> NDArray[np.float32] | None:
        slot = self._slots.get(name)
        return None if slot is None else self._rows[slot]

    def records(self) -> Iterator[tuple[str, NDArray[np.float32], bytes]]:
        """The live records."""
        for name, slot in self._slots.items():
            yield name, self._rows[slot], self.metadata[slot]

    def _grow(self) -> None:
        size = max(_FIRST, 2 * len(self._rows))
        rows = np.empty((size, self._rows.shape[1]), dtype=np.float32)
        alive = np.zeros(size, dtype=bool)
        rows[: len(self._rows)], alive[: len(self._alive)] = self._rows, self._alive
        self._rows, self._alive = rows, alive

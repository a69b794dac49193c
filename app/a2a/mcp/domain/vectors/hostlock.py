"""One holder per host: an advisory lock on a file, which a child process may inherit."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class HostLock:
    """Held until every process that has its descriptor closed it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock, or None when another holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Close this process's descriptor; a child that inherited it keeps the lock."""
        os.close(self.descriptor)

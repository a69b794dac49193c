"""Who may wait: a bounded number of places of a process, and of each client in it."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from app.a2a.mcp.errors import RateLimitedError

MAX_PER_CLIENT = 32
MAX_PER_PROCESS = 256


class Places:
    """The places that are taken."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()

    def taken(self, client_id: str | None = None) -> int:
        """How many, by one client or by all."""
        return self._by_client.total() if client_id is None else self._by_client[client_id]

    @contextlib.contextmanager
    def one(self, client_id: str) -> Iterator[None]:
        """A place until the block ends; raises RateLimitedError where there is none left."""
        if self._by_client[client_id] >= MAX_PER_CLIENT or self.taken() >= MAX_PER_PROCESS:
            raise RateLimitedError(
                f"{MAX_PER_CLIENT} of one client and {MAX_PER_PROCESS} of all may wait on an instance: try again"
            )
        self._by_client[client_id] += 1
        try:
            yield
        finally:
            self._by_client[client_id] -= 1
            self._by_client += Counter()

"""What the tests of core share: a clock that only tests move, and a Redis that tests may break."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.core.redis_process import RedisProcess


@dataclass
class Clock:
    """Seconds that pass only by `advance`."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def redis_process(tmp_path: Path) -> Iterator[RedisProcess]:
    """A running Redis of the test's own."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.stop()

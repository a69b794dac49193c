"""The budget: time runs out as a reason, and loading a library costs the caller nothing."""

import pytest

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> str:
        self.now += seconds
        return "waited"


def test_time_left_is_whole_milliseconds_until_there_is_none() -> None:
    clock = Clock()
    budget = Budget(2000, clock)
    clock.wait(0.5)
    assert (budget.left_ms(), budget.elapsed_ms) == (1500, pytest.approx(500))
    clock.wait(1.4999)
    assert budget.left_ms() == 1
    clock.wait(0.01)
    with pytest.raises(UndecidedError, match="timeout"):
        budget.check()


def test_what_the_process_needs_once_is_not_counted() -> None:
    clock = Clock()
    budget = Budget(1000, clock)
    assert budget.uncounted(lambda: clock.wait(5)) == "waited"
    clock.wait(0.25)
    assert (budget.left_ms(), budget.elapsed_ms) == (750, pytest.approx(250))

"""What a rate store is: one atomic question per call, answered by the state of the client's sliding window."""

import math
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """A client's sliding-window counters after a call was taken or refused; times in seconds.

    The weight of the previous window falls linearly to 0 while `previous_left` runs out (the sliding window counter
    of the `limits` library).
    """

    allowed: bool
    previous: int
    previous_left: float
    current: int
    current_left: float

    def remaining(self, limit: int, length: float) -> int:
        """Calls that could still be made at once."""
        return max(0, limit - math.floor(self.previous * self.previous_left / length) - self.current)

    def retry_after(self, limit: int, length: float) -> int:
        """Whole seconds after which one more call will be allowed."""
        if self.current >= limit:
            # Not before this window ends and its weight has begun to fall; then at least one call has slid out.
            wait = self.current_left + length * (1 - limit / self.current)
        elif self.previous:
            wait = self.previous_left - (limit - self.current) * length / self.previous
        else:
            wait = 0.0
        # One more than the floor, because at the exact instant the weight is still one too many.
        return max(0, math.floor(wait)) + 1


class RateStore(Protocol):
    """Counts calls per client."""

    async def take(self, client: str, limit: int, length: int) -> Window:
        """Count one call of `client` if fewer than `limit` were made in the last `length` seconds."""

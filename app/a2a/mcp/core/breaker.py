"""One circuit breaker: pybreaker's state machine for asyncio.

pybreaker's own `call_async` needs tornado and lets every waiting call through when half-open. Here a call runs outside
the machine, and its outcome is then replayed to it at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar, cast

import httpx
import pybreaker
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.breaker_mirror import State
from app.a2a.mcp.errors import DeadlineExceededError, UnavailableError

FAIL_MAX = 5
"""Failures in a row that open a breaker: one lost connection, or one restart of three instances, is not an outage."""

RESET_SECONDS = 10.0
"""How long an open breaker refuses before one trial: longer than a restart takes, short against a caller's patience."""

Params = ParamSpec("Params")
ResultT = TypeVar("ResultT")


class DependencyFault(Exception):  # noqa: N818 - a mark around what the dependency answered, never seen by a caller
    """A dependency answered, and the answer says that it is broken: HTTP 5xx."""


FAULTS = (
    DependencyFault,
    OSError,
    httpx.TransportError,
    RedisConnectionError,
    RedisTimeoutError,
    # Redis's way to say 5xx: alive, and unable to do its work.
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
)
"""What counts against a dependency: connection errors, timeouts and 5xx (OSError covers sockets and TimeoutError)."""

INCONCLUSIVE = (asyncio.CancelledError, DeadlineExceededError)
"""Outcomes that say nothing of the dependency: the caller left, or had no time to begin with."""


class _Storage(pybreaker.CircuitBreakerStorage):
    """Where pybreaker keeps one breaker's state: here, with a monotonic clock that can be passed in."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        super().__init__(name)
        self._clock = clock
        self._state: State = "closed"
        self._counter = 0
        self._success_counter = 0
        self.open_until = 0.0

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = cast(State, state)

    @property
    def counter(self) -> int:
        return self._counter

    def increment_counter(self) -> None:
        self._counter += 1

    def reset_counter(self) -> None:
        self._counter = 0

    @property
    def success_counter(self) -> int:
        return self._success_counter

    def increment_success_counter(self) -> None:
        self._success_counter += 1

    def reset_success_counter(self) -> None:
        self._success_counter = 0

    @property
    def opened_at(self) -> datetime | None:
        # pybreaker compares this with the wall clock: "now" keeps the circuit open, None lets a trial through.
        return datetime.now(UTC) if self.open_seconds() > 0 else None

    @opened_at.setter
    def opened_at(self, _: datetime) -> None:
        self.open_until = self._clock() + RESET_SECONDS

    def open_seconds(self) -> float:
        """Seconds until a trial is allowed."""
        return max(0.0, self.open_until - self._clock())


class Breaker(pybreaker.CircuitBreakerListener):
    """One breaker; `call` runs an async function behind it."""

    def __init__(self, name: str, clock: Callable[[], float], on_change: Callable[[str, State], None]) -> None:
        self.name = name
        self._storage = _Storage(name, clock)
        self._trial = False
        self._on_change = on_change
        self._machine = pybreaker.CircuitBreaker(
            fail_max=FAIL_MAX,
            reset_timeout=RESET_SECONDS,
            exclude=[lambda error: not isinstance(error, FAULTS)],
            listeners=[self],
            state_storage=self._storage,
            name=name,
            throw_new_error_on_trip=False,
        )

    @property
    def state(self) -> State:
        """closed, open, or half-open: the time is over and the next call is a trial."""
        state = cast(State, self._storage.state)
        return "half-open" if state == "open" and self._storage.open_seconds() == 0 else state

    @property
    def open_seconds(self) -> float:
        """Seconds until a trial is allowed; 0 unless open."""
        return self._storage.open_seconds() if self._storage.state == "open" else 0.0

    @property
    def failures(self) -> int:
        """Failures in a row so far."""
        return self._storage.counter

    async def call(
        self, function: Callable[Params, Awaitable[ResultT]], *args: Params.args, **kwargs: Params.kwargs
    ) -> ResultT:
        """The function's result; raises UnavailableError at once while the dependency is believed down."""
        trial = self._admit()
        try:
            result = await function(*args, **kwargs)
        except INCONCLUSIVE:
            raise
        except Exception as error:
            self._settle(error)
            raise
        else:
            self._settle(None)
            return result
        finally:
            if trial:
                self._trial = False

    def reset(self) -> None:
        """Close it and forget what failed."""
        self._storage.reset_counter()
        if self._storage.state != "closed":
            self._machine.close()

    def follow(self, state: State, open_seconds: float) -> None:
        """Take over a state another instance has found."""
        if state == "closed":
            self.reset()
        elif open_seconds > 0:
            self._storage.open_until = self._storage._clock() + open_seconds
            if self._storage.state != "open":
                self._storage.state = "open"
                self._machine.state = "open"

    def state_change(
        self, cb: object, old_state: pybreaker.CircuitBreakerState | None, new_state: pybreaker.CircuitBreakerState
    ) -> None:
        """pybreaker's notice; half-open is passed through within one replay and is told as the next state."""
        if new_state.name != pybreaker.STATE_HALF_OPEN:
            # Told before the storage is written, so the new state is passed on, not read.
            self._on_change(self.name, cast(State, new_state.name))

    def _admit(self) -> bool:
        """Let a call through, or refuse it; true for the one trial of a half-open breaker."""
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._trial:
            raise UnavailableError(f"{self.name} is not answering; the circuit breaker is {state}")
        self._trial = True
        return True

    def _settle(self, error: Exception | None) -> None:
        """Tell pybreaker how a call ended, by a call that ends so."""

        def replay() -> None:
            if error is not None:
                raise error

        try:
            self._machine.call(replay)
        except pybreaker.CircuitBreakerError:
            # The breaker opened while this call was under way: what it found is old news.
            return
        except Exception as raised:
            if raised is not error:
                raise

"""Circuit breakers around every dependency call, on pybreaker's state machine, for asyncio.

pybreaker's own `call_async` needs tornado, lets every waiting call through when half-open, and its Redis storage
blocks. Here a call runs outside the machine, and its outcome is then replayed to it at once; the state is kept in
this process and mirrored (core/breaker_mirror.py), so that no call ever waits for Redis to ask about a state.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar, cast

import httpx
import pybreaker
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.a2a.mcp.core.breaker_mirror import BreakerMirror
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.errors import DeadlineExceededError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from app.a2a.mcp.core.metrics import Metrics

log = logging.getLogger(__name__)

FAIL_MAX = 5
"""Failures in a row that open a breaker: one lost connection, or one restart of three instances, is not an outage."""

RESET_SECONDS = 10.0
"""How long an open breaker refuses before one trial: longer than a restart takes, short against a caller's patience."""

FOLLOW_SECONDS = 1.0
"""How often instances exchange states: one pipeline a second each, and a tenth of RESET_SECONDS."""

REDIS_BREAKER = "redis"
"""The breaker around Redis itself; its state is this process's own, for it cannot be shared through Redis."""

State = Literal["closed", "open", "half-open"]
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

    def __init__(self, name: str, clock: Callable[[], float], on_change: Callable[["Breaker"], None]) -> None:
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
            self._on_change(self)

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


class Breakers:
    """The breakers of one process, one for each dependency; `clock` is monotonic seconds.

    With Redis, what one instance finds reaches the others of its service within `FOLLOW_SECONDS`. Each instance
    makes its own single trial: the first to succeed closes the breaker for all.
    """

    def __init__(
        self, service: str, stores: Stores, metrics: "Metrics", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._stores = stores
        self._mirror = BreakerMirror(service, stores, RESET_SECONDS)
        self._breakers: dict[str, Breaker] = {}
        self._announced: dict[str, State] = {}
        self._following = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if stores.kind == "redis":
            self.get(REDIS_BREAKER)

    def get(self, name: str) -> Breaker:
        """The breaker of that name, made when first asked for; names come from code, never from a caller."""
        breaker = self._breakers.get(name)
        if breaker is None:
            breaker = self._breakers[name] = Breaker(name, self._clock, self._changed)
            self._announced[name] = "closed"
            self._metrics.breaker_state(name, "closed")
        return breaker

    def states(self) -> dict[str, State]:
        """The state of every breaker, by name."""
        return {name: self._breakers[name].state for name in sorted(self._breakers)}

    async def reset(self, name: str | None = None) -> list[str]:
        """Close one breaker or all, here and on the service's other instances; raises NotFoundError."""
        if name is not None and name not in self._breakers:
            known = ", ".join(sorted(self._breakers)) or "none yet"
            raise NotFoundError(f"no circuit breaker has that name; there are: {known}")
        names = sorted(self._breakers) if name is None else [name]
        for each in names:
            self._breakers[each].reset()
            self._publish(each)
        # Where Redis is away, the background task tells the others when it is back.
        with suppress(*FAULTS, UnavailableError):
            await self.synchronize()
        return names

    async def start(self) -> None:
        """Begin to exchange states with the other instances."""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._keep_following(), name="circuit breakers")

    async def close(self) -> None:
        """Stop exchanging."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait([task])

    async def synchronize(self) -> None:
        """Tell Redis what was found here and take over what others found; does nothing without Redis."""
        for name, breaker in self._breakers.items():
            self._metrics.breaker_state(name, breaker.state)
        names = [name for name in self._breakers if name != REDIS_BREAKER]
        if self._stores.kind == "memory" or not names:
            return
        own = {name: (self._breakers[name].state, self._breakers[name].open_seconds) for name in names}
        news = await self.get(REDIS_BREAKER).call(self._mirror.exchange, own)
        self._following = True
        try:
            for name, (state, open_seconds) in news.items():
                self._breakers[name].follow(state, open_seconds)
        finally:
            self._following = False

    async def _keep_following(self) -> None:
        while True:
            try:
                await self.synchronize()
            except (*FAULTS, UnavailableError):
                log.debug("circuit breaker states were not exchanged: Redis is away")
            except Exception:
                log.exception("circuit breaker states were not exchanged")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), FOLLOW_SECONDS)
            self._wake.clear()

    def _changed(self, breaker: Breaker) -> None:
        name, state = breaker.name, breaker.state
        self._metrics.breaker_state(name, state)
        self._publish(name)
        # A failed trial opens an open breaker again: no news for a reader of the log.
        if self._announced[name] != state:
            self._announced[name] = state
            log.warning("circuit breaker %s is %s", name, state, extra={"BREAKER": name, "BREAKER_STATE": state})

    def _publish(self, name: str) -> None:
        if name != REDIS_BREAKER and not self._following:
            self._mirror.publish(name)
            self._wake.set()

"""What a tool may know of the call it serves: who asks, how long there is, and what the process shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from app.a2a.mcp.core.request import Caller, RequestInfo
from app.a2a.mcp.errors import DeadlineExceededError, UnauthenticatedError

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

StateT = TypeVar("StateT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class Binding(Generic[StateT]):
    """A server tied to one process: its runtime, and what its lifespan opened."""

    runtime: "Runtime"
    state: StateT | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[StateT]):
    """One call of a tool, resource or prompt; a parameter annotated with it is filled in and not in the schema."""

    info: RequestInfo
    binding: Binding[StateT]

    @property
    def runtime(self) -> "Runtime":
        """What the process shares: settings, stores, breakers, sisters, metrics."""
        return self.binding.runtime

    @property
    def state(self) -> StateT:
        """What the server's lifespan opened."""
        if self.binding.state is None:
            raise RuntimeError("the server's lifespan has not been entered")
        return self.binding.state

    @property
    def caller(self) -> Caller:
        """Who is asking."""
        if self.info.caller is None:
            raise UnauthenticatedError("this call carries no credential")
        return self.info.caller

    @property
    def correlation_id(self) -> str:
        """The id that every log line of this call carries."""
        return self.info.correlation_id

    def remaining(self) -> float:
        """Seconds until the deadline; raises DeadlineExceededError when it has passed."""
        if self.info.deadline is None:
            return self.runtime.settings.mcp_call_timeout_seconds
        left = self.info.deadline - self.runtime.clock()
        if left <= 0:
            raise DeadlineExceededError("the call's deadline has passed")
        return left

    async def run(self, function: Callable[..., ResultT], *args: object, **kwargs: object) -> ResultT:
        """Run heavy work in the process's bounded thread pool, so that the event loop stays free.

        Raises DeadlineExceededError when the time is up. Then, and when the client leaves, the thread ends at its next
        checkpoint and its result is dropped.
        """
        work = partial(function, *args, **kwargs)
        return await self.runtime.pool.run(work, self.remaining())

    async def run_apart(self, modules: Sequence[str], function: Callable[..., ResultT], *args: object) -> ResultT:
        """Run work in a child process that has `modules` loaded, and kill it when nobody waits any more.

        Function and arguments are pickled. Raises DeadlineExceededError, and LimitExceededError if the child died.
        """
        return await self.runtime.children.run(modules, function, *args, remaining=self.remaining)

"""How the tools of reasoning_agent think within a budget, and what they ask of sister services."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.a2a.mcp.core import Call
from app.a2a.mcp.domain.reasoning import chains, logic
from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.wording import likeness_of_steps
from app.a2a.mcp.errors import A2AError, DeadlineExceededError

ResultT = TypeVar("ResultT")


async def think(
    call: Call[None], timeout_ms: int, function: Callable[..., ResultT], *args: object
) -> tuple[ResultT, float]:
    """Run a function with a budget as its last argument; its result and the milliseconds it took."""
    milliseconds = thinking_time(call, timeout_ms)

    def work() -> tuple[ResultT, float]:
        budget = Budget(milliseconds)
        return function(*args, budget), budget.elapsed_ms

    return await call.run(work)


async def prove(
    call: Call[None], timeout_ms: int, function: Callable[..., ResultT], *args: object
) -> tuple[ResultT, float]:
    """The same for functions that ask z3, in a child process.

    z3 keeps memory after it ran out of it once, and then ends its process sooner or later.
    """
    time = thinking_time(call, timeout_ms)
    return await call.run_apart(["z3", logic.__name__], logic.within_memory, time, function, *args)


def thinking_time(call: Call[None], timeout_ms: int) -> float:
    """Milliseconds: what is asked for, less where the call has less; a part of that is left for the answer.

    "unknown" is better than no answer.
    """
    return min(float(timeout_ms), call.remaining() * 900)


async def likeness(
    call: Call[None], steps: Sequence[chains.Step], chain: chains.Chain
) -> tuple[dict[int, float], bool]:
    """How near text steps stay to what they rest on, and whether semantic_similarity could not be asked."""

    async def ask(support: str, conclusion: str) -> Mapping[str, Any]:
        arguments = {"text1": support, "text2": conclusion, "method": "semantic"}
        return await call.runtime.sisters.call("semantic_similarity", "calculate_text_similarity", arguments, call=call)

    return await likeness_of_steps(steps, chain, ask)


async def assess(call: Call[None], steps: Sequence[chains.Step], chain: chains.Chain) -> float | None:
    """What confidence_calculator makes of the share of sound steps and the evidence; None when it cannot be asked."""
    evidence = [text for step in steps for text in step.evidence][:500]
    arguments = {
        "reasoning_context": {"evidence": evidence} if evidence else {},
        "factors": {"logical_consistency": chain.sound_share},
    }
    tool = "calculate_reasoning_confidence"
    try:
        reply = await call.runtime.sisters.call("confidence_calculator", tool, arguments, call=call)
        return float(reply["confidence"])
    except DeadlineExceededError:
        raise
    except (A2AError, KeyError, TypeError, ValueError):
        return None


def given(**values: object) -> dict[str, Any]:
    """The values there are: what there is not is left out of the answer, not sent as null."""
    return {name: value for name, value in values.items() if value is not None}

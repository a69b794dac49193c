"""Whether a text step's conclusion stays near what it rests on: by meaning, or by words when nobody can be asked.

The asking is passed in: it goes to another service, and the domain opens no connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.a2a.mcp.domain.reasoning.chains import Chain, Step, support_text
from app.a2a.mcp.domain.text.language import TokenRules, tokenize
from app.a2a.mcp.errors import A2AError, DeadlineExceededError

JUMP_BELOW = 0.25
"""Under this likeness a step is called a jump: unrelated sentences lie near 0, related ones over 0.4."""

MAX_SUPPORT = 20_000
_AT_ONCE = 8
_RULES = TokenRules(remove_stop_words=True, stem=True)

# Asks semantic_similarity for two texts; raises A2AError when it cannot be had.
Ask = Callable[[str, str], Awaitable[Mapping[str, Any]]]


def word_overlap(support: str, conclusion: str) -> float:
    """The share of the conclusion's content words (stemmed, stop words left out) that the support has; 0..1.

    1.0 where the conclusion has no content words: there is then nothing that could be missing.
    """
    wanted = set(tokenize(conclusion, _RULES).texts)
    return len(wanted & set(tokenize(support, _RULES).texts)) / len(wanted) if wanted else 1.0


async def likeness_of_steps(steps: Sequence[Step], chain: Chain, ask: Ask) -> tuple[dict[int, float], bool]:
    """For each text inference that rests on something, its likeness to that (0..1); and whether meaning was missing.

    The greater of meaning and shared words counts: a conclusion that repeats its support in other words is no jump.
    """
    supports = {
        index: support
        for index, step in enumerate(steps)
        if step.notation == "text" and step.type == "inference" and (support := support_text(index, steps, chain))
    }
    found = {index: word_overlap(support, steps[index].conclusion) for index, support in supports.items()}
    # Where the words already agree, meaning cannot change the verdict.
    open_steps = [index for index, overlap in found.items() if overlap < JUMP_BELOW]
    degraded = False
    for start in range(0, len(open_steps), _AT_ONCE):
        batch = open_steps[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(_meaning(ask, supports[i], steps[i].conclusion) for i in batch))
        found.update({i: max(found[i], answer) for i, answer in zip(batch, answers, strict=True) if answer is not None})
        if None in answers:
            degraded = True
            break
    return found, degraded


async def _meaning(ask: Ask, support: str, conclusion: str) -> float | None:
    try:
        reply = await ask(support[:MAX_SUPPORT], conclusion)
        return None if reply["degraded"] else float(reply["similarity"])
    except DeadlineExceededError:
        raise
    except (A2AError, KeyError, TypeError, ValueError):
        return None

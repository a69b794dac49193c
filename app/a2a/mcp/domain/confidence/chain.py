"""Whether the steps of a reasoning chain hang together by their form: references, support, no circles.

Nothing is proved here; what a step says is for a prover to judge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.a2a.mcp.domain.text.words import fold

IssueCode = Literal["blank", "bad_reference", "circular", "unsupported"]
StepKind = Literal["assumption", "inference", "observation"]
_REFERENCE = re.compile(r"step:([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `premises` are texts or "step:N" (N from 0), `bare` says that only its text was given."""

    conclusion: str
    premises: Sequence[str] = ()
    dependencies: Sequence[int] = ()
    evidence: int = 0
    kind: StepKind = "inference"
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with the step at `step` (from 0)."""

    step: int
    code: IssueCode
    detail: str


def check_chain(steps: Sequence[Step]) -> list[Issue]:
    """The first structural fault of every step that has one; a chain without faults gives an empty list."""
    found = (_fault(place, step) for place, step in enumerate(steps))
    return [issue for issue in found if issue is not None]


def share_sound(steps: Sequence[Step], issues: Sequence[Issue]) -> float:
    """The share of steps without a fault. `steps` must not be empty."""
    return 1.0 - len({issue.step for issue in issues}) / len(steps)


def _fault(place: int, step: Step) -> Issue | None:
    if not step.conclusion.strip():
        return Issue(place, "blank", "concludes nothing")
    named = [int(match.group(1)) for premise in step.premises if (match := _REFERENCE.fullmatch(premise.strip()))]
    wrong = [number for number in (*step.dependencies, *named) if not 0 <= number < place]
    if wrong:
        return Issue(place, "bad_reference", f"rests on step {wrong[0]}, which does not come before it")
    if fold(step.conclusion).strip() in {fold(premise).strip() for premise in step.premises}:
        return Issue(place, "circular", "assumes what it concludes")
    if step.kind == "inference" and not (step.bare or step.premises or step.dependencies or step.evidence):
        return Issue(place, "unsupported", "is an inference from nothing: no premise, no earlier step, no evidence")
    return None

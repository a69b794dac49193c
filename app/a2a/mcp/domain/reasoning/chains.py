"""A chain of reasoning, checked: its references, its proofs where steps are formulas, its strength.

Text is only looked at for references, evidence and wording; whether a text step is true is not claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import fsum, prod
from typing import Literal

from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.entailment import Entailment, entails
from app.a2a.mcp.domain.reasoning.formulas import Formula, Signature, parse_formula
from app.a2a.mcp.domain.reasoning.logic import Logic
from app.a2a.mcp.errors import LimitExceededError

StepType = Literal["assumption", "inference", "observation"]
Notation = Literal["formula", "text"]
GapType = Literal["missing_evidence", "logical_jump", "unused_step"]
Priority = Literal["high", "medium", "low"]
IssueCode = Literal[
    "not_entailed", "contradictory_premises", "unknown_reference", "forward_reference", "circular", "undecided"
]

MAX_FORMULAS = 200

_REFERENCE = "step:"
_DOUBTFUL = 0.5
_ADVICE: dict[str, tuple[str, Priority]] = {
    "not_entailed": ("add the premise that rules out the case named, or weaken the conclusion", "high"),
    "contradictory_premises": ("find the clash with check_consistency and give one premise up", "high"),
    "unknown_reference": ("name an existing step by its number from 0, or by its id", "high"),
    "forward_reference": ("move the step behind the one it rests on", "medium"),
    "circular": ("support one step of the circle from outside of it", "high"),
    "undecided": ("give it more time, or split the step into smaller ones", "medium"),
    "missing_evidence": ("name the evidence, or the step it comes from", "medium"),
    "logical_jump": ("say what links the conclusion to what it rests on", "medium"),
    "unused_step": ("let a later step use it, or leave it out", "low"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the caller gave it; `premises` are formulas, texts, or references such as `step:0`."""

    conclusion: str
    id: str | None = None
    premises: tuple[str, ...] = ()
    premise: str | None = None
    inference_rule: str | None = None
    evidence: tuple[str, ...] = ()
    confidence: float | None = None
    dependencies: tuple[int, ...] = ()
    type: StepType = "inference"
    notation: Notation = "text"


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with a step."""

    step: int
    code: IssueCode
    detail: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a step lacks."""

    step: int
    type: GapType
    description: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """What would make a step better."""

    step: int
    suggestion: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Strength:
    """Three readings of the confidences given: the least; their product, right if they are independent; and the
    Fréchet bound max(0, sum - (n - 1)), under which the whole cannot lie whatever the dependence (Fréchet 1935)."""

    weakest_link: float
    product: float
    lower_bound: float


@dataclass(slots=True)
class Verified:
    """How many steps came out how. `given`: formulas taken as they are; `not_formal`: text."""

    entailed: int = 0
    refuted: int = 0
    unknown: int = 0
    not_formal: int = 0
    given: int = 0


@dataclass(slots=True)
class Chain:
    """What a chain's references and formulas show."""

    issues: list[Issue] = field(default_factory=list)
    verified: Verified = field(default_factory=Verified)
    cycles: list[list[int]] = field(default_factory=list)
    uses: list[list[int]] = field(default_factory=list)

    @property
    def valid(self) -> bool | None:
        """False with any fault shown; None where nothing is worse than undecided; else true."""
        codes = {issue.code for issue in self.issues}
        return None if codes == {"undecided"} else not codes

    @property
    def sound_share(self) -> float:
        """The share of steps without an issue."""
        return 1 - len({issue.step for issue in self.issues}) / len(self.uses)


def analyze_chain(steps: Sequence[Step], validate: bool, budget: Budget) -> Chain:
    """References, cycles and, with `validate`, proofs.

    Raises InvalidArgumentError at `/reasoning_steps/N/...` for a formula that cannot be read.
    """
    chain = Chain()
    for index, step in enumerate(steps):
        chain.uses.append(_references(index, step, steps, chain.issues))
    chain.cycles = find_cycles(chain.uses)
    for cycle in chain.cycles:
        for index in cycle:
            others = ", ".join(str(i) for i in cycle)
            chain.issues.append(Issue(index, "circular", f"steps {others} rest on each other, so none is shown"))
    if validate:
        _prove(steps, chain, budget)
    chain.issues.sort(key=lambda issue: issue.step)
    return chain


def strength(steps: Sequence[Step]) -> Strength | None:
    """The three strengths over the confidences given, None when there are none."""
    given = [step.confidence for step in steps if step.confidence is not None]
    if not given:
        return None
    return Strength(min(given), prod(given), max(0.0, fsum([*given, 1.0 - len(given)])))


def find_gaps(steps: Sequence[Step], chain: Chain, overlaps: dict[int, float], jump_below: float) -> list[Gap]:
    """Steps without evidence, text steps that leave their support's wording, and steps nothing rests on."""
    gaps = []
    for index, step in enumerate(steps):
        supported = step.premises or step.premise or step.evidence or chain.uses[index]
        if step.type == "observation" and not step.evidence:
            gaps.append(Gap(index, "missing_evidence", "an observation that names no evidence"))
        elif step.type == "inference" and not supported and step.notation == "text":
            gaps.append(Gap(index, "missing_evidence", "names neither premise, nor evidence, nor an earlier step"))
        if index in overlaps and overlaps[index] < jump_below:
            likeness = f"{overlaps[index]:.2f}"
            gaps.append(Gap(index, "logical_jump", f"shares little with what it rests on (likeness {likeness})"))
    gaps += [
        Gap(issue.step, "logical_jump", "a case remains in which the premises hold and the conclusion does not")
        for issue in chain.issues
        if issue.code == "not_entailed"
    ]
    gaps += [Gap(index, "unused_step", "the last step does not rest on it") for index in _unused(chain.uses)]
    return sorted(gaps, key=lambda gap: (gap.step, gap.type))


def improvements(steps: Sequence[Step], issues: Sequence[Issue], gaps: Sequence[Gap]) -> list[Improvement]:
    """One suggestion for each kind of fault of a step, the urgent ones first."""
    found: dict[tuple[int, str], Improvement] = {}
    faults: list[Issue | Gap] = [*issues, *gaps]
    for fault in faults:
        kind = fault.code if isinstance(fault, Issue) else fault.type
        # A step that does not follow is also a jump: once is enough.
        if kind == "logical_jump" and (fault.step, "not_entailed") in found:
            continue
        suggestion, priority = _ADVICE[kind]
        found.setdefault((fault.step, kind), Improvement(fault.step, suggestion, priority))
    for index, step in enumerate(steps):
        if step.confidence is not None and step.confidence < _DOUBTFUL:
            suggestion = "find more evidence: no conclusion is surer than its least sure step"
            found[index, "confidence"] = Improvement(index, suggestion, "medium")
    ranks = {"high": 0, "medium": 1, "low": 2}
    return sorted(found.values(), key=lambda improvement: (ranks[improvement.priority], improvement.step))


def support_text(index: int, steps: Sequence[Step], chain: Chain) -> str:
    """Everything a text step rests on, as one text; empty when it names nothing."""
    step = steps[index]
    parts = [*(p for p in step.premises if not p.startswith(_REFERENCE)), step.premise or "", *step.evidence]
    parts += [steps[other].conclusion for other in chain.uses[index]]
    return ". ".join(part.strip(" .") for part in parts if part.strip(" ."))


def find_cycles(uses: Sequence[Sequence[int]]) -> list[list[int]]:
    """The groups of steps that rest on each other, and steps that rest on themselves."""
    reach = _closure(uses)
    groups: dict[int, list[int]] = {}
    for index in range(len(uses)):
        if reach[index] >> index & 1:
            group = [other for other in range(len(uses)) if reach[index] >> other & 1 and reach[other] >> index & 1]
            groups[group[0]] = group
    return [groups[first] for first in sorted(groups)]


def _closure(uses: Sequence[Sequence[int]]) -> list[int]:
    """For each step, the steps it rests on directly or not, as a bit mask (Warshall)."""
    reach = [reduce(lambda mask, other: mask | 1 << other, used, 0) for used in uses]
    for middle in range(len(uses)):
        reach = [mask | reach[middle] if mask >> middle & 1 else mask for mask in reach]
    return reach


def _unused(uses: Sequence[Sequence[int]]) -> list[int]:
    """Steps the last one does not rest on; a chain without any reference is read in its order, so it has none."""
    if not any(uses):
        return []
    reach = _closure(uses)[-1]
    return [index for index in range(len(uses) - 1) if not reach >> index & 1]


def _references(index: int, step: Step, steps: Sequence[Step], issues: list[Issue]) -> list[int]:
    named = [p.removeprefix(_REFERENCE).strip() for p in step.premises if p.startswith(_REFERENCE)]
    found: dict[int, None] = {}
    for name in [*named, *map(str, step.dependencies)]:
        other = _find(name, steps)
        if other is None:
            issues.append(Issue(index, "unknown_reference", f"there is no step {name[:50]!r}"))
            continue
        if other >= index:
            issues.append(Issue(index, "forward_reference", f"rests on step {other}, which does not come before it"))
        found[other] = None
    return list(found)


def _find(name: str, steps: Sequence[Step]) -> int | None:
    """The step of that number (from 0), else of that id."""
    if name.isascii() and name.isdigit() and len(name) < 6:
        return int(name) if int(name) < len(steps) else None
    return next((index for index, step in enumerate(steps) if step.id == name), None)


def _prove(steps: Sequence[Step], chain: Chain, budget: Budget) -> None:
    count = sum(1 + len(step.premises) for step in steps if step.notation == "formula")
    if count > MAX_FORMULAS:
        raise LimitExceededError.at("/reasoning_steps", f"has more than {MAX_FORMULAS} formulas")
    signature = Signature()
    conclusions = [
        _formula(step.conclusion, f"/reasoning_steps/{index}/conclusion", signature)
        if step.notation == "formula"
        else None
        for index, step in enumerate(steps)
    ]
    for index, step in enumerate(steps):
        goal = conclusions[index]
        premises = _premises(index, step, chain.uses[index], conclusions, signature)
        if goal is None or premises is None:
            chain.verified.not_formal += 1
        elif step.type != "inference":
            chain.verified.given += 1
        else:
            _record(index, entails(Logic(budget), signature, premises, goal), chain)


def _premises(
    index: int, step: Step, uses: Sequence[int], conclusions: Sequence[Formula | None], signature: Signature
) -> list[Formula] | None:
    """A formula step's premises, or None where one of them is text."""
    if step.notation == "text":
        return None
    own = [
        _formula(text, f"/reasoning_steps/{index}/premises/{number}", signature)
        for number, text in enumerate(step.premises)
        if not text.startswith(_REFERENCE)
    ]
    borrowed = [conclusions[other] for other in uses]
    known = [formula for formula in borrowed if formula is not None]
    return [*own, *known] if len(known) == len(borrowed) else None


def _formula(text: str, path: str, signature: Signature) -> Formula:
    formula = parse_formula(text, path)
    signature.add(formula, path)
    return formula


def _record(index: int, found: Entailment, chain: Chain) -> None:
    if found.status == "entailed":
        chain.verified.entailed += 1
        if found.premises_consistent is False:
            detail = "the premises contradict each other, and from a contradiction anything follows"
            chain.issues.append(Issue(index, "contradictory_premises", detail))
    elif found.status == "not_entailed":
        chain.verified.refuted += 1
        case = ", ".join(
            f"{name} {str(value).lower()}" for name, value in list((found.countermodel or {}).items())[:12]
        )
        chain.issues.append(Issue(index, "not_entailed", f"does not follow: it fails with {case or 'any values'}"))
    else:
        chain.verified.unknown += 1
        chain.issues.append(Issue(index, "undecided", f"not decided: {found.reason}"))

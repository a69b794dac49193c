"""Abduction: the cheapest sets of hypotheses that are consistent with a theory and make it entail an observation.

Poole 1989, Eiter & Gottlob 1995. Implicit hitting sets: the cheapest set that meets every known obstacle is tried;
one that explains nothing is grown to a largest such set, and its complement is the next obstacle. So explanations
come in order of cost, and each is minimal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Any, Literal

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.formulas import Formula, Signature, parse_all, parse_formula
from app.a2a.mcp.domain.reasoning.logic import Logic

ExplanationStatus = Literal["explained", "unexplained", "inconsistent_theory", "unknown"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A formula one may assume, at a cost of 0 or more."""

    id: str
    formula: str
    cost: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A minimal set of hypotheses by id, and the sum of their costs."""

    hypotheses: list[str]
    cost: float


@dataclass(slots=True)
class Explanations:
    """The answer; `complete`: there are no other explanations. `already_entailed` is None where undecided."""

    status: ExplanationStatus
    explanations: list[Explanation] = field(default_factory=list)
    already_entailed: bool | None = None
    complete: bool = False
    reason: str | None = None


def explain_observation(
    theory: Sequence[str], observation: str, hypotheses: Sequence[Hypothesis], most: int, budget: Budget
) -> Explanations:
    """At most `most` explanations, cheapest first.

    Raises InvalidArgumentError at `/theory/N`, `/observation` or `/hypotheses/N/formula`.
    """
    result = Explanations("unknown")
    signature = Signature()
    try:
        background = []
        for formula in parse_all(theory, "/theory", signature):
            budget.check()
            background.append(formula)
        goal = _read(observation, "/observation", signature)
        options = [_read(h.formula, f"/hypotheses/{i}/formula", signature) for i, h in enumerate(hypotheses)]
        search = _Search(Logic(budget), background, goal, options, hypotheses)
        if not search.consistent([]):
            result.status, result.complete, result.already_entailed = "inconsistent_theory", True, True
            return result
        result.already_entailed = search.entails([])
        _collect(search, result, most)
        result.status = "explained" if result.explanations else "unexplained"
    except UndecidedError as error:
        result.reason = error.reason
    result.explanations.sort(key=lambda found: (found.cost, found.hypotheses))
    return result


def _collect(search: "_Search", result: Explanations, most: int) -> None:
    for explanation in search.explanations():
        if len(result.explanations) == most:
            return
        result.explanations.append(explanation)
    result.complete = True


def _read(text: str, path: str, signature: Signature) -> Formula:
    formula = parse_formula(text, path)
    signature.add(formula, path)
    return formula


class _Search:
    def __init__(
        self,
        logic: Logic,
        theory: Sequence[Formula],
        goal: Formula,
        options: Sequence[Formula],
        hypotheses: Sequence[Hypothesis],
    ) -> None:
        self._logic = logic
        self._hypotheses = hypotheses
        known = [logic.translate(part) for part in theory]
        assumed = [logic.translate(part) for part in options]
        self._beside = logic.solver(*known)
        self._against = logic.solver(*known, logic.z3.Not(logic.translate(goal)))
        self._switches = {id(solver): logic.selectors(solver, assumed, "h") for solver in (self._beside, self._against)}

    def consistent(self, chosen: Sequence[int]) -> bool:
        """Whether the theory allows the chosen hypotheses together."""
        return self._possible(self._beside, chosen)

    def entails(self, chosen: Sequence[int]) -> bool:
        """Whether theory and chosen hypotheses make the observation certain."""
        return not self._possible(self._against, chosen)

    def _possible(self, solver: Any, chosen: Sequence[int]) -> bool:
        return self._logic.satisfiable(solver, [self._switches[id(solver)][index] for index in chosen])

    def explanations(self) -> Iterator[Explanation]:
        """Every explanation, cheapest first."""
        z3 = self._logic.z3
        marks = [z3.Bool(f"m{index}", self._logic.context) for index in range(len(self._hypotheses))]
        chart = self._chart(marks)
        while (chosen := self._cheapest(chart, marks)) is not None:
            if self.entails(chosen):
                if self.consistent(chosen):
                    yield self._explanation(chosen)
                chart.add(z3.Or(*(z3.Not(marks[index]) for index in chosen), z3.BoolVal(False, self._logic.context)))
            else:
                grown = self._grow(chosen)
                missing = [mark for index, mark in enumerate(marks) if index not in grown]
                chart.add(z3.Or(*missing, z3.BoolVal(False, self._logic.context)))

    def _chart(self, marks: Sequence[Any]) -> Any:
        """The map of untried sets; every hypothesis weighs at least 1, so that the lightest set is minimal."""
        chart = self._logic.z3.Optimize(ctx=self._logic.context)
        exact = [Fraction(str(hypothesis.cost)) for hypothesis in self._hypotheses]
        scale = lcm(*(cost.denominator for cost in exact)) * (len(marks) + 1)
        for mark, cost in zip(marks, exact, strict=True):
            chart.add_soft(self._logic.z3.Not(mark), str(int(cost * scale) + 1))
        return chart

    def _cheapest(self, chart: Any, marks: Sequence[Any]) -> list[int] | None:
        z3 = self._logic.z3
        chart.set("timeout", self._logic.budget.left_ms())
        answer = chart.check()
        if answer == z3.unknown:
            raise UndecidedError("timeout")
        if answer == z3.unsat:
            return None
        model = chart.model()
        return [index for index, mark in enumerate(marks) if z3.is_true(model[mark])]

    def _grow(self, chosen: Sequence[int]) -> set[int]:
        """A largest set around `chosen` that does not entail the observation."""
        grown = set(chosen)
        for index in range(len(self._hypotheses)):
            if index not in grown and not self.entails([*grown, index]):
                grown.add(index)
        return grown

    def _explanation(self, chosen: Sequence[int]) -> Explanation:
        ids = sorted(self._hypotheses[index].id for index in chosen)
        exact = sum((Fraction(str(self._hypotheses[index].cost)) for index in chosen), Fraction(0))
        return Explanation(ids, float(exact))

"""Values that satisfy constraints, or the best ones; when there are none, a minimal set of constraints that clash.

Every int is bounded, so a problem is finite. An optimum is only reported after a plain solver has found nothing
better: the optimizer's own word is not taken for expressions that are not linear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.constraint_syntax import parse_expression
from app.a2a.mcp.domain.reasoning.constraint_terms import Answer, Domain, Terms
from app.a2a.mcp.domain.reasoning.logic import Logic
from app.a2a.mcp.domain.reasoning.syntax import at_path

Sense = Literal["minimize", "maximize"]
SolutionStatus = Literal["satisfiable", "unsatisfiable", "optimal", "unknown"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What to make as small or as large as can be."""

    sense: Sense
    expression: str


@dataclass(slots=True)
class Solutions:
    """The answer; `more` tells whether there are further (equally good) solutions, `conflict` names constraints."""

    status: SolutionStatus
    solutions: list[dict[str, Answer]] = field(default_factory=list)
    objective_value: int | None = None
    more: bool | None = None
    conflict: list[int] | None = None
    reason: str | None = None


def solve_constraints(
    domains: Mapping[str, Domain],
    constraints: Sequence[str],
    objective: Objective | None,
    most: int,
    budget: Budget,
) -> Solutions:
    """Up to `most` solutions. Raises InvalidArgumentError at `/constraints/N` or `/objective/expression`."""
    result = Solutions("unknown")
    try:
        problem = _Problem(Logic(budget), domains, constraints)
        aim = problem.read_objective(objective) if objective else None
        if not problem.possible():
            result.status, result.more = "unsatisfiable", False
            result.conflict, minimal = problem.conflict()
            result.reason = None if minimal else "the time ran out before the conflict was minimal"
        else:
            if aim is not None and objective is not None:
                result.objective_value = problem.optimize(aim, objective.sense)
            problem.enumerate(result, most)
            result.status = "satisfiable" if objective is None else "optimal"
    except UndecidedError as error:
        result.reason = error.reason
        # Solutions of a plain problem hold whether or not the search was ended.
        if result.solutions:
            result.status = "satisfiable" if objective is None else "optimal"
    return result


class _Problem:
    def __init__(self, logic: Logic, domains: Mapping[str, Domain], constraints: Sequence[str]) -> None:
        self._logic = logic
        self._terms = Terms(logic.z3, logic.context, domains)
        self._bounds = self._terms.bounds()
        self._conditions: list[Any] = []
        for index, text in enumerate(constraints):
            logic.budget.check()
            path = f"/constraints/{index}"
            expression = parse_expression(text, path)
            self._conditions.append(at_path(path, partial(self._terms.condition, expression)))
        self._solver = logic.solver(*self._bounds, *self._conditions)

    def read_objective(self, objective: Objective) -> Any:
        """The number to optimize; where it divides by zero there is no solution."""
        path = "/objective/expression"
        expression = parse_expression(objective.expression, path)
        number = at_path(path, partial(self._terms.number, expression))
        if number.defined is not None:
            self._bounds.append(number.defined)
            self._solver.add(number.defined)
        return number.term

    def possible(self) -> bool:
        """Whether there is a solution."""
        return self._logic.satisfiable(self._solver)

    def conflict(self) -> tuple[list[int], bool]:
        """Constraints that cannot all hold, and whether each of them is needed for that."""
        solver = self._logic.solver(*self._bounds)
        switches = dict(enumerate(self._logic.selectors(solver, self._conditions, "c")))
        try:
            if self._logic.satisfiable(solver, list(switches.values())):
                raise UndecidedError("solver")
        except UndecidedError:
            return sorted(switches), False
        return self._logic.shrink(solver, switches, self._logic.core(solver, switches))

    def optimize(self, aim: Any, sense: Sense) -> int:
        """The best value of `aim`; afterwards only solutions that reach it are left."""
        best = self._value(self._solver.model(), aim)
        best = self._suggested(aim, sense, best)
        while True:
            self._solver.push()
            self._solver.add(aim < best if sense == "minimize" else aim > best)
            better = self._logic.satisfiable(self._solver)
            if better:
                best = self._value(self._solver.model(), aim)
            self._solver.pop()
            if not better:
                self._solver.add(aim == best)
                return best

    def _suggested(self, aim: Any, sense: Sense, best: int) -> int:
        """The optimizer's proposal when it has one that is better; it saves steps and proves nothing."""
        optimizer = self._logic.z3.Optimize(ctx=self._logic.context)
        optimizer.add(*self._bounds, *self._conditions)
        optimizer.minimize(aim) if sense == "minimize" else optimizer.maximize(aim)
        # Half of the time: the rest is for the proof.
        optimizer.set("timeout", max(1, self._logic.budget.left_ms() // 2))
        try:
            found = optimizer.check()
            if found != self._logic.z3.sat:
                return best
            proposed = self._value(optimizer.model(), aim)
        except self._logic.z3.Z3Exception:
            return best
        return min(best, proposed) if sense == "minimize" else max(best, proposed)

    def _value(self, model: Any, aim: Any) -> int:
        return int(model.evaluate(aim, model_completion=True).as_long())

    def enumerate(self, result: Solutions, most: int) -> None:
        """Fill in up to `most` solutions, and whether there are more."""
        z3 = self._logic.z3
        while self._logic.satisfiable(self._solver):
            if len(result.solutions) == most:
                result.more = True
                return
            solution = self._terms.read(self._solver.model())
            result.solutions.append(solution)
            self._solver.add(z3.Not(self._terms.is_solution(solution)))
        result.more = False

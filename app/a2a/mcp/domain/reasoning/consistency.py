"""Whether statements can all be true; if not, which clash and what to give up.

Clashes (minimal unsatisfiable subsets) are listed the MARCO way (Liffiton, Previti, Malik & Marques-Silva 2016): a
map of unexplored subsets, each seed shrunk or grown. The smallest repairs are minimum hitting sets of the clashes
(Reiter 1987), each tried, and a repair that fails shows a clash not yet known.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.formulas import Signature, parse_formula
from app.a2a.mcp.domain.reasoning.logic import Logic

MAX_REPAIRS = 20

ConsistencyStatus = Literal["consistent", "inconsistent", "unknown"]


@dataclass(slots=True)
class Consistency:
    """The answer in statement indexes. `conflicts_complete`: there are no others; `repairs_complete` likewise."""

    status: ConsistencyStatus
    model: dict[str, bool] | None = None
    conflicts: list[list[int]] = field(default_factory=list)
    repairs: list[list[int]] = field(default_factory=list)
    conflicts_complete: bool = False
    repairs_complete: bool = False
    reason: str | None = None


def check_consistency(statements: Sequence[str], max_conflicts: int, budget: Budget) -> Consistency:
    """Decide whether the formulas can all be true. Raises InvalidArgumentError at `/statements/N/formula`."""
    signature = Signature()
    result = Consistency("unknown")
    try:
        formulas = []
        for index, text in enumerate(statements):
            budget.check()
            path = f"/statements/{index}/formula"
            formulas.append(parse_formula(text, path))
            signature.add(formulas[-1], path)
        logic = Logic(budget)
        solver = logic.solver()
        switches = dict(enumerate(logic.selectors(solver, map(logic.translate, formulas))))
        if (model := logic.find_model(solver, list(switches.values()))) is not None:
            return Consistency("consistent", logic.read_model(model, signature))
        result.status = "inconsistent"
        _Clashes(logic, solver, switches).explore(result, max_conflicts)
    except UndecidedError as error:
        result.reason = error.reason
    return result


class _Clashes:
    """The search among subsets of clashing statements."""

    def __init__(self, logic: Logic, solver: Any, switches: dict[int, Any]) -> None:
        self._logic = logic
        self._solver = solver
        self._switches = switches
        self._all = sorted(switches)

    def explore(self, result: Consistency, most: int) -> None:
        """Fill in conflicts up to `most`, then the smallest repairs; what was found stays when the time is up."""
        found: list[list[int]] = []
        try:
            for conflict in self._conflicts():
                if len(found) == most:
                    break
                found.append(conflict)
            else:
                result.conflicts_complete = True
        finally:
            result.conflicts = sorted(found)
        for repair in self._repairs(found):
            if len(result.repairs) == MAX_REPAIRS:
                break
            result.repairs.append(repair)
        else:
            result.repairs_complete = True
        result.repairs.sort()

    def _conflicts(self) -> Iterator[list[int]]:
        chart = self._logic.solver()
        marks = [self._logic.z3.Bool(f"m{i}", self._logic.context) for i in self._all]
        z3 = self._logic.z3
        while self._logic.satisfiable(chart):
            seed = self._seed(chart, marks)
            if self._can_hold(seed):
                rest = set(self._all) - set(self._grow(seed))
                chart.add(z3.Or(*(marks[i] for i in rest)))
            else:
                conflict = self._shrink(seed)
                yield conflict
                chart.add(z3.Or(*(z3.Not(marks[i]) for i in conflict)))

    def _seed(self, chart: Any, marks: Sequence[Any]) -> list[int]:
        """An unexplored subset, as large as the map's model leaves it."""
        model = chart.model()
        return [i for i in self._all if not self._logic.z3.is_false(model[marks[i]])]

    def _grow(self, seed: Iterable[int]) -> list[int]:
        """A maximal set around `seed` that can hold."""
        grown = list(seed)
        for index in self._all:
            if index not in grown and self._can_hold([*grown, index]):
                grown.append(index)
        return grown

    def _shrink(self, seed: Iterable[int]) -> list[int]:
        core = self._logic.core(self._solver, self._switches) & set(seed)
        conflict, minimal = self._logic.shrink(self._solver, self._switches, core)
        if not minimal:
            raise UndecidedError("timeout")
        return conflict

    def _can_hold(self, subset: Iterable[int]) -> bool:
        return self._logic.satisfiable(self._solver, [self._switches[i] for i in subset])

    def _repairs(self, known: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Every smallest set whose removal leaves statements that can hold."""
        z3 = self._logic.z3
        gone = [z3.Bool(f"g{i}", self._logic.context) for i in self._all]
        chart = self._logic.solver(*(z3.Or(*(gone[i] for i in conflict)) for conflict in known))
        found = False
        for size in range(1, len(self._all) + 1):
            at_most = z3.AtMost(*gone, size)
            small = z3.Bool(f"size{size}", self._logic.context)
            chart.add(z3.Implies(small, at_most))
            while self._logic.satisfiable(chart, [small]):
                model = chart.model()
                removed = [i for i in self._all if z3.is_true(model[gone[i]])]
                if self._can_hold(i for i in self._all if i not in removed):
                    found = True
                    yield removed
                    chart.add(z3.Or(*(z3.Not(gone[i]) for i in removed)))
                else:
                    conflict = self._shrink(i for i in self._all if i not in removed)
                    chart.add(z3.Or(*(gone[i] for i in conflict)))
            if found:
                return

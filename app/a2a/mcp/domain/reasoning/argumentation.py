"""Abstract argumentation: which arguments stand when arguments attack each other (Dung 1995).

Grounded: a fixpoint. The others: labellings (Caminada 2006), an argument being in when all its attackers are out and
out when one of them is in, enumerated by z3; a preferred extension is a complete one grown until it cannot be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.logic import Logic

Semantics = Literal["grounded", "complete", "preferred", "stable"]
Standing = Literal["accepted", "rejected", "undecided"]


@dataclass(slots=True)
class Evaluation:
    """The answer in argument indexes. `complete`: these are all extensions; only then can `status`, `credulous` and
    `skeptical` be given, and they are None otherwise."""

    extensions: list[list[int]] = field(default_factory=list)
    status: list[Standing] | None = None
    credulous: list[int] | None = None
    skeptical: list[int] | None = None
    complete: bool = False
    reason: str | None = None


def evaluate_arguments(
    count: int, attacks: Sequence[tuple[int, int]], semantics: Semantics, most: int, budget: Budget
) -> Evaluation:
    """The extensions of `count` arguments, at most `most`, and where each argument stands."""
    attackers: list[set[int]] = [set() for _ in range(count)]
    for source, target in attacks:
        attackers[target].add(source)
    result = Evaluation()
    try:
        found = iter([grounded(attackers)]) if semantics == "grounded" else _extensions(attackers, semantics, budget)
        for extension in found:
            if len(result.extensions) == most:
                result.reason = "max_extensions"
                break
            result.extensions.append(sorted(extension))
        else:
            result.complete = True
    except UndecidedError as error:
        result.reason = error.reason
    result.extensions.sort()
    if result.complete:
        _judge(result, attackers)
    return result


def grounded(attackers: Sequence[set[int]]) -> set[int]:
    """The least complete extension: accept what only rejected arguments attack, until nothing changes."""
    accepted, rejected = set[int](), set[int]()
    while True:
        new = {i for i, hostile in enumerate(attackers) if i not in accepted and hostile <= rejected}
        if not new:
            return accepted
        accepted |= new
        rejected |= {i for i, hostile in enumerate(attackers) if hostile & accepted}


def _judge(result: Evaluation, attackers: Sequence[set[int]]) -> None:
    """In every extension: accepted; attacked by every one: rejected. Where there is none, nothing is decided."""
    sets = [set(extension) for extension in result.extensions]
    everyone = range(len(attackers))
    result.credulous = [i for i in everyone if any(i in members for members in sets)]
    # With no extension every claim about all of them would hold emptily, which helps nobody.
    result.skeptical = [i for i in everyone if sets and all(i in members for members in sets)]
    rejected = {i for i in everyone if sets and all(attackers[i] & members for members in sets)}
    accepted = set(result.skeptical)
    result.status = ["accepted" if i in accepted else "rejected" if i in rejected else "undecided" for i in everyone]


def _extensions(attackers: Sequence[set[int]], semantics: Semantics, budget: Budget) -> Iterator[list[int]]:
    logic = Logic(budget)
    labels = _Labelling(logic, attackers)
    if semantics == "stable":
        labels.decide_all()
    while logic.satisfiable(labels.solver):
        members = labels.members()
        if semantics == "preferred":
            members = labels.grow(members)
        yield members
        labels.forbid(members, with_subsets=semantics == "preferred")


class _Labelling:
    """Complete labellings as clauses: `inside[i]` and `outside[i]`, neither meaning undecided."""

    def __init__(self, logic: Logic, attackers: Sequence[set[int]]) -> None:
        z3 = logic.z3
        self._logic = logic
        self.inside = [z3.Bool(f"in{i}", logic.context) for i in range(len(attackers))]
        self.outside = [z3.Bool(f"out{i}", logic.context) for i in range(len(attackers))]
        self.solver = logic.solver()
        false = z3.BoolVal(False, logic.context)
        true = z3.BoolVal(True, logic.context)
        for i, hostile in enumerate(attackers):
            self.solver.add(self.inside[i] == z3.And(true, *(self.outside[j] for j in hostile)))
            self.solver.add(self.outside[i] == z3.Or(false, *(self.inside[j] for j in hostile)))
            self.solver.add(z3.Not(z3.And(self.inside[i], self.outside[i])))

    def decide_all(self) -> None:
        """Stable: nothing is left undecided."""
        for inside, outside in zip(self.inside, self.outside, strict=True):
            self.solver.add(self._logic.z3.Or(inside, outside))

    def members(self) -> list[int]:
        """The arguments that are in, in the solver's last model."""
        model = self.solver.model()
        return [i for i, inside in enumerate(self.inside) if self._logic.z3.is_true(model.evaluate(inside))]

    def grow(self, members: list[int]) -> list[int]:
        """A maximal complete extension around a complete one."""
        z3 = self._logic.z3
        false = z3.BoolVal(False, self._logic.context)
        self.solver.push()
        while True:
            self.solver.add(*(self.inside[i] for i in members))
            self.solver.add(z3.Or(false, *(inside for i, inside in enumerate(self.inside) if i not in members)))
            if not self._logic.satisfiable(self.solver):
                self.solver.pop()
                return members
            members = self.members()

    def forbid(self, members: Sequence[int], *, with_subsets: bool) -> None:
        """Leave this extension out from now on, and all smaller ones inside it when so asked."""
        z3 = self._logic.z3
        inside = set(members)
        others: list[Any] = [mark for i, mark in enumerate(self.inside) if i not in inside]
        missing = [] if with_subsets else [z3.Not(self.inside[i]) for i in members]
        self.solver.add(z3.Or(z3.BoolVal(False, self._logic.context), *others, *missing))

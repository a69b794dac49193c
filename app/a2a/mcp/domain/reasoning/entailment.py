"""Whether a conclusion follows: z3 looks for a case where the premises hold and it does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.formulas import Formula, Signature, parse_all, parse_formula
from app.a2a.mcp.domain.reasoning.logic import Logic

EntailmentStatus = Literal["entailed", "not_entailed", "unknown"]


@dataclass(frozen=True, slots=True)
class Entailment:
    """The answer; `countermodel` with not_entailed, `used_premises` (indexes) with entailed, `reason` where something
    was not decided. `premises_consistent` is None where that was not decided."""

    status: EntailmentStatus
    countermodel: dict[str, bool] | None = None
    used_premises: list[int] | None = None
    premises_consistent: bool | None = None
    reason: str | None = None


def check_entailment(premises: Sequence[str], conclusion: str, budget: Budget) -> Entailment:
    """Decide `premises` ⊢ `conclusion`, texts of formulas.

    Raises InvalidArgumentError and LimitExceededError at `/premises/N` or `/conclusion`.
    """
    signature = Signature()
    try:
        read = []
        for formula in parse_all(premises, "/premises", signature):
            budget.check()
            read.append(formula)
        goal = parse_formula(conclusion, "/conclusion")
        signature.add(goal, "/conclusion")
        return entails(Logic(budget), signature, read, goal)
    except UndecidedError as error:
        return Entailment("unknown", reason=error.reason)


def entails(logic: Logic, signature: Signature, premises: Sequence[Formula], goal: Formula) -> Entailment:
    """Decide premises ⊢ goal for formulas whose symbols `signature` holds. Undecided is an answer, not an exception."""
    try:
        solver = logic.solver()
        switches = dict(enumerate(logic.selectors(solver, (logic.translate(part) for part in premises))))
        negated = logic.z3.Not(logic.translate(goal))
        solver.push()
        solver.add(negated)
        if (model := logic.find_model(solver, list(switches.values()))) is not None:
            return Entailment("not_entailed", logic.read_model(model, signature), premises_consistent=True)
    except UndecidedError as error:
        return Entailment("unknown", reason=error.reason)
    used, minimal = logic.shrink(solver, switches, logic.core(solver, switches))
    solver.pop()
    try:
        consistent = logic.find_model(solver, list(switches.values())) is not None
    except UndecidedError as error:
        return Entailment("entailed", None, used, None, f"consistency of the premises: {error.reason}")
    reason = None if minimal else "the time ran out before used_premises was minimal"
    return Entailment("entailed", None, used, consistent, reason)

"""z3 behind our formulas: one context a call, answers "yes", "no" or an UndecidedError, and models that can be read.

z3 is imported at the first use: it is 14 MiB that a process without logical work need not have.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any, TypeVar

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.formulas import (
    Atom,
    Compound,
    Equal,
    Formula,
    Not,
    Quantified,
    Signature,
    Term,
    Truth,
)

ResultT = TypeVar("ResultT")

# z3 counts its own work: this bounds a check also where the clock would not, and is far more than a second can use.
RESOURCES_PER_MS = 5_000
MEMORY_MIB = 64
SPENT_MIB = 24
"""What z3 may still hold when a new call begins: what it keeps after having run out of memory is never given back."""

MAX_MODEL_FACTS = 200
SMALL_WORLDS = (1, 2, 3)
SMALL_SHARE = 0.1
_TABLE = 64


@cache
def load_z3() -> Any:
    """The module."""
    return import_module("z3")


def within_memory(timeout_ms: float, function: Callable[..., ResultT], *args: object) -> tuple[ResultT, float]:
    """Run a function with a budget as its last argument, in a process that nothing else needs.

    Returns its result and the milliseconds it took. A process that z3 has spent ends here with
    EX_TEMPFAIL, before the work begins.
    z3's memory is bounded for the whole process: it knows no other bound.
    """
    z3 = load_z3()
    z3.set_param("memory_max_size", MEMORY_MIB)
    if z3.z3core.Z3_get_estimated_alloc_size() > SPENT_MIB * 2**20:
        gc.collect()
        if z3.z3core.Z3_get_estimated_alloc_size() > SPENT_MIB * 2**20:
            os._exit(os.EX_TEMPFAIL)
    budget = Budget(timeout_ms)
    return function(*args, budget), budget.elapsed_ms


class Logic:
    """One call's z3 context. Nothing of it may be used by another thread."""

    def __init__(self, budget: Budget) -> None:
        self.z3 = budget.uncounted(load_z3)
        self.budget = budget
        self.context = self.z3.Context()
        self.thing = self.z3.DeclareSort("Thing", self.context)
        self.quantified = False
        self._fresh = 0

    def solver(self, *assertions: Any) -> Any:
        """A solver that holds `assertions`."""
        solver = self.z3.Solver(ctx=self.context)
        solver.add(*assertions)
        return solver

    def selectors(self, solver: Any, statements: Iterable[Any], prefix: str = "s") -> list[Any]:
        """One switch for each statement: it holds in `solver` whenever its switch is assumed."""
        switches = []
        for index, statement in enumerate(statements):
            switch = self.z3.Bool(f"#{prefix}{index}", self.context)
            solver.add(self.z3.Implies(switch, statement))
            switches.append(switch)
        return switches

    def find_model(self, solver: Any, assumptions: Sequence[Any] = ()) -> Any:
        """A model of what `solver` holds, None when there is none. Raises UndecidedError.

        With quantifiers, worlds of one to three things are tried first: they are quick to search where z3 may never
        end otherwise, and easy to read.
        """
        for size in SMALL_WORLDS if self.quantified else ():
            solver.push()
            things = [self._variable("thing") for _ in range(size)]
            any_thing = self._variable("any")
            solver.add(self.z3.ForAll([any_thing], self.z3.Or(*(any_thing == thing for thing in things))))
            try:
                if self.satisfiable(solver, assumptions, share=SMALL_SHARE):
                    return solver.model()
            except UndecidedError:
                self.budget.check()
            finally:
                solver.pop()
        return solver.model() if self.satisfiable(solver, assumptions) else None

    def satisfiable(self, solver: Any, assumptions: Sequence[Any] = (), share: float = 1.0) -> bool:
        """Whether what `solver` holds can be true.

        Raises UndecidedError when z3 cannot tell in the time left, or in `share` of it.
        """
        left = max(1, int(self.budget.left_ms() * share))
        solver.set("timeout", left)
        solver.set("rlimit", left * RESOURCES_PER_MS)
        try:
            answer = solver.check(*assumptions)
        except self.z3.Z3Exception as error:
            raise UndecidedError("memory" if "memory" in str(error) else "solver") from None
        if answer == self.z3.unknown:
            self.budget.check()
            raise UndecidedError(_reason(str(solver.reason_unknown())))
        return bool(answer == self.z3.sat)

    def shrink(self, solver: Any, switches: Mapping[int, Any], start: Iterable[int]) -> tuple[list[int], bool]:
        """A subset of the clashing statements `start` that clashes and, when the time suffices, is minimal.

        Deletion by deletion, each answered core making the rest smaller; the flag tells whether it is minimal.
        """
        core, kept = sorted(start), list[int]()
        while core:
            candidate = core.pop(0)
            try:
                needed = self.satisfiable(solver, [switches[i] for i in (*kept, *core)])
            except UndecidedError:
                return sorted((*kept, candidate, *core)), False
            if needed:
                kept.append(candidate)
            else:
                still = self.core(solver, switches)
                core = [i for i in core if i in still]
        return sorted(kept), True

    def core(self, solver: Any, switches: Mapping[int, Any]) -> set[int]:
        """The statements that the last answer "no" rested on."""
        named = {str(part) for part in solver.unsat_core()}
        return {index for index, switch in switches.items() if str(switch) in named}

    def translate(self, formula: Formula, bound: Mapping[str, Any] | None = None) -> Any:
        """The z3 expression of a formula whose symbols a Signature has checked."""
        z3, bound = self.z3, bound or {}
        match formula:
            case Truth(value):
                return z3.BoolVal(value, self.context)
            case Atom(name, terms):
                return self._predicate(name, len(terms))(*(self._term(term, bound) for term in terms))
            case Equal((left, right)):
                return self._term(left, bound) == self._term(right, bound)
            case Not((body,)):
                return z3.Not(self.translate(body, bound))
            case Compound(operator, parts):
                # Large formulas take seconds to build, which is thinking time as well.
                self.budget.check()
                return self._join(operator, [self.translate(part, bound) for part in parts])
            case Quantified(quantifier, names, (body,)):
                self.quantified = True
                inside = {name: self._variable(name) for name in names}
                build = z3.ForAll if quantifier == "forall" else z3.Exists
                return build(list(inside.values()), self.translate(body, {**bound, **inside}))

    def _join(self, operator: str, parts: list[Any]) -> Any:
        z3 = self.z3
        if operator == "and":
            return z3.And(*parts)
        if operator == "or":
            return z3.Or(*parts)
        whole = parts[0]
        for part in parts[1:]:
            if operator == "implies":
                whole = z3.Implies(whole, part)
            else:
                whole = z3.Xor(whole, part) if operator == "xor" else whole == part
        return whole

    def _variable(self, name: str) -> Any:
        self._fresh += 1
        return self.z3.Const(f"{name}!{self._fresh}", self.thing)

    def _predicate(self, name: str, count: int) -> Any:
        return self.z3.Function(name, *[self.thing] * count, self.z3.BoolSort(self.context))

    def _function(self, name: str, count: int) -> Any:
        return self.z3.Function(name, *[self.thing] * count, self.thing)

    def _term(self, term: Term, bound: Mapping[str, Any]) -> Any:
        if not term.inner and term.name in bound:
            return bound[term.name]
        return self._function(term.name, len(term.inner))(*(self._term(part, bound) for part in term.inner))

    def read_model(self, model: Any, signature: Signature) -> dict[str, bool]:
        """A model as facts: each proposition, and each predicate over the model's things while that is a short list.

        A thing is called by its first constant, else #1, #2 …; `a = b` appears where two names are one thing.
        """
        facts = {name: self._holds(model, name, ()) for name, count in signature.predicates.items() if not count}
        names = self._names(model, signature)
        first: dict[str, str] = {}
        for name, thing in names:
            if first.setdefault(str(thing), name) != name:
                facts[f"{name} = {first[str(thing)]}"] = True
        things = [(name, thing) for name, thing in names if first[str(thing)] == name]
        for fact, value in self._tables(model, signature, things, first):
            if len(facts) == MAX_MODEL_FACTS:
                break
            facts[fact] = value
        return facts

    def _names(self, model: Any, signature: Signature) -> list[tuple[str, Any]]:
        """The things of a model with their names, constants first."""
        constants = [name for name, count in signature.functions.items() if not count]
        named = [(name, model.evaluate(self._function(name, 0)(), model_completion=True)) for name in constants]
        universe = (model.get_universe(self.thing) or []) if model.num_sorts() else []
        known = {str(thing) for _, thing in named}
        rest = sorted((thing for thing in universe if str(thing) not in known), key=str)
        return named + [(f"#{index}", thing) for index, thing in enumerate(rest, 1)]

    def _tables(
        self, model: Any, signature: Signature, things: Sequence[tuple[str, Any]], first: Mapping[str, str]
    ) -> Iterator[tuple[str, bool]]:
        # What was asked about comes first, in case the list has to be cut.
        for atom in signature.ground:
            if atom.inner:
                arguments = tuple(self._term(term, {}) for term in atom.inner)
                yield str(atom), self._holds(model, atom.name, arguments)
        for name, count in signature.predicates.items():
            if count and len(things) ** count <= _TABLE:
                for row in product(things, repeat=count):
                    arguments = tuple(thing for _, thing in row)
                    yield f"{name}({','.join(n for n, _ in row)})", self._holds(model, name, arguments)
        for name, count in signature.functions.items():
            if count and len(things) ** count <= _TABLE:
                for row in product(things, repeat=count):
                    value = model.evaluate(self._function(name, count)(*(t for _, t in row)), model_completion=True)
                    yield f"{name}({','.join(n for n, _ in row)}) = {first.get(str(value), '#')}", True

    def _holds(self, model: Any, name: str, arguments: tuple[Any, ...]) -> bool:
        value = model.evaluate(self._predicate(name, len(arguments))(*arguments), model_completion=True)
        return bool(self.z3.is_true(value))


def _reason(reason: str) -> str:
    """z3's reason in one of our words."""
    for word, ours in (("timeout", "timeout"), ("canceled", "timeout"), ("resource", "resource_limit")):
        if word in reason:
            return ours
    return "memory" if "memory" in reason else "undecidable"

"""Datalog with stratified negation, evaluated bottom-up and semi-naively, with a proof of every derived fact.

Abiteboul, Hull & Vianu 1995, ch. 12–15. Semi-naive: after the first round a rule is only tried where at least one
of its atoms is a fact of the round before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.domain.reasoning.rules import (
    Row,
    Rule,
    RuleAtom,
    Value,
    Variable,
    fact_text,
    parse_fact,
    parse_pattern,
    parse_rule,
    row_order,
)
from app.a2a.mcp.errors import InvalidArgumentError

_STEPS_BETWEEN_CHECKS = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """The rule that gave a fact first, as text, and what it rested on."""

    rule: str
    premises: list[str]


@dataclass(slots=True)
class Inference:
    """What follows; `fixpoint` false means there may be more, and `reason` why it stopped."""

    derived: list[str] = field(default_factory=list)
    bindings: list[dict[str, Value]] | None = None
    proofs: dict[str, Proof] = field(default_factory=dict)
    iterations: int = 0
    fixpoint: bool = False
    strata: list[list[str]] = field(default_factory=list)
    reason: str | None = None


class Relation:
    """The rows of one predicate, findable by the values of any of their places."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: dict[Row, None] = dict.fromkeys(rows)
        self._indexes: dict[tuple[int, ...], dict[Row, list[Row]]] = {}

    def __contains__(self, row: Row) -> bool:
        return row in self.rows

    def add(self, row: Row) -> None:
        """Take up one row."""
        self.rows[row] = None
        for places, index in self._indexes.items():
            index[tuple(row[place] for place in places)].append(row)

    def matching(self, places: tuple[int, ...], values: Row) -> Iterable[Row]:
        """The rows that have `values` at `places`."""
        if not places:
            return list(self.rows)
        if places not in self._indexes:
            index: dict[Row, list[Row]] = defaultdict(list)
            for row in self.rows:
                index[tuple(row[place] for place in places)].append(row)
            self._indexes[places] = index
        return tuple(self._indexes[places].get(values, ()))


def infer_facts(
    facts: Sequence[str], rules: Sequence[str], query: str | None, max_derived: int, budget: Budget
) -> Inference:
    """Everything that follows from facts and rules, up to `max_derived` new facts, and the query's answers.

    Raises InvalidArgumentError for an unsafe rule and for negation through recursion, naming the rule.
    """
    result = Inference()
    try:
        program = _read(facts, rules, query, budget)
        strata = stratify(program.rules)
    except UndecidedError as error:
        result.reason = error.reason
        return result
    level = _levels(program, strata)
    result.strata = level
    evaluation = _Evaluation(program.relations, max_derived, budget, result)
    try:
        for number in range(len(level)):
            evaluation.saturate([rule for rule in program.rules if strata[rule.head.predicate] == number])
        result.fixpoint = True
    except UndecidedError as error:
        result.reason = error.reason
    if program.query is not None:
        result.bindings = _answers(program.query, program.relations)
    new = sorted(evaluation.new, key=lambda fact: (fact[0], row_order(fact[1])))
    result.derived = [fact_text(*fact) for fact in new]
    return result


@dataclass(slots=True)
class _Program:
    relations: dict[str, Relation]
    rules: list[Rule]
    query: RuleAtom | None


def _read(facts: Sequence[str], rules: Sequence[str], query: str | None, budget: Budget) -> _Program:
    counts: dict[str, int] = {}
    relations: dict[str, Relation] = defaultdict(Relation)
    for index, text in enumerate(facts):
        budget.check()
        fact = parse_fact(text, f"/facts/{index}")
        _check_count(fact, counts, f"/facts/{index}")
        relations[fact.predicate].add(fact.row({}))
    read = []
    for index, text in enumerate(rules):
        budget.check()
        rule = parse_rule(text, f"/rules/{index}")
        for atom in (rule.head, *rule.positive, *rule.negative):
            _check_count(atom, counts, f"/rules/{index}")
        read.append(rule)
    pattern = parse_pattern(query, "/query") if query is not None else None
    if pattern is not None:
        _check_count(pattern, counts, "/query")
    return _Program(relations, read, pattern)


def _check_count(atom: RuleAtom, counts: dict[str, int], path: str) -> None:
    count = len(atom.terms)
    before = counts.setdefault(atom.predicate, count)
    if before != count:
        reason = f"{atom.predicate} has {count} arguments here and {before} elsewhere"
        raise InvalidArgumentError.at(path, reason)


def stratify(rules: Sequence[Rule]) -> dict[str, int]:
    """The stratum of each predicate: above what it negates, not below what it uses.

    Raises InvalidArgumentError, naming the rule, where a predicate depends on its own negation.
    """
    stratum: dict[str, int] = {
        atom.predicate: 0 for rule in rules for atom in (rule.head, *rule.positive, *rule.negative)
    }
    changed = True
    while changed:
        changed = False
        for index, rule in enumerate(rules):
            needed = [stratum[atom.predicate] for atom in rule.positive]
            needed += [stratum[atom.predicate] + 1 for atom in rule.negative]
            least = max(needed, default=0)
            if least > stratum[rule.head.predicate]:
                if least >= len(stratum):
                    raise InvalidArgumentError.at(*_negation_through_recursion(rules, index))
                stratum[rule.head.predicate] = least
                changed = True
    return stratum


def _negation_through_recursion(rules: Sequence[Rule], fallback: int) -> tuple[str, str]:
    """Which rule negates a predicate that its own head is needed for."""
    uses: dict[str, set[str]] = defaultdict(set)
    for rule in rules:
        uses[rule.head.predicate] |= {atom.predicate for atom in (*rule.positive, *rule.negative)}
    for index, rule in enumerate(rules):
        for atom in rule.negative:
            if rule.head.predicate in _reachable(uses, atom.predicate):
                fallback = index
                break
    text = rules[fallback].text
    return f"/rules/{fallback}", f"negation through recursion in {text!r}: the head is needed for what it negates"


def _reachable(uses: dict[str, set[str]], start: str) -> set[str]:
    seen, pending = {start}, [start]
    while pending:
        for name in uses.get(pending.pop(), set()) - seen:
            seen.add(name)
            pending.append(name)
    return seen


def _levels(program: _Program, strata: dict[str, int]) -> list[list[str]]:
    names = {**dict.fromkeys(program.relations, 0), **strata}
    return [sorted(n for n, at in names.items() if at == level) for level in range(max(names.values(), default=-1) + 1)]


class _Evaluation:
    """The fixpoint, one stratum after the other."""

    def __init__(self, relations: dict[str, Relation], most: int, budget: Budget, result: Inference) -> None:
        self._relations = relations
        self._most = most
        self._budget = budget
        self._result = result
        self._steps = 0
        self.new: list[tuple[str, Row]] = []

    def saturate(self, rules: Sequence[Rule]) -> None:
        """Apply the rules of one stratum until nothing new comes. Raises UndecidedError at a limit."""
        delta: dict[str, Relation] | None = None
        while rules and (delta is None or delta):
            self._budget.check()
            self._result.iterations += 1
            fresh: dict[str, Relation] = defaultdict(Relation)
            for rule in rules:
                for bindings in self._firings(rule, delta):
                    self._derive(rule, bindings, fresh)
            delta = fresh

    def _firings(self, rule: Rule, delta: dict[str, Relation] | None) -> Iterator[dict[Variable, Value]]:
        if delta is None:
            yield from self._join(rule, list(rule.positive), None, {})
            return
        for place, atom in enumerate(rule.positive):
            if atom.predicate in delta:
                rest = [other for index, other in enumerate(rule.positive) if index != place]
                yield from self._join(rule, [atom, *rest], delta[atom.predicate], {})

    def _join(
        self, rule: Rule, atoms: Sequence[RuleAtom], first: Relation | None, bindings: dict[Variable, Value]
    ) -> Iterator[dict[Variable, Value]]:
        """Every way to make the atoms true; `first` replaces the relation of the first one."""
        self._tick()
        if not atoms:
            if self._passes(rule, bindings):
                yield bindings
            return
        at = 0 if first is not None else max(range(len(atoms)), key=lambda i: _bound(atoms[i], bindings))
        atom = atoms[at]
        rest = [*atoms[:at], *atoms[at + 1 :]]
        relation = first if first is not None else self._relations[atom.predicate]
        for extended in _matches(atom, relation, bindings):
            yield from self._join(rule, rest, None, extended)

    def _passes(self, rule: Rule, bindings: dict[Variable, Value]) -> bool:
        return all(test.holds(bindings) for test in rule.tests) and not any(
            atom.row(bindings) in self._relations[atom.predicate] for atom in rule.negative
        )

    def _derive(self, rule: Rule, bindings: dict[Variable, Value], fresh: dict[str, Relation]) -> None:
        predicate, row = rule.head.predicate, rule.head.row(bindings)
        if row in self._relations[predicate]:
            return
        if len(self.new) == self._most:
            raise UndecidedError("max_derived")
        self._relations[predicate].add(row)
        fresh[predicate].add(row)
        self.new.append((predicate, row))
        premises = [fact_text(atom.predicate, atom.row(bindings)) for atom in rule.positive]
        premises += [f"not {fact_text(atom.predicate, atom.row(bindings))}" for atom in rule.negative]
        self._result.proofs[fact_text(predicate, row)] = Proof(rule.text, premises)

    def _tick(self) -> None:
        self._steps += 1
        if self._steps % _STEPS_BETWEEN_CHECKS == 0:
            self._budget.check()


def _bound(atom: RuleAtom, bindings: dict[Variable, Value]) -> int:
    """How many places of the atom are known: the more, the fewer rows match."""
    return sum(not isinstance(term, Variable) or term in bindings for term in atom.terms)


def _matches(atom: RuleAtom, relation: Relation, bindings: dict[Variable, Value]) -> Iterator[dict[Variable, Value]]:
    """`bindings` extended by each row that fits the atom."""
    known = [
        (place, bindings[term] if isinstance(term, Variable) else term)
        for place, term in enumerate(atom.terms)
        if not isinstance(term, Variable) or term in bindings
    ]
    places, values = tuple(place for place, _ in known), tuple(value for _, value in known)
    for row in relation.matching(places, values):
        extended = dict(bindings)
        if all(
            not isinstance(term, Variable) or extended.setdefault(term, value) == value
            for term, value in zip(atom.terms, row, strict=True)
        ):
            yield extended


def _answers(query: RuleAtom, relations: dict[str, Relation]) -> list[dict[str, Value]]:
    """The distinct bindings of the query's named variables, sorted."""
    named = [t for t in dict.fromkeys(query.terms) if isinstance(t, Variable) and not t.anonymous]
    relation = relations.get(query.predicate, Relation())
    rows = {tuple(found[v] for v in named) for found in _matches(query, relation, {})}
    return [{v.name: value for v, value in zip(named, row, strict=True)} for row in sorted(rows, key=row_order)]

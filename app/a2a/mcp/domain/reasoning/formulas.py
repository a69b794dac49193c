"""Formulas of first-order logic with equality, as text and as a tree of our own.

Names are what their place makes them: a bound name is a variable, `p` alone or `p(...)` where truth is asked for is
a proposition or predicate, and inside brackets or beside `=` a constant or function.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from lark import Lark, v_args

from app.a2a.mcp.domain.reasoning.syntax import CONNECTIVES, Connectives, Operator, build_parser, parse_tree, walk
from app.a2a.mcp.errors import InvalidArgumentError

GRAMMAR = (
    CONNECTIVES
    + r"""
?unary: "not" unary                                  -> not_
      | "forall" NAME ("," NAME)* ":" iff            -> forall
      | "exists" NAME ("," NAME)* ":" iff            -> exists
      | term "=" term                                -> equal
      | term "!=" term                               -> unequal
      | term                                         -> atom
      | "true"                                       -> true
      | "false"                                      -> false
      | "(" iff ")"
term: NAME ("(" term ("," term)* ")")?
NAME: /[^\W\d]\w*/
"""
)

Quantifier = Literal["forall", "exists"]


@dataclass(frozen=True, slots=True)
class Term:
    """A constant or variable, or a function of terms."""

    name: str
    inner: tuple["Term", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({','.join(map(str, self.inner))})" if self.inner else self.name


@dataclass(frozen=True, slots=True)
class Atom:
    """A proposition, or a predicate of terms."""

    name: str
    inner: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({','.join(map(str, self.inner))})" if self.inner else self.name


@dataclass(frozen=True, slots=True)
class Equal:
    """Two terms that are one thing."""

    inner: tuple[Term, Term]


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool
    inner: tuple["Formula", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    inner: tuple["Formula"]


@dataclass(frozen=True, slots=True)
class Compound:
    """Formulas joined by one operator; `xor` and `iff` of several count from the left."""

    operator: Operator
    inner: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Quantified:
    """A formula for all, or for some, values of its names."""

    quantifier: Quantifier
    names: tuple[str, ...]
    inner: tuple["Formula"]


Formula = Atom | Equal | Truth | Not | Compound | Quantified


class _Builder(Connectives):
    """Makes our nodes of what the parser reads; each method is named after a rule of the grammar."""

    def term(self, parts: list[Any]) -> Term:
        return Term(str(parts[0]), tuple(parts[1:]))

    @v_args(inline=True)
    def atom(self, term: Term) -> Atom:
        return Atom(term.name, term.inner)

    def equal(self, terms: list[Term]) -> Equal:
        return Equal((terms[0], terms[1]))

    def unequal(self, terms: list[Term]) -> Not:
        return Not((self.equal(terms),))

    def true(self, _: object) -> Truth:
        return Truth(True)

    def false(self, _: object) -> Truth:
        return Truth(False)

    def not_(self, parts: list[Formula]) -> Not:
        return Not((parts[0],))

    def forall(self, parts: list[Any]) -> Quantified:
        return Quantified("forall", tuple(map(str, parts[:-1])), (parts[-1],))

    def exists(self, parts: list[Any]) -> Quantified:
        return Quantified("exists", tuple(map(str, parts[:-1])), (parts[-1],))

    def joined(self, operator: Operator, parts: list[Formula]) -> Formula:
        return Compound(operator, tuple(parts))


@cache
def _parser() -> Lark:
    return build_parser(GRAMMAR, _Builder())


def parse_formula(text: str, path: str) -> Formula:
    """The formula that `text` is. Raises InvalidArgumentError or LimitExceededError at `path`, a JSON Pointer."""
    formula: Formula = parse_tree(_parser(), text, path)
    return formula


class Signature:
    """The symbols of a set of formulas: predicates and functions by name with their number of arguments."""

    def __init__(self) -> None:
        self.predicates: dict[str, int] = {}
        self.functions: dict[str, int] = {}
        self.ground: dict[Atom, None] = {}

    def add(self, formula: Formula, path: str) -> None:
        """Take up a formula's symbols. Raises InvalidArgumentError where a name is used in two ways."""
        for node, bound in _scoped(formula):
            if isinstance(node, Atom):
                _check_name(node.name, bound, path, "a variable is no statement")
                _note(self.predicates, node.name, len(node.inner), path)
                if not any(term.name in bound for part in node.inner for term in walk(part)):
                    self.ground[node] = None
            for term in node.inner if isinstance(node, Atom | Equal) else ():
                self._add_term(term, bound, path)

    def _add_term(self, term: Term, bound: frozenset[str], path: str) -> None:
        for part in walk(term):
            if part.name in bound and not part.inner:
                continue
            _check_name(part.name, bound, path, "a variable is no function")
            if part.name[0].isupper():
                raise InvalidArgumentError.at(path, f"{part.name} is bound by no forall or exists")
            _note(self.functions, part.name, len(part.inner), path)


def parse_all(texts: Iterable[str], path: str, signature: Signature) -> Iterator[Formula]:
    """Parse one after the other, so that whoever has a deadline can stop between two."""
    for index, text in enumerate(texts):
        where = f"{path}/{index}"
        formula = parse_formula(text, where)
        signature.add(formula, where)
        yield formula


def _scoped(formula: Formula) -> Iterator[tuple[Formula, frozenset[str]]]:
    """Every sub-formula with the names bound around it."""
    pending: list[tuple[Formula, frozenset[str]]] = [(formula, frozenset())]
    while pending:
        node, bound = pending.pop()
        yield node, bound
        if isinstance(node, Quantified):
            bound |= frozenset(node.names)
        if isinstance(node, Not | Compound | Quantified):
            pending.extend((inner, bound) for inner in reversed(node.inner))


def _check_name(name: str, bound: frozenset[str], path: str, reason: str) -> None:
    if name in bound:
        raise InvalidArgumentError.at(path, f"{name} is bound here, and {reason}")


def _note(known: dict[str, int], name: str, count: int, path: str) -> None:
    before = known.setdefault(name, count)
    if before != count:
        raise InvalidArgumentError.at(path, f"{name} has {count} arguments here and {before} elsewhere")

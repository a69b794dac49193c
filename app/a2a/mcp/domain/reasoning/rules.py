"""Facts and rules in Datalog notation: `ancestor(X,Z) :- parent(X,Y), ancestor(Y,Z)`.

Capital first letter = variable. A constant's value is its number, or its text as written, so that `bob` and `"bob"`
are two things, as in answer set programming.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from lark import Lark, Token, Transformer, v_args

from app.a2a.mcp.domain.reasoning.syntax import build_parser, parse
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

GRAMMAR = r"""
start: rule
rule: atom (":-" literal ("," literal)*)? "."?
?literal: atom                       -> positive
        | "not" atom                 -> negative
        | term COMPARISON term       -> comparison
atom: NAME ("(" term ("," term)* ")")?
?term: NAME                          -> constant
     | STRING                        -> constant
     | INTEGER                       -> number
     | VARIABLE                      -> variable
COMPARISON: "!=" | "<=" | ">=" | "=" | "<" | ">"
INTEGER: /-?[0-9]{1,18}(?!\w)/
STRING: /"[^"\n]*"/
NAME: /(?![A-Z_])[^\W\d]\w*/
VARIABLE: /[A-Z_]\w*/
%ignore /\s+/
"""

MAX_ARGUMENTS = 16
MAX_BODY = 32

Value = int | str
Row = tuple[Value, ...]
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that stands for any value."""

    name: str
    anonymous: bool = False

    def __str__(self) -> str:
        return "_" if self.anonymous else self.name


RuleTerm = Value | Variable
Bindings = Mapping[Variable, Value]


@dataclass(frozen=True, slots=True)
class RuleAtom:
    """A predicate of values and variables."""

    predicate: str
    terms: tuple[RuleTerm, ...]

    @property
    def variables(self) -> set[Variable]:
        """The variables in it."""
        return {term for term in self.terms if isinstance(term, Variable)}

    def row(self, bindings: Bindings) -> Row:
        """Its values under `bindings`, which bind all its variables."""
        return tuple(bindings[term] if isinstance(term, Variable) else term for term in self.terms)


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison in a body: numbers by size, texts alphabetically, any number before any text."""

    left: RuleTerm
    operator: Comparison
    right: RuleTerm

    @property
    def variables(self) -> set[Variable]:
        """The variables in it."""
        return {term for term in (self.left, self.right) if isinstance(term, Variable)}

    def holds(self, bindings: Bindings) -> bool:
        """Whether the comparison is true."""
        a, b = (bindings[t] if isinstance(t, Variable) else t for t in (self.left, self.right))
        low, high = _order(a), _order(b)
        match self.operator:
            case "=":
                return low == high
            case "!=":
                return low != high
            case "<":
                return low < high
            case "<=":
                return low <= high
            case ">":
                return low > high
            case ">=":
                return low >= high


@dataclass(frozen=True, slots=True)
class Rule:
    """A head that holds where all positive atoms and tests do and no negative atom does."""

    text: str
    head: RuleAtom
    positive: tuple[RuleAtom, ...]
    negative: tuple[RuleAtom, ...]
    tests: tuple[Test, ...]


def _order(value: Value) -> tuple[int, int, str]:
    return (0, value, "") if isinstance(value, int) else (1, 0, value)


def row_order(row: Row) -> tuple[tuple[int, int, str], ...]:
    """The key that sorts rows as comparisons do."""
    return tuple(_order(value) for value in row)


def fact_text(predicate: str, row: Row) -> str:
    """A fact as it is written: `parent(ann,bob)`."""
    return f"{predicate}({','.join(map(str, row))})" if row else predicate


class _Builder(Transformer[Token, Any]):
    """Makes our nodes of what the parser reads; each method is named after a rule of the grammar."""

    def __init__(self) -> None:
        super().__init__(visit_tokens=False)

    @v_args(inline=True)
    def start(self, rule: Any) -> Any:
        return rule

    def rule(self, parts: list[Any]) -> tuple[RuleAtom, list[Any]]:
        return parts[0], parts[1:]

    def positive(self, parts: list[Any]) -> tuple[str, Any]:
        return "positive", parts[0]

    def negative(self, parts: list[Any]) -> tuple[str, Any]:
        return "negative", parts[0]

    def comparison(self, parts: list[Any]) -> tuple[str, Any]:
        left, operator, right = parts
        return "test", Test(left, str(operator), right)  # type: ignore[arg-type]  # the grammar allows no other

    def atom(self, parts: list[Any]) -> RuleAtom:
        return RuleAtom(str(parts[0]), tuple(parts[1:]))

    def constant(self, parts: list[Token]) -> str:
        return str(parts[0])

    def number(self, parts: list[Token]) -> int:
        return int(parts[0])

    def variable(self, parts: list[Token]) -> Variable:
        # Every `_` is a variable of its own; its place in the text tells it from the others.
        name = str(parts[0])
        return Variable(f"_{parts[0].start_pos}", anonymous=True) if name == "_" else Variable(name)


@cache
def _parser() -> Lark:
    return build_parser(GRAMMAR, _Builder())


def parse_rule(text: str, path: str) -> Rule:
    """The rule or fact that `text` is. Raises InvalidArgumentError or LimitExceededError at `path`."""
    head, body = parse(_parser(), text, path)
    if len(body) > MAX_BODY:
        raise LimitExceededError.at(path, f"has more than {MAX_BODY} conditions")
    parts = {kind: tuple(part for name, part in body if name == kind) for kind in ("positive", "negative", "test")}
    rule = Rule(text.strip(), head, parts["positive"], parts["negative"], parts["test"])
    for atom in (head, *rule.positive, *rule.negative):
        if len(atom.terms) > MAX_ARGUMENTS:
            raise LimitExceededError.at(path, f"{atom.predicate} has more than {MAX_ARGUMENTS} arguments")
    _check_safe(rule, path)
    return rule


def parse_fact(text: str, path: str) -> RuleAtom:
    """The fact that `text` is: an atom without variables. Raises InvalidArgumentError at `path`."""
    rule = parse_pattern(text, path)
    if rule.variables:
        raise InvalidArgumentError.at(path, f"a fact has no variables, and {_names(rule.variables)} is one")
    return rule


def parse_pattern(text: str, path: str) -> RuleAtom:
    """The atom that `text` is, variables and all. Raises InvalidArgumentError at `path`."""
    head, body = parse(_parser(), text, path)
    if body:
        raise InvalidArgumentError.at(path, "must be a single atom, without a condition")
    atom: RuleAtom = head
    return atom


def _check_safe(rule: Rule, path: str) -> None:
    """Abiteboul, Hull & Vianu 1995, ch. 15: what is not bound by a positive atom could stand for anything."""
    bound = set[Variable]().union(*(atom.variables for atom in rule.positive))
    places = [("the head", rule.head.variables)]
    places += [("a negated atom", atom.variables) for atom in rule.negative]
    places += [("a comparison", test.variables) for test in rule.tests]
    for place, variables in places:
        if free := variables - bound:
            reason = f"unsafe rule {rule.text!r}: {_names(free)} in {place} is bound by no positive atom of the body"
            raise InvalidArgumentError.at(path, reason)


def _names(variables: set[Variable]) -> str:
    return ", ".join(sorted(map(str, variables)))

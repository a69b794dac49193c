"""Constraints over named variables as text: arithmetic, comparisons, logic, and distinct, sum, abs, if.

One kind of node serves all: types are settled where the names are known (constraint_terms.py).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark, Token

from app.a2a.mcp.domain.reasoning.syntax import CONNECTIVES, Connectives, Operator, build_parser, parse_tree

GRAMMAR = (
    CONNECTIVES
    + r"""
?unary: "not" unary                          -> negation
      | comparison
?comparison: sum (COMPARISON sum)*           -> comparison
?sum: product (SIGN product)*                -> chain
?product: factor (SCALE factor)*             -> chain
?factor: "-" factor                          -> negative
       | INTEGER                             -> number
       | "true"                              -> true
       | "false"                             -> false
       | NAME                                -> name
       | STRING                              -> text
       | FUNCTION "(" iff ("," iff)* ")"     -> call
       | "(" iff ")"
FUNCTION.2: /(distinct|sum|abs|if)(?=\s*\()/
COMPARISON: "!=" | "<=" | ">=" | "==" | "=" | "<" | ">"
SIGN: "+" | "-"
SCALE: "*" | "/" | "%"
INTEGER: /[0-9]{1,18}(?!\w)/
STRING: /"[^"\n]*"/
NAME: /[^\W\d]\w*/
"""
)


@dataclass(frozen=True, slots=True)
class Expression:
    """An operator over expressions; `words` are its names, numbers and signs, as written."""

    operator: str
    inner: tuple["Expression", ...] = ()
    words: tuple[str, ...] = ()


class _Builder(Connectives):
    """Makes our nodes of what the parser reads; each method is named after a rule of the grammar."""

    def comparison(self, parts: list[Any]) -> Expression:
        return _interleaved("comparison", parts)

    def chain(self, parts: list[Any]) -> Expression:
        return _interleaved("arithmetic", parts)

    def call(self, parts: list[Any]) -> Expression:
        return Expression(str(parts[0]), tuple(parts[1:]))

    def negation(self, parts: list[Expression]) -> Expression:
        return Expression("not", tuple(parts))

    def negative(self, parts: list[Expression]) -> Expression:
        return Expression("negative", tuple(parts))

    def number(self, parts: list[Token]) -> Expression:
        return Expression("number", (), (str(parts[0]),))

    def name(self, parts: list[Token]) -> Expression:
        return Expression("name", (), (str(parts[0]),))

    def text(self, parts: list[Token]) -> Expression:
        return Expression("text", (), (str(parts[0])[1:-1],))

    def true(self, _: object) -> Expression:
        return Expression("true")

    def false(self, _: object) -> Expression:
        return Expression("false")

    def joined(self, operator: Operator, parts: list[Expression]) -> Expression:
        return Expression(operator, tuple(parts))


def _interleaved(operator: str, parts: list[Any]) -> Expression:
    """Operands and the signs between them; one operand alone is itself."""
    if len(parts) == 1:
        alone: Expression = parts[0]
        return alone
    return Expression(operator, tuple(parts[::2]), tuple(map(str, parts[1::2])))


@cache
def _parser() -> Lark:
    return build_parser(GRAMMAR, _Builder())


def parse_expression(text: str, path: str) -> Expression:
    """The expression that `text` is. Raises InvalidArgumentError or LimitExceededError at `path`."""
    expression: Expression = parse_tree(_parser(), text, path)
    return expression

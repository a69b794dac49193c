"""Conditions over a record, written by callers: `end >= start and not is_null(name)`. Parsed, checked, never run.

Python's parser reads the text, a whitelist decides what may stand in it, and the walk below is all that is evaluated.
Null follows SQL's CHECK: what is compared or computed with null is null, and a condition that is null is not violated.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.a2a.mcp.errors import Detail, InvalidArgumentError

MAX_CHARACTERS = 500
MAX_DEPTH = 20
UNSAFE = "unsafe_expression"
FUNCTIONS = ("len", "abs", "min", "max", "is_null")

_CONSTANTS = {"true": True, "false": False, "null": None}
_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUAL = (ast.Eq, ast.NotEq)
_MEMBER = (ast.In, ast.NotIn)
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


class EvaluationError(Exception):
    """The condition is well formed and its values do not fit it, such as a text compared with a number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that passed the whitelist; `fields` are the names it reads, `size` how many nodes it has."""

    text: str
    fields: frozenset[str]
    size: int
    tree: ast.expr

    def value(self, record: Mapping[str, Any]) -> Any:
        """What it evaluates to; an absent field is null. Raises EvaluationError when the values do not fit."""
        try:
            return _value(self.tree, record)
        except (ZeroDivisionError, OverflowError):
            raise EvaluationError("divides by zero or leaves the range of numbers") from None

    def holds(self, record: Mapping[str, Any]) -> bool | None:
        """True, False, or None where null leaves it open. Raises EvaluationError when the values do not fit."""
        return _truth(self.value(record))


def parse_condition(text: str, path: str = "/condition") -> Condition:
    """The condition that `text` says; `path` is the JSON Pointer of the argument it came in.

    Raises InvalidArgumentError: `unsafe_expression` for anything off the whitelist, else what cannot be read.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidArgumentError.at(path, f"must have at most {MAX_CHARACTERS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InvalidArgumentError.at(path, "is not a condition that can be read") from None
    names: set[str] = set()
    size = _check(tree, path, 1, names)
    return Condition(text, frozenset(names), size, tree)


def _refuse(path: str, what: str) -> InvalidArgumentError:
    message = f"{path}: {what}; nothing was evaluated"
    return InvalidArgumentError(message, (Detail(path, UNSAFE),))


def _check(node: ast.expr, path: str, depth: int, names: set[str]) -> int:
    """Walk the tree against the whitelist and count its nodes; `names` collects the fields."""
    if depth > MAX_DEPTH:
        raise _refuse(path, f"is nested deeper than {MAX_DEPTH}")
    if isinstance(node, ast.Name):
        if node.id.startswith("__"):
            raise _refuse(path, "names may not begin with two underscores")
        if node.id not in _CONSTANTS:
            names.add(node.id)
        return 1
    return 1 + sum(_check(child, path, depth + 1, names) for child in _children(node, path))


def _children(node: ast.expr, path: str) -> list[ast.expr]:
    """The parts of a node that is on the list; raises for one that is not."""
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str()):
            return []
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            return [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return [left, right]
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _ORDER or isinstance(op, (*_EQUAL, *_MEMBER)) for op in ops
        ):
            return [left, *others]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return arguments
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
    raise _refuse(path, f"may not hold {_name_of(node)}")


def _name_of(node: ast.expr) -> str:
    return f"a node of the kind {type(node).__name__}"


def _value(node: ast.expr, record: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _CONSTANTS[name] if name in _CONSTANTS else record.get(name)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element, record) for element in elements]
        case ast.BoolOp(op=op, values=values):
            return _logic(isinstance(op, ast.And), values, record)
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, _value(operand, record))
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(op, _value(left, record), _value(right, record))
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _chain(_value(left, record), ops, others, record)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, [_value(argument, record) for argument in arguments])
    raise EvaluationError("cannot be evaluated")


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _logic(conjunction: bool, nodes: list[ast.expr], record: Mapping[str, Any]) -> bool | None:
    """Kleene's three values, read from left to right: the first that decides ends it."""
    open_ended = False
    for node in nodes:
        truth = _truth(_value(node, record))
        if truth is None:
            open_ended = True
        elif truth is not conjunction:
            return truth
    return None if open_ended else conjunction


def _unary(op: ast.unaryop, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(op, ast.Not):
        return not value
    return -_number(value) if isinstance(op, ast.USub) else _number(value)


def _arithmetic(op: ast.operator, left: Any, right: Any) -> Any:
    """On numbers alone: `"a" * 1000000000` would be memory, and % on a text is formatting."""
    if left is None or right is None:
        return None
    return _ARITHMETIC[type(op)](_number(left), _number(right))


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError("computes with something that is no number")
    return value


def _chain(left: Any, ops: list[ast.cmpop], others: list[ast.expr], record: Mapping[str, Any]) -> bool | None:
    """`1 <= x <= 5`: every link must hold; a null link leaves it open unless another fails."""
    open_ended = False
    for op, other in zip(ops, others, strict=True):
        right = _value(other, record)
        holds = _compare(op, left, right)
        if holds is False:
            return False
        open_ended = open_ended or holds is None
        left = right
    return None if open_ended else True


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool | None:
    if isinstance(op, _EQUAL):
        equal: bool = left == right and isinstance(left, bool) == isinstance(right, bool)
        return equal is isinstance(op, ast.Eq)
    if left is None or right is None:
        return None
    try:
        if isinstance(op, _MEMBER):
            return (left in right) is isinstance(op, ast.In)
        return _ORDER[type(op)](left, right)
    except TypeError:
        raise EvaluationError("compares values of different kinds") from None


def _call(name: str, arguments: list[Any]) -> Any:
    if name == "is_null":
        return _only(name, arguments) is None
    if name in ("len", "abs"):
        value = _only(name, arguments)
        return None if value is None else _measure(name, value)
    values = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    known = [value for value in values if value is not None]
    if not known:
        return None
    try:
        return min(known) if name == "min" else max(known)
    except TypeError:
        raise EvaluationError(f"{name} compares values of different kinds") from None


def _only(name: str, arguments: list[Any]) -> Any:
    if len(arguments) != 1:
        raise EvaluationError(f"{name} takes one argument")
    return arguments[0]


def _measure(name: str, value: Any) -> Any:
    if name == "abs":
        return abs(_number(value))
    if not isinstance(value, str | list | dict):
        raise EvaluationError("len is of texts, lists and objects")
    return len(value)

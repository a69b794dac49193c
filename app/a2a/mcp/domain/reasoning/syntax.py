"""Reading caller text by a lark grammar: sizes first, then the parse, and a refusal that points at the character.

The LALR parser keeps its own stack and builds nodes as it goes, so that no nesting of a text can exhaust Python's.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, v_args
from lark.exceptions import UnexpectedEOF, UnexpectedToken

from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

Operator = Literal["and", "or", "xor", "implies", "iff"]

MAX_CHARACTERS = 2000
MAX_DEPTH = 64


CONNECTIVES = r"""
start: iff
?iff: implies ("<->" implies)*                       -> iff
?implies: xor ("->" implies)?                        -> implies
?xor: or_ ("xor" or_)*                               -> xor
?or_: and_ ("or" and_)*                              -> or_
?and_: unary ("and" unary)*                          -> and_
%ignore /\s+/
"""
"""What every grammar here begins with, the loosest binding first; `unary` is the grammar's own."""


class Connectives(Transformer[Token, Any]):
    """Builds what CONNECTIVES reads; each method is named after a rule."""

    @abstractmethod
    def joined(self, operator: Operator, parts: list[Any]) -> Any:
        """The node of two or more parts under one operator."""

    @v_args(inline=True)
    def start(self, root: Any) -> Any:
        return root

    def and_(self, parts: list[Any]) -> Any:
        return self._one_or_joined("and", parts)

    def or_(self, parts: list[Any]) -> Any:
        return self._one_or_joined("or", parts)

    def xor(self, parts: list[Any]) -> Any:
        return self._one_or_joined("xor", parts)

    def implies(self, parts: list[Any]) -> Any:
        return self._one_or_joined("implies", parts)

    def iff(self, parts: list[Any]) -> Any:
        return self._one_or_joined("iff", parts)

    def _one_or_joined(self, operator: Operator, parts: list[Any]) -> Any:
        return self.joined(operator, parts) if len(parts) > 1 else parts[0]


class Node(Protocol):
    """What a tree is made of, as far as its depth is concerned."""

    @property
    def inner(self) -> tuple["Node", ...]:
        """The nodes directly below."""


def build_parser(grammar: str, transformer: Any) -> Lark:
    """A LALR parser that calls `transformer` while it reads."""
    return Lark(grammar, parser="lalr", transformer=transformer, maybe_placeholders=False)


def parse(parser: Lark, text: str, path: str) -> Any:
    """What the parser makes of `text`. Raises InvalidArgumentError or LimitExceededError at `path`."""
    if len(text) > MAX_CHARACTERS:
        raise LimitExceededError.at(path, f"must have at most {MAX_CHARACTERS} characters")
    try:
        return parser.parse(text)
    except UnexpectedInput as error:
        raise InvalidArgumentError.at(path, _complaint(error, text)) from None


def parse_tree(parser: Lark, text: str, path: str) -> Any:
    """A tree that recursion may safely walk. Raises InvalidArgumentError or LimitExceededError at `path`."""
    root: Node = parse(parser, text, path)
    level: list[Node] = [root]
    for _ in range(MAX_DEPTH):
        level = [inner for node in level for inner in node.inner]
        if not level:
            return root
    raise LimitExceededError.at(path, f"is nested more than {MAX_DEPTH} deep")


def walk(root: Node) -> Iterator[Any]:
    """Every node, parents first."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.inner))


def at_path(path: str, read: Callable[[], Any]) -> Any:
    """Run `read`, and give an error that names no place the place `path`."""
    try:
        return read()
    except ValueError as error:
        raise InvalidArgumentError.at(path, str(error)) from None


def _complaint(error: UnexpectedInput, text: str) -> str:
    ended = isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END")
    if ended:
        return "ends too early" if text.strip() else "is empty"
    if isinstance(error, UnexpectedCharacters):
        return f"unexpected {error.char!r} at character {(error.pos_in_stream or 0) + 1}"
    token = error.token if isinstance(error, UnexpectedToken) else Token("", "")
    return f"unexpected {str(token)[:30]!r} at character {(error.pos_in_stream or 0) + 1}"

"""What a constraint means to z3: names resolved, types checked, and divisions defined.

Division and remainder are SMT-LIB's: 0 <= a % b < |b| and a = b * (a / b) + a % b. By zero they have no value, and
a comparison of what has no value is false (the relational semantics of constraint languages).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from app.a2a.mcp.domain.reasoning.constraint_syntax import Expression

Kind = Literal["int", "bool", "enum"]
Answer = int | bool | str


@dataclass(frozen=True, slots=True)
class Domain:
    """What a variable may be: an int in minimum..maximum, a bool, or one of the texts `values`."""

    kind: Kind
    minimum: int = 0
    maximum: int = 0
    values: tuple[str, ...] = ()


class Value(NamedTuple):
    """A z3 expression, its kind, and the condition under which it has a value (None: always)."""

    kind: Kind
    term: Any
    defined: Any = None


class Terms:
    """The variables of a problem in one z3 context. Texts of all enums share one numbering, so they compare."""

    def __init__(self, z3: Any, context: Any, domains: Mapping[str, Domain]) -> None:
        self._z3 = z3
        self._context = context
        self._domains = domains
        self._codes: dict[str, int] = {}
        for domain in domains.values():
            for value in domain.values:
                self._codes.setdefault(value, len(self._codes))
        self._texts = list(self._codes)
        self.variables = {name: self._variable(name, domain) for name, domain in domains.items()}

    def _variable(self, name: str, domain: Domain) -> Any:
        build = self._z3.Bool if domain.kind == "bool" else self._z3.Int
        return build(name, self._context)

    def bounds(self) -> list[Any]:
        """What the domains demand."""
        demands = []
        for name, domain in self._domains.items():
            term = self.variables[name]
            if domain.kind == "int":
                demands += [term >= domain.minimum, term <= domain.maximum]
            elif domain.kind == "enum":
                demands.append(self._z3.Or(*(term == self._codes[value] for value in domain.values)))
        return demands

    def read(self, model: Any) -> dict[str, Answer]:
        """The values of all variables in a model."""
        found: dict[str, Answer] = {}
        for name, domain in self._domains.items():
            value = model.evaluate(self.variables[name], model_completion=True)
            if domain.kind == "bool":
                found[name] = bool(self._z3.is_true(value))
            else:
                found[name] = value.as_long() if domain.kind == "int" else self._texts[value.as_long()]
        return found

    def is_solution(self, solution: Mapping[str, Answer]) -> Any:
        """The z3 expression "the variables have these values"."""
        return self._z3.And(
            *(self.variables[n] == (self._codes[v] if isinstance(v, str) else v) for n, v in solution.items())
        )

    def condition(self, expression: Expression) -> Any:
        """The z3 truth of a constraint. Raises ValueError where it makes no sense."""
        value = self._value(expression)
        if value.kind != "bool":
            raise ValueError("must be true or false, and this is a value")
        return value.term

    def number(self, expression: Expression) -> Value:
        """The z3 number of an objective. Raises ValueError where it is none."""
        return self._number(self._value(expression))

    def _value(self, node: Expression) -> Value:
        match node.operator:
            case "number":
                return Value("int", self._z3.IntVal(node.words[0], self._context))
            case "true" | "false":
                return Value("bool", self._z3.BoolVal(node.operator == "true", self._context))
            case "name" | "text":
                return self._named(node.words[0], quoted=node.operator == "text")
            case "comparison" | "arithmetic" | "negative" | "sum" | "abs" | "if" | "distinct":
                return self._computed(node, [self._value(part) for part in node.inner])
            case operator:
                return Value("bool", self._logical(operator, [self._truth(part) for part in node.inner]))

    def _computed(self, node: Expression, parts: list[Value]) -> Value:
        match node.operator:
            case "comparison":
                pairs = zip(parts, node.words, parts[1:], strict=False)
                return Value("bool", self._z3.And(*(self._compare(*pair) for pair in pairs)))
            case "arithmetic":
                return self._arithmetic(parts, node.words)
            case "distinct":
                return Value("bool", self._distinct(parts))
            case "if":
                return self._choice(parts)
        numbers = [self._number(part) for part in parts]
        defined = self._all_defined(numbers)
        if node.operator == "sum":
            return Value("int", self._z3.Sum([n.term for n in numbers]), defined)
        if len(numbers) != 1:
            raise ValueError("abs takes one argument")
        negative = -numbers[0].term
        if node.operator == "negative":
            return Value("int", negative, defined)
        return Value("int", self._z3.If(numbers[0].term >= 0, numbers[0].term, negative), defined)

    def _named(self, name: str, *, quoted: bool) -> Value:
        if not quoted and name in self.variables:
            return Value(self._domains[name].kind, self.variables[name])
        if name in self._codes:
            return Value("enum", self._z3.IntVal(self._codes[name], self._context))
        raise ValueError(f"{name[:50]!r} is neither a variable nor a value of one")

    def _truth(self, node: Expression) -> Any:
        value = self._value(node)
        if value.kind != "bool":
            raise ValueError("and, or, not, xor, -> and <-> join what is true or false")
        return value.term

    def _logical(self, operator: str, parts: Sequence[Any]) -> Any:
        z3 = self._z3
        if operator in ("and", "or", "not"):
            return {"and": z3.And, "or": z3.Or, "not": z3.Not}[operator](*parts)
        whole = parts[0]
        for part in parts[1:]:
            if operator == "implies":
                whole = z3.Implies(whole, part)
            else:
                whole = z3.Xor(whole, part) if operator == "xor" else whole == part
        return whole

    def _number(self, value: Value) -> Value:
        """A number; a truth counts 1 or 0, so that sums can count."""
        if value.kind == "enum":
            raise ValueError("a text cannot be calculated with")
        if value.kind == "int":
            return value
        one, zero = self._z3.IntVal(1, self._context), self._z3.IntVal(0, self._context)
        return Value("int", self._z3.If(value.term, one, zero), value.defined)

    def _alike(self, values: Sequence[Value]) -> list[Value]:
        """The values in one kind; texts go only with texts."""
        kinds = {value.kind for value in values}
        if "enum" in kinds and len(kinds) > 1:
            raise ValueError("a text cannot be compared with a number or a truth")
        return [self._number(value) for value in values] if len(kinds) > 1 else list(values)

    def _compare(self, left: Value, sign: str, right: Value) -> Any:
        if sign in ("=", "==", "!="):
            left, right = self._alike([left, right])
            holds = left.term == right.term if sign != "!=" else left.term != right.term
        else:
            left, right = self._number(left), self._number(right)
            a, b = left.term, right.term
            holds = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]
        defined = self._all_defined([left, right])
        return holds if defined is None else self._z3.And(defined, holds)

    def _distinct(self, parts: Sequence[Value]) -> Any:
        alike = self._alike(parts)
        defined = self._all_defined(alike)
        holds = self._z3.Distinct(*(part.term for part in alike))
        return holds if defined is None else self._z3.And(defined, holds)

    def _choice(self, parts: Sequence[Value]) -> Value:
        if len(parts) != 3 or parts[0].kind != "bool":
            raise ValueError("if takes a condition and two values: if(c, a, b)")
        condition, (yes, no) = parts[0].term, self._alike(parts[1:])
        defined = None
        if yes.defined is not None or no.defined is not None:
            always = self._z3.BoolVal(True, self._context)
            branches = (always if d is None else d for d in (yes.defined, no.defined))
            defined = self._z3.If(condition, *branches)
        return Value(yes.kind, self._z3.If(condition, yes.term, no.term), defined)

    def _arithmetic(self, parts: Sequence[Value], signs: Sequence[str]) -> Value:
        numbers = [self._number(part) for part in parts]
        whole, defined = numbers[0].term, [n.defined for n in numbers if n.defined is not None]
        for sign, number in zip(signs, numbers[1:], strict=True):
            term = number.term
            if sign in "/%":
                defined.append(term != 0)
            match sign:
                case "+":
                    whole = whole + term
                case "-":
                    whole = whole - term
                case "*":
                    whole = whole * term
                case "/":
                    whole = whole / term
                case _:
                    whole = whole % term
        return Value("int", whole, self._z3.And(*defined) if defined else None)

    def _all_defined(self, values: Sequence[Value]) -> Any:
        conditions = [value.defined for value in values if value.defined is not None]
        return self._z3.And(*conditions) if conditions else None

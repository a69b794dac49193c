"""The objects inside the arguments of reasoning_agent's tools, and the checks that a schema cannot say."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.a2a.mcp.core import ToolInput
from app.a2a.mcp.domain.reasoning.bayes import BayesNode
from app.a2a.mcp.domain.reasoning.chains import Notation, Step, StepType
from app.a2a.mcp.domain.reasoning.constraint_terms import Domain
from app.a2a.mcp.domain.reasoning.constraints import Sense
from app.a2a.mcp.domain.reasoning.syntax import MAX_CHARACTERS
from app.a2a.mcp.errors import InvalidArgumentError

RESERVED = frozenset({"and", "or", "not", "xor", "true", "false"})

FormulaText = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
RuleText = FormulaText
Identifier = Annotated[str, Field(min_length=1, max_length=100)]
VariableName = Annotated[str, Field(pattern=r"^[^\W\d]\w{0,63}$")]


class ReasoningStep(ToolInput):
    """One step of a chain."""

    conclusion: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
    id: Identifier | None = None
    premises: Annotated[
        list[FormulaText], Field(max_length=50, description='formulas (or texts), or "step:N", N from 0 or an id')
    ] = Field(default_factory=list)
    premise: Annotated[str, Field(max_length=MAX_CHARACTERS, description="what it rests on, as text")] | None = None
    inference_rule: Annotated[str, Field(max_length=200, description="noted, not relied on")] | None = None
    evidence: list[Annotated[str, Field(max_length=MAX_CHARACTERS)]] = Field(default_factory=list, max_length=50)
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    dependencies: list[int] = Field(
        default_factory=list, max_length=100, description="numbers of steps it rests on, from 0"
    )
    type: StepType = "inference"
    notation: Annotated[Notation, Field(description="formula: the step is proved · text: only its form is checked")] = (
        "text"
    )


class Statement(ToolInput):
    """A formula with a name to report it by."""

    id: Identifier
    formula: FormulaText


class HypothesisInput(ToolInput):
    """A formula one may assume, at a cost."""

    id: Identifier
    formula: FormulaText
    cost: float = Field(default=1.0, ge=0, le=1e9)


class VariableInput(ToolInput):
    """What a variable may be. An int needs min and max, an enum its values."""

    type: Literal["int", "bool", "enum"]
    min: int | None = Field(default=None, ge=-(10**12), le=10**12)
    max: int | None = Field(default=None, ge=-(10**12), le=10**12)
    values: Annotated[list[Identifier], Field(min_length=1, max_length=100)] | None = None


class ObjectiveInput(ToolInput):
    """What to make as small or as large as can be."""

    sense: Sense
    expression: FormulaText


class NodeInput(ToolInput):
    """A variable of a Bayesian network."""

    name: Identifier
    states: list[Identifier] = Field(min_length=2, max_length=20)
    parents: Annotated[list[Identifier], Field(max_length=20)] = Field(default_factory=list)
    cpt: list[Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(max_length=20)]] = Field(
        max_length=100_000,
        description="one row of probabilities for each combination of parent states, the last parent changing fastest",
    )


def check_distinct(ids: Sequence[str], path: str) -> list[str]:
    """The ids themselves. Raises InvalidArgumentError for one given twice; `path` has a place for its number."""
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if name in seen:
            raise InvalidArgumentError.at(path.format(index), f"{name!r} is given twice")
        seen.add(name)
    return list(ids)


def read_steps(steps: Sequence[ReasoningStep]) -> list[Step]:
    """The steps as the domain takes them."""
    return [
        Step(
            conclusion=step.conclusion,
            id=step.id,
            premises=tuple(step.premises),
            premise=step.premise,
            inference_rule=step.inference_rule,
            evidence=tuple(step.evidence),
            confidence=step.confidence,
            dependencies=tuple(step.dependencies),
            type=step.type,
            notation=step.notation,
        )
        for step in steps
    ]


def read_domains(variables: Mapping[str, VariableInput]) -> dict[str, Domain]:
    """The variables as the domain takes them. Raises InvalidArgumentError at `/variables/NAME/...`."""
    domains = {name: _domain(f"/variables/{name}", name, given) for name, given in variables.items()}
    for name, domain in domains.items():
        for index, value in enumerate(domain.values):
            if value in domains:
                path = f"/variables/{name}/values/{index}"
                raise InvalidArgumentError.at(path, f"{value!r} is also the name of a variable")
    return domains


def _domain(path: str, name: str, given: VariableInput) -> Domain:
    if name in RESERVED:
        raise InvalidArgumentError.at(path, f"{name!r} is a word of the language")
    wanted = {"int": ("min", "max"), "bool": (), "enum": ("values",)}[given.type]
    for field in ("min", "max", "values"):
        if (getattr(given, field) is not None) != (field in wanted):
            reason = f"is required for {given.type}" if field in wanted else f"is not for {given.type}"
            raise InvalidArgumentError.at(f"{path}/{field}", reason)
    low, high = given.min or 0, given.max or 0
    if low > high:
        raise InvalidArgumentError.at(f"{path}/max", "must not be less than min")
    values = check_distinct(given.values or [], f"{path}/values/{{}}")
    return Domain(given.type, low, high, tuple(values))


def read_attacks(arguments: Sequence[str], attacks: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """The attacks by number. Raises InvalidArgumentError for an argument that is not listed."""
    numbers = {name: index for index, name in enumerate(arguments)}
    for index, pair in enumerate(attacks):
        for end, name in enumerate(pair):
            if name not in numbers:
                raise InvalidArgumentError.at(f"/attacks/{index}/{end}", f"no argument is named {name!r}")
    return [(numbers[source], numbers[target]) for source, target in attacks]


def read_nodes(nodes: Sequence[NodeInput]) -> list[BayesNode]:
    """The nodes as the domain takes them."""
    return [BayesNode(node.name, tuple(node.states), tuple(node.parents), node.cpt) for node in nodes]

"""Exact inference in discrete Bayesian networks: variable elimination in min-fill order, on numpy arrays.

Every factor is kept at a greatest entry of 1 with its logarithm beside it, so that the probability of much evidence
does not sink to zero on the way.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.a2a.mcp.domain.reasoning.budget import Budget, UndecidedError
from app.a2a.mcp.errors import DeadlineExceededError, InvalidArgumentError, LimitExceededError

MAX_FACTOR = 2**20
ROW_TOLERANCE = 1e-9

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BayesNode:
    """A variable with its states and its parents; `table` has a row for each combination of the parents' states."""

    name: str
    states: tuple[str, ...]
    parents: tuple[str, ...]
    table: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Factor:
    """A non-negative function of variables: an array with one axis each, times e**log_scale."""

    names: tuple[str, ...]
    values: Array
    log_scale: float = 0.0


@dataclass(frozen=True, slots=True)
class MostProbable:
    """The likeliest states of all nodes given the evidence, and their probability together with it."""

    assignment: dict[str, str]
    probability: float


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What evidence says of the queried nodes."""

    posteriors: dict[str, dict[str, float]]
    evidence_probability: float
    elimination_order: list[str]
    mpe: MostProbable | None


class Network:
    """A checked network. Raises InvalidArgumentError, or LimitExceededError for a table that is too large."""

    def __init__(self, nodes: Sequence[BayesNode]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self._factors: dict[str, Factor] = {}
        for index, node in enumerate(nodes):
            _check_node(node, nodes, index, self.nodes)
            self._factors[node.name] = self._table_factor(node, index)
        self._check_acyclic(nodes)

    def _table_factor(self, node: BayesNode, index: int) -> Factor:
        path = f"/nodes/{index}/cpt"
        shape = [len(self.nodes[parent].states) for parent in node.parents]
        rows, columns = math.prod(shape), len(node.states)
        if rows * columns > MAX_FACTOR:
            raise LimitExceededError.at(path, f"has more than {MAX_FACTOR} entries")
        if len(node.table) != rows:
            raise InvalidArgumentError.at(path, f"needs {rows} rows, one for each combination of parent states")
        for number, row in enumerate(node.table):
            if len(row) != columns:
                raise InvalidArgumentError.at(f"{path}/{number}", f"needs {columns} probabilities, one for each state")
            if abs(math.fsum(row) - 1) > ROW_TOLERANCE:
                raise InvalidArgumentError.at(f"{path}/{number}", f"sums to {math.fsum(row):.12g} instead of 1")
        values = np.array(node.table, dtype=np.float64).reshape(*shape, columns)
        return Factor((*node.parents, node.name), values)

    def _check_acyclic(self, nodes: Sequence[BayesNode]) -> None:
        placed: set[str] = set()
        pending = list(nodes)
        while pending:
            ready = [node for node in pending if placed.issuperset(node.parents)]
            if not ready:
                names = ", ".join(node.name for node in pending)
                raise InvalidArgumentError.at("/nodes", f"parents form a cycle among: {names}")
            placed.update(node.name for node in ready)
            pending = [node for node in pending if node.name not in placed]

    def check(self, query: Sequence[str], evidence: Mapping[str, str]) -> None:
        """Raise InvalidArgumentError where a question names a node or state that there is not."""
        for index, name in enumerate(query):
            if name not in self.nodes:
                raise InvalidArgumentError.at(f"/query/{index}", f"no node is named {name!r}")
        for name, state in evidence.items():
            if name not in self.nodes:
                raise InvalidArgumentError.at("/evidence", f"no node is named {name!r}")
            if state not in self.nodes[name].states:
                known = ", ".join(self.nodes[name].states)
                raise InvalidArgumentError.at("/evidence", f"{name} has no state {state!r}; it has {known}")

    def relevant(self, names: Iterable[str]) -> list[str]:
        """`names` and all their ancestors, in the network's order; the rest sums to 1 and can be left out."""
        found: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending.extend(self.nodes[name].parents)
        return [name for name in self.nodes if name in found]

    def factors(self, names: Iterable[str], evidence: Mapping[str, str]) -> list[Factor]:
        """The tables of `names` with the evidence filled in."""
        return [self._reduced(self._factors[name], evidence) for name in names]

    def _reduced(self, factor: Factor, evidence: Mapping[str, str]) -> Factor:
        index = tuple(
            self.nodes[name].states.index(evidence[name]) if name in evidence else slice(None) for name in factor.names
        )
        return _scaled(tuple(n for n in factor.names if n not in evidence), np.asarray(factor.values[index]), 0.0)


def query_network(
    network: Network, query: Sequence[str], evidence: Mapping[str, str], most_probable: bool, budget: Budget
) -> Posteriors:
    """Posterior of each queried node, the evidence's probability and, on request, the likeliest whole assignment.

    Raises InvalidArgumentError (impossible_evidence), LimitExceededError (a factor over 2**20 entries), and
    DeadlineExceededError, since a probability that is not finished is none.
    """
    network.check(query, evidence)
    relevant = network.relevant([*query, *evidence])
    order = min_fill([set(f.names) for f in network.factors(relevant, evidence)])
    rooted = network.relevant(evidence)
    try:
        total = _eliminate(network.factors(rooted, evidence), [name for name in order if name in set(rooted)], budget)
        if not total.values.max() > 0:
            raise InvalidArgumentError.at("/evidence", "impossible_evidence: its probability is zero")
        posteriors = {name: _posterior(network, name, evidence, order, budget) for name in query}
        mpe = _most_probable(network, evidence, budget) if most_probable else None
    except UndecidedError:
        raise DeadlineExceededError("the network is too entangled for the time there was") from None
    return Posteriors(posteriors, _number(total), order, mpe)


def min_fill(scopes: Sequence[set[str]]) -> list[str]:
    """An order in which eliminating joins few new neighbours; ties go to the fewest neighbours, then to the name."""
    near: dict[str, set[str]] = {}
    for scope in scopes:
        for name in scope:
            near.setdefault(name, set()).update(scope - {name})
    order = []
    while near:
        best = min(near, key=lambda name: (_missing_edges(near, name), len(near[name]), name))
        around = near.pop(best)
        for name in around:
            near[name] |= around - {name}
            near[name].discard(best)
        order.append(best)
    return order


def _missing_edges(near: Mapping[str, set[str]], name: str) -> int:
    around = near[name]
    return sum(len(around - near[other]) - 1 for other in around) // 2


def _posterior(
    network: Network, name: str, evidence: Mapping[str, str], order: Sequence[str], budget: Budget
) -> dict[str, float]:
    states = network.nodes[name].states
    if name in evidence:
        return {state: float(state == evidence[name]) for state in states}
    relevant = network.relevant([name, *evidence])
    hidden = set(relevant) - {name}
    left = _eliminate(network.factors(relevant, evidence), [other for other in order if other in hidden], budget)
    shares = left.values / left.values.sum()
    return {state: float(share) for state, share in zip(states, shares, strict=True)}


def _most_probable(network: Network, evidence: Mapping[str, str], budget: Budget) -> MostProbable:
    """Max-product elimination; going back through it in reverse picks each node's best state."""
    factors = network.factors(network.nodes, evidence)
    order = min_fill([set(f.names) for f in factors])
    steps: list[tuple[str, Factor]] = []
    for name in order:
        budget.check()
        joined = _joined([f for f in factors if name in f.names])
        factors = [f for f in factors if name not in f.names]
        axis = joined.names.index(name)
        rest = tuple(n for n in joined.names if n != name)
        factors.append(_scaled(rest, joined.values.max(axis=axis), joined.log_scale))
        steps.append((name, joined))
    chosen: dict[str, int] = {}
    for name, joined in reversed(steps):
        index = tuple(slice(None) if n == name else chosen[n] for n in joined.names)
        chosen[name] = int(np.argmax(joined.values[index]))
    states = {name: network.nodes[name].states[index] for name, index in chosen.items()} | dict(evidence)
    return MostProbable({name: states[name] for name in network.nodes}, _number(_joined(factors)))


def _eliminate(factors: Sequence[Factor], order: Iterable[str], budget: Budget) -> Factor:
    """The product of all factors with the variables of `order` summed out."""
    left = list(factors)
    for name in order:
        budget.check()
        touched = [f for f in left if name in f.names]
        if not touched:
            continue
        joined = _joined(touched)
        rest = tuple(n for n in joined.names if n != name)
        summed = joined.values.sum(axis=joined.names.index(name))
        left = [f for f in left if name not in f.names]
        left.append(_scaled(rest, summed, joined.log_scale))
    return _joined(left)


def _joined(factors: Sequence[Factor]) -> Factor:
    """The product of factors, over all their variables."""
    names = tuple(dict.fromkeys(name for factor in factors for name in factor.names))
    sizes = {n: size for f in factors for n, size in zip(f.names, f.values.shape, strict=True)}
    if math.prod(sizes.values()) > MAX_FACTOR:
        raise LimitExceededError(f"a factor over {', '.join(names)} would have more than {MAX_FACTOR} entries")
    values: Array = np.ones([sizes[n] for n in names])
    for factor in factors:
        axes = sorted(range(len(factor.names)), key=lambda i: names.index(factor.names[i]))
        shape = [sizes[n] if n in factor.names else 1 for n in names]
        values = values * np.transpose(factor.values, axes).reshape(shape)
    return _scaled(names, values, math.fsum(factor.log_scale for factor in factors))


def _scaled(names: tuple[str, ...], values: Array, log_scale: float) -> Factor:
    top = float(values.max())
    if top <= 0:
        return Factor(names, values, log_scale)
    return Factor(names, np.asarray(values / top), log_scale + math.log(top))


def _number(factor: Factor) -> float:
    """A factor of no variables as the number it is."""
    return float(factor.values) * math.exp(factor.log_scale)


def _check_node(node: BayesNode, nodes: Sequence[BayesNode], index: int, known: Mapping[str, BayesNode]) -> None:
    path = f"/nodes/{index}"
    if any(other.name == node.name for other in nodes[:index]):
        raise InvalidArgumentError.at(f"{path}/name", f"there are two nodes named {node.name!r}")
    if len(set(node.states)) != len(node.states):
        raise InvalidArgumentError.at(f"{path}/states", "must differ from each other")
    if len(set(node.parents)) != len(node.parents):
        raise InvalidArgumentError.at(f"{path}/parents", "must differ from each other")
    for number, parent in enumerate(node.parents):
        if parent not in known:
            raise InvalidArgumentError.at(f"{path}/parents/{number}", f"no node is named {parent!r}")

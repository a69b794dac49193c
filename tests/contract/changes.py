"""One change to a JSON value, such as a careless or hostile caller makes: other types, bounds, sizes, characters."""

import copy
import random
from collections.abc import Callable
from typing import Any

Node = Any
Change = Callable[[random.Random, Node], Node]

DESCENT = 0.72
"""How often a change goes on into a container instead of changing it."""

DEEP = 300
LONG = 30_000
MANY = 1500

CONSTANTS: tuple[Node, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**64), 10**40, 0.0, -0.0, 0.5, 1e-320, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf"), "", " ", "0", "1", "-1", "1e999", "NaN", "null", "true", "\x00", "\n"),
    *(
        "\ud800",
        "a\udfffb",
        "\u202eabc",
        "\ufeff",
        "e\u0301" * 40,
        "💥" * 50,
        "ß",
        "İ",
        "ﷺ",
        "../../etc/passwd",
        "%00",
        "{}",
    ),
    *("{{7*7}}", "${x}", "'; DROP TABLE t; --", "<script>", "__class__", "__proto__", "(" * 200, "[" * 200, "a.*" * 50),
    *(
        "forall x: " * 60,
        "not " * 100,
        "p -> " * 80,
        "9" * 400,
        "1/0",
        "2**99999",
        "0000-00-00",
        "9999-12-31T23:59:60Z",
    ),
    *([], {}, [[]], [{}], [None], {"": ""}, {"$ref": "#"}, {"a": {"a": {"a": {}}}}, [0] * 40, ["x"] * 40),
)


def change_somewhere(chance: random.Random, node: Node) -> Node:
    """The value (changed in place where it is a container) with one change at some depth of it."""
    if isinstance(node, dict | list) and node and chance.random() < DESCENT:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node[key] = change_somewhere(chance, node[key])
        return node
    fitting = CHANGES.get(type(node), ())
    return chance.choice((replace, *fitting, *fitting))(chance, node)


def replace(chance: random.Random, _: Node) -> Node:
    """Something else altogether."""
    # A copy: later changes are made in place.
    return copy.deepcopy(chance.choice(CONSTANTS))


def _drop(chance: random.Random, node: Node) -> Node:
    if node:
        del node[chance.choice(list(node) if isinstance(node, dict) else range(len(node)))]
    return node


def _add_member(chance: random.Random, node: Node) -> Node:
    name = chance.choice(("unexpected", "", "\x00", "__proto__", "\ud800", "a" * 300, *list(node)[:1]))
    return node | {name + chance.choice(("", " ", "_")): replace(chance, node)}


def _many_members(chance: random.Random, node: Node) -> Node:
    return node | {f"k{place}": replace(chance, node) for place in range(chance.choice((30, MANY)))}


def _repeat(chance: random.Random, node: Node) -> Node:
    return node * chance.choice((2, 3, max(1, MANY // max(1, len(node)))))


def _shuffle(chance: random.Random, node: Node) -> Node:
    chance.shuffle(node)
    return node


def _add_item(chance: random.Random, node: Node) -> Node:
    return [*node, replace(chance, node)]


def _wrap(chance: random.Random, node: Node) -> Node:
    depth = chance.choice((1, 2, DEEP))
    for _ in range(depth):
        node = [node] if chance.random() < 0.5 else {"a": node}
    return node


def _longer(chance: random.Random, node: Node) -> Node:
    return (node or "x") * chance.choice((2, 10, LONG // len(node or "x") + 1))


def _insert(chance: random.Random, node: Node) -> Node:
    place = chance.randrange(len(node) + 1)
    return (
        node[:place]
        + chance.choice(("\x00", "\ud800", "\r\n", "\u2028", '"', "(", ")", ",", "~", "é", "\t"))
        + node[place:]
    )


def _cut(chance: random.Random, node: Node) -> Node:
    return node[: chance.randrange(len(node) + 1)]


def _swap_case(_: random.Random, node: Node) -> Node:
    return node.swapcase()


def _number_of(chance: random.Random, node: Node) -> Node:
    return chance.choice((str(node), [node], -node, node + 1, node - 1, node * 1_000_000, float(node), bool(node)))


CHANGES: dict[type, tuple[Change, ...]] = {
    dict: (_drop, _drop, _add_member, _add_member, _many_members, _wrap),
    list: (_drop, _repeat, _repeat, _shuffle, _add_item, _wrap),
    str: (_longer, _insert, _insert, _cut, _swap_case, _wrap),
    int: (_number_of,),
    float: (_number_of,),
    bool: (_wrap,),
}

"""Reads [{nodes, evidence}] from stdin and writes the posteriors of every other node, by pgmpy's elimination."""

import json
import logging
import sys
import warnings

warnings.simplefilter("ignore")

from pgmpy.factors.discrete import TabularCPD  # noqa: E402 - its own libraries warn while they are imported
from pgmpy.inference import VariableElimination  # noqa: E402
from pgmpy.models import DiscreteBayesianNetwork  # noqa: E402

logging.disable(logging.CRITICAL)


def network(nodes):
    states = {node["name"]: node["states"] for node in nodes}
    model = DiscreteBayesianNetwork([(parent, node["name"]) for node in nodes for parent in node["parents"]])
    model.add_nodes_from(states)
    for node in nodes:
        parents = node["parents"]
        model.add_cpds(
            TabularCPD(
                node["name"],
                len(node["states"]),
                [list(column) for column in zip(*node["cpt"], strict=True)],
                evidence=parents or None,
                evidence_card=[len(states[parent]) for parent in parents] or None,
                state_names={name: states[name] for name in (node["name"], *parents)},
            )
        )
    assert model.check_model()
    return model


def answer(case):
    elimination = VariableElimination(network(case["nodes"]))
    found = {}
    for node in case["nodes"]:
        if node["name"] not in case["evidence"]:
            factor = elimination.query([node["name"]], evidence=case["evidence"], show_progress=False)
            names = factor.state_names[node["name"]]
            found[node["name"]] = {name: float(p) for name, p in zip(names, factor.values, strict=True)}
    return found


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)

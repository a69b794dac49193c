"""Fused rankings and Bayesian networks against ranx and pgmpy, which run in an environment of their own.

Together they bring forty packages that nothing else here needs, so they are no part of the development environment.
"""

import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.domain.ranking.fusion import FUSION_METHODS, Fusion, Ranking, fuse
from app.a2a.mcp.domain.reasoning.bayes import BayesNode, Network, query_network
from app.a2a.mcp.domain.reasoning.budget import Budget

ORACLES = Path(__file__).with_name("oracles")
INSTALL_SECONDS = 540
"""The first run downloads and compiles; uv keeps the environment for the next."""

pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 60)


def ask(script: str, question: Any) -> Any:
    """What the oracle's script makes of the question."""
    uv = [Path(sys.executable).with_name("uv"), "run", "-q", "--no-project", "--isolated", "--python", sys.executable]
    command = [*uv, "--with-requirements", ORACLES / "requirements.txt", "python", ORACLES / script]
    done = subprocess.run(
        command, input=json.dumps(question), capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def rankings(chance: random.Random) -> list[dict[str, float]]:
    """Three lists of two to eight of ten documents, without equal scores, best first."""
    lists = []
    for _ in range(3):
        names = chance.sample("abcdefghij", chance.randint(2, 8))
        scores = sorted(chance.sample(range(-50, 100), len(names)), reverse=True)
        lists.append({name: score / 4 for name, score in zip(names, scores, strict=True)})
    return lists


def test_fused_rankings_are_those_of_ranx() -> None:
    chance = random.Random(2009)
    cases = [rankings(chance) for _ in range(100)]
    oracle = ask("fusion_by_ranx.py", dict.fromkeys(FUSION_METHODS, cases))
    for method in FUSION_METHODS:
        for lists, wanted in zip(cases, oracle[method], strict=True):
            given = [Ranking(str(n), list(one), list(one.values())) for n, one in enumerate(lists)]
            found = {one.id: one.score for one in fuse(given, Fusion(method))}
            assert found == pytest.approx(wanted, abs=1e-9), (method, lists)


def network(chance: random.Random) -> list[dict[str, Any]]:
    """Two to six nodes of two or three states with at most three parents, no probability zero."""
    nodes: list[dict[str, Any]] = []
    for index in range(chance.randint(2, 6)):
        states = ["u", "v", "w"][: chance.randint(2, 3)]
        parents = chance.sample(nodes, min(len(nodes), chance.randint(0, 3)))
        table = []
        for _ in range(math.prod(len(parent["states"]) for parent in parents)):
            shares = [chance.randint(1, 9) for _ in states]
            table.append([share / sum(shares) for share in shares])
        names = [parent["name"] for parent in parents]
        nodes.append({"name": f"n{index}", "states": states, "parents": names, "cpt": table})
    return nodes


def test_posteriors_are_those_of_pgmpy() -> None:
    chance = random.Random(1988)
    cases = []
    for _ in range(60):
        nodes = network(chance)
        known = chance.sample(nodes, chance.randint(0, len(nodes) - 1))
        cases.append({"nodes": nodes, "evidence": {node["name"]: chance.choice(node["states"]) for node in known}})
    for case, wanted in zip(cases, ask("posteriors_by_pgmpy.py", cases), strict=True):
        nodes = [BayesNode(n["name"], tuple(n["states"]), tuple(n["parents"]), n["cpt"]) for n in case["nodes"]]
        query = list(wanted)
        found = query_network(Network(nodes), query, case["evidence"], False, Budget(60_000))
        for name in query:
            assert found.posteriors[name] == pytest.approx(wanted[name], abs=1e-9)

"""The four logical tools of reasoning_agent: entailment, consistency, explanation and rules, and "unknown"."""

import time
from collections.abc import AsyncIterator

import pytest

from app.a2a.mcp.servers import reasoning_agent_mcp_server as menu
from tests.servers.asking import Ask
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio

ANCESTORS = ["ancestor(X,Y) :- parent(X,Y)", "ancestor(X,Z) :- parent(X,Y), ancestor(Y,Z)"]
WET = {
    "theory": ["rain -> wet", "sprinkler -> wet"],
    "observation": "wet",
    "hypotheses": [{"id": "rain", "formula": "rain"}, {"id": "sprinkler", "formula": "sprinkler"}],
}
PIGEONS = [" or ".join(f"in{p}_{h}" for h in range(11)) for p in range(12)]
HOLES = [" and ".join(f"not (in{p}_{h} and in{q}_{h})" for q in range(p)) for h in range(11) for p in range(1, 12)]
"""Twelve pigeons in eleven holes: small to write and far out of reach of a solver that resolves clauses."""


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


# 27 check_entailment


async def test_modus_ponens_is_entailed_and_affirming_the_consequent_is_not(ask: Ask) -> None:
    found = await ask("check_entailment", premises=["p -> q", "p", "z"], conclusion="q")
    assert (found["status"], found["used_premises"], found["premises_consistent"]) == ("entailed", [0, 1], True)
    assert found["elapsed_ms"] > 0
    found = await ask("check_entailment", premises=["p -> q", "q"], conclusion="p")
    assert (found["status"], found["countermodel"]) == ("not_entailed", {"p": False, "q": True})


async def test_socrates_is_mortal_and_a_contradiction_says_so(ask: Ask) -> None:
    premises = ["forall x: man(x) -> mortal(x)", "man(socrates)"]
    assert (await ask("check_entailment", premises=premises, conclusion="mortal(socrates)"))["status"] == "entailed"
    found = await ask("check_entailment", premises=["p", "not p"], conclusion="q")
    assert (found["status"], found["premises_consistent"]) == ("entailed", False)


async def test_what_is_not_decided_in_time_is_unknown_and_never_false(ask: Ask) -> None:
    began = time.monotonic()
    found = await ask("check_entailment", premises=PIGEONS + HOLES, conclusion="false", timeout_ms=200)
    assert (found["status"], found["reason"], found["premises_consistent"]) == ("unknown", "timeout", None)
    assert time.monotonic() - began < 10
    statements = [{"id": str(i), "formula": text} for i, text in enumerate(PIGEONS + HOLES)]
    assert (await ask("check_consistency", statements=statements, timeout_ms=100))["status"] == "unknown"


# 28 check_consistency


async def test_clash_is_minimal_and_repairs_are_the_smallest(ask: Ask) -> None:
    formulas = {"s1": "p", "s2": "p -> q", "s3": "not q", "s4": "r or p"}
    statements = [{"id": name, "formula": text} for name, text in formulas.items()]
    found = await ask("check_consistency", statements=statements)
    assert (found["status"], found["conflicts"]) == ("inconsistent", [["s1", "s2", "s3"]])
    assert found["removal_suggestions"] == [["s1"], ["s2"], ["s3"]]
    statements = [{"id": "a", "formula": "p or q"}, {"id": "b", "formula": "not p"}]
    found = await ask("check_consistency", statements=statements)
    assert (found["status"], found["model"], found["conflicts"]) == ("consistent", {"p": False, "q": True}, [])


# 29 explain_observation


async def test_each_cause_explains_until_it_is_ruled_out(ask: Ask) -> None:
    found = await ask("explain_observation", **WET)
    assert [e["hypotheses"] for e in found["explanations"]] == [["rain"], ["sprinkler"]]
    assert (found["complete"], found["already_entailed"], found["status"]) == (True, False, "explained")
    found = await ask("explain_observation", **{**WET, "theory": [*WET["theory"], "not rain"]})
    assert [e["hypotheses"] for e in found["explanations"]] == [["sprinkler"]]


# 30 infer_facts


async def test_ancestors_follow_with_proofs(ask: Ask) -> None:
    facts = ["parent(ann,bob)", "parent(bob,cal)"]
    found = await ask("infer_facts", facts=facts, rules=ANCESTORS, query="ancestor(ann,X)")
    assert found["derived"] == ["ancestor(ann,bob)", "ancestor(ann,cal)", "ancestor(bob,cal)"]
    assert found["bindings"] == [{"X": "bob"}, {"X": "cal"}]
    assert found["proofs"]["ancestor(ann,cal)"] == {
        "rule": ANCESTORS[1],
        "premises": ["parent(ann,bob)", "ancestor(bob,cal)"],
    }
    assert found["fixpoint"] is True
    assert "proofs" not in await ask("infer_facts", facts=facts, rules=ANCESTORS, explain=False)


async def test_negation_is_stratified_and_unsafe_rules_are_named(ask: Ask) -> None:
    facts = ["person(ann)", "person(bob)", "haspar(bob)"]
    found = await ask("infer_facts", facts=facts, rules=["root(X) :- person(X), not haspar(X)"])
    assert (found["derived"], found["strata"]) == (["root(ann)"], [["haspar", "person"], ["root"]])
    refused = await ask("infer_facts", facts=[], rules=["p(X) :- not q(X)"], error=True)
    assert (refused["code"], refused["details"][0]["path"]) == ("invalid_argument", "/rules/0")
    assert "unsafe rule 'p(X) :- not q(X)'" in refused["details"][0]["reason"]
    rules = ["p(X) :- r(X), not q(X)", "q(X) :- r(X), p(X)"]
    refused = await ask("infer_facts", facts=["r(a)"], rules=rules, error=True)
    assert refused["details"][0]["path"] == "/rules/0"
    assert "negation through recursion" in refused["message"]


async def test_derivation_stops_at_its_limit_and_says_so(ask: Ask) -> None:
    facts = [f"parent(n{i},n{i + 1})" for i in range(20)]
    found = await ask("infer_facts", facts=facts, rules=ANCESTORS, max_derived=10)
    assert (len(found["derived"]), found["fixpoint"], found["reason"]) == (10, False, "max_derived")

"""The nine tools of reasoning_agent through the official client: every catalogue example, refusals, and "unknown"."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from app.a2a.mcp.core.sisters import Sisters
from app.a2a.mcp.errors import UnavailableError
from app.a2a.mcp.servers import reasoning_agent_mcp_server as menu

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]
Ask = Callable[..., Any]

ANCESTORS = ["ancestor(X,Y) :- parent(X,Y)", "ancestor(X,Z) :- parent(X,Y), ancestor(Y,Z)"]
TRUTH = ["true", "false"]
WET = {
    "theory": ["rain -> wet", "sprinkler -> wet"],
    "observation": "wet",
    "hypotheses": [{"id": "rain", "formula": "rain"}, {"id": "sprinkler", "formula": "sprinkler"}],
}
PIGEONS = [" or ".join(f"in{p}_{h}" for h in range(11)) for p in range(12)]
HOLES = [" and ".join(f"not (in{p}_{h} and in{q}_{h})" for q in range(p)) for h in range(11) for p in range(1, 12)]
"""Twelve pigeons in eleven holes: small to write and far out of reach of a solver that resolves clauses."""


def burglary() -> list[dict[str, Any]]:
    """Russell & Norvig's network."""
    return [
        {"name": "burglary", "states": TRUTH, "cpt": [[0.001, 0.999]]},
        {"name": "earthquake", "states": TRUTH, "cpt": [[0.002, 0.998]]},
        {
            "name": "alarm",
            "states": TRUTH,
            "parents": ["burglary", "earthquake"],
            "cpt": [[0.95, 0.05], [0.94, 0.06], [0.29, 0.71], [0.001, 0.999]],
        },
        {"name": "john", "states": TRUTH, "parents": ["alarm"], "cpt": [[0.9, 0.1], [0.05, 0.95]]},
        {"name": "mary", "states": TRUTH, "parents": ["alarm"], "cpt": [[0.7, 0.3], [0.01, 0.99]]},
    ]


def sprinkler() -> list[dict[str, Any]]:
    """Murphy's network."""
    return [
        {"name": "cloudy", "states": TRUTH, "cpt": [[0.5, 0.5]]},
        {"name": "sprinkler", "states": TRUTH, "parents": ["cloudy"], "cpt": [[0.1, 0.9], [0.5, 0.5]]},
        {"name": "rain", "states": TRUTH, "parents": ["cloudy"], "cpt": [[0.8, 0.2], [0.2, 0.8]]},
        {
            "name": "wet",
            "states": TRUTH,
            "parents": ["sprinkler", "rain"],
            "cpt": [[0.99, 0.01], [0.9, 0.1], [0.9, 0.1], [0.0, 1.0]],
        },
    ]


@pytest.fixture
async def ask(client_for: Connect) -> AsyncIterator[Ask]:
    """`await ask(tool, **arguments)` returns the structured result; `error=True` expects a refusal."""
    async with client_for(menu.server, permissions={"read"}) as client:

        async def call(tool: str, *, error: bool = False, **arguments: Any) -> Any:
            result = await client.call_tool(tool, arguments)
            assert result.is_error is error, result.structured_content
            return result.structured_content["error"] if error else result.structured_content

        call.client = client  # type: ignore[attr-defined]
        yield call


@pytest.fixture
def sister_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(self: Sisters, *_: object, **__: object) -> Any:
        raise UnavailableError("the breaker is open")

    monkeypatch.setattr(Sisters, "call", call)


@pytest.fixture
def sisters_answer(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Sisters that find everything alike, and a chain 0.7 sure; what they were asked."""
    asked: list[tuple[str, str, Mapping[str, Any]]] = []

    async def call(self: Sisters, service: str, tool: str, arguments: Mapping[str, Any], call: object) -> Any:
        asked.append((service, tool, arguments))
        return {"similarity": 0.9, "degraded": False, "confidence": 0.7}

    monkeypatch.setattr(Sisters, "call", call)
    return asked


# 25 decompose_question


async def test_coordinated_question_is_split_and_its_pronoun_resolved(ask: Ask) -> None:
    found = await ask("decompose_question", question="What is photosynthesis and why is it important?")
    assert found["sub_questions"] == [
        {"id": 0, "question": "What is photosynthesis?", "type": "definition", "depends_on": []},
        {"id": 1, "question": "Why is photosynthesis important?", "type": "explanation", "depends_on": [0]},
    ]
    assert (found["total_sub_questions"], found["truncated"]) == (2, False)
    assert found["strategy_used"] == "structural"


async def test_comparison_asks_for_both_sides_first(ask: Ask) -> None:
    found = await ask("decompose_question", question="Compare Redis and Kafka for event streaming")
    assert [(part["question"], part["depends_on"]) for part in found["sub_questions"]] == [
        ("What is Redis for event streaming?", []),
        ("What is Kafka for event streaming?", []),
        ("Compare Redis and Kafka for event streaming", [0, 1]),
    ]
    assert found["sub_questions"][2]["type"] == "comparison"


async def test_more_parts_than_asked_for_are_counted_and_cut(ask: Ask) -> None:
    found = await ask("decompose_question", question="What is a? What is b? What is c?", max_sub_questions=2)
    assert (len(found["sub_questions"]), found["total_sub_questions"], found["truncated"]) == (2, 3, True)


# 26 reasoning_chain_analysis


async def test_sound_chain_is_proved_and_its_strength_bounded(ask: Ask) -> None:
    steps = [
        {"premises": ["p -> q", "p"], "conclusion": "q", "notation": "formula", "confidence": 0.9},
        {"premises": ["step:0", "q -> r"], "conclusion": "r", "notation": "formula", "confidence": 0.8},
    ]
    found = await ask("reasoning_chain_analysis", reasoning_steps=steps)
    assert found["logic_validation"] == {"valid": True, "issues": []}
    assert found["steps_verified"] == {"entailed": 2, "refuted": 0, "unknown": 0, "not_formal": 0, "given": 0}
    strength = found["chain_strength"]
    assert strength == {
        "weakest_link": 0.8,
        "product": pytest.approx(0.72),
        "lower_bound": pytest.approx(0.70),
    }
    assert (found["cycles"], found["identified_gaps"], found["degraded"]) == ([], [], False)


async def test_fallacy_is_refuted_by_a_case_and_a_circle_is_named(ask: Ask) -> None:
    fallacy = [{"premises": ["p -> q", "q"], "conclusion": "p", "notation": "formula"}]
    found = await ask("reasoning_chain_analysis", reasoning_steps=fallacy)
    assert found["logic_validation"]["valid"] is False
    issue = found["logic_validation"]["issues"][0]
    assert (issue["step"], issue["code"]) == (0, "not_entailed")
    assert "p false" in issue["detail"] and "q true" in issue["detail"]
    assert found["improvements"][0]["priority"] == "high"
    assert found["chain_strength"] == {"weakest_link": None, "product": None, "lower_bound": None}
    circle = [{"conclusion": "a", "dependencies": [1]}, {"conclusion": "b", "dependencies": [0]}]
    found = await ask("reasoning_chain_analysis", reasoning_steps=circle)
    assert found["cycles"] == [[0, 1]]
    assert {issue["code"] for issue in found["logic_validation"]["issues"]} == {"circular", "forward_reference"}


TEXT_STEPS = [
    {"type": "observation", "conclusion": "The street is wet", "evidence": ["a photo"]},
    {"dependencies": [0], "conclusion": "Umbrellas sell well today"},
    {"dependencies": [0, 1], "conclusion": "Wet streets sell umbrellas"},
]


async def test_text_jump_is_measured_by_meaning(
    ask: Ask, sisters_answer: list[tuple[str, str, Mapping[str, Any]]]
) -> None:
    found = await ask("reasoning_chain_analysis", reasoning_steps=TEXT_STEPS, assess_confidence=True)
    assert [gap["type"] for gap in found["identified_gaps"]] == []
    assert (found["degraded"], found["confidence"]) == (False, 0.7)
    assert [tool for _, tool, _ in sisters_answer] == ["calculate_text_similarity", "calculate_reasoning_confidence"]
    assert found["steps_verified"]["not_formal"] == 3


async def test_text_jump_is_measured_by_words_when_nobody_answers(ask: Ask, sister_is_away: None) -> None:
    found = await ask("reasoning_chain_analysis", reasoning_steps=TEXT_STEPS, assess_confidence=True)
    assert [(gap["step"], gap["type"]) for gap in found["identified_gaps"]] == [(1, "logical_jump")]
    assert (found["degraded"], found["confidence"]) == (True, None)


async def test_only_what_was_asked_for_is_sent(ask: Ask) -> None:
    found = await ask(
        "reasoning_chain_analysis",
        reasoning_steps=TEXT_STEPS,
        validate_logic=False,
        identify_gaps=False,
        suggest_improvements=False,
    )
    assert set(found) == {"cycles", "chain_strength", "steps_verified", "degraded"}


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


# 31 solve_constraints


async def test_send_more_money_has_one_solution(ask: Ask) -> None:
    digits = {letter: {"type": "int", "min": int(letter in "SM"), "max": 9} for letter in "SENDMORY"}
    equation = "1000*S+100*E+10*N+D + 1000*M+100*O+10*R+E = 10000*M+1000*O+100*N+10*E+Y"
    constraints = ["distinct(S,E,N,D,M,O,R,Y)", equation]
    found = await ask("solve_constraints", variables=digits, constraints=constraints, timeout_ms=10_000)
    assert found["solutions"] == [{"S": 9, "E": 5, "N": 6, "D": 7, "M": 1, "O": 0, "R": 8, "Y": 2}]
    assert (found["status"], found["more_solutions"]) == ("satisfiable", False)


async def test_best_solution_is_proved_best(ask: Ask) -> None:
    variables = {"a": {"type": "int", "min": 0, "max": 4}, "b": {"type": "int", "min": 0, "max": 100}}
    objective = {"sense": "maximize", "expression": "3*a + 4*b"}
    found = await ask("solve_constraints", variables=variables, constraints=["2*a+3*b <= 12"], objective=objective)
    assert (found["status"], found["solutions"], found["objective_value"]) == ("optimal", [{"a": 3, "b": 2}], 17)


async def test_map_of_australia_has_eighteen_colourings(ask: Ask) -> None:
    borders = ["wa-nt", "wa-sa", "nt-sa", "nt-q", "sa-q", "sa-nsw", "sa-v", "q-nsw", "nsw-v"]
    colour = {"type": "enum", "values": ["red", "green", "blue"]}
    variables = dict.fromkeys(["wa", "nt", "sa", "q", "nsw", "v", "t"], colour)
    constraints = [border.replace("-", " != ") for border in borders]
    found = await ask("solve_constraints", variables=variables, constraints=constraints, max_solutions=50)
    assert (len(found["solutions"]), found["more_solutions"]) == (18, False)


async def test_clashing_constraints_are_named(ask: Ask) -> None:
    variables = {"x": {"type": "int", "min": 0, "max": 9}, "b": {"type": "bool"}}
    constraints = ["b", "x > 5", "b -> x < 3", "x != 7"]
    found = await ask("solve_constraints", variables=variables, constraints=constraints)
    assert (found["status"], found["conflict"], found["solutions"]) == ("unsatisfiable", [0, 1, 2], [])


# 32 evaluate_arguments


@pytest.mark.parametrize(
    ("attacks", "semantics", "extensions"),
    [
        ("ab bc", "grounded", [["a", "c"]]),
        ("ab ba", "grounded", [[]]),
        ("ab ba", "preferred", [["a"], ["b"]]),
        ("ab ba", "complete", [[], ["a"], ["b"]]),
        ("ab bc ca", "stable", []),
        ("ab bc ca", "preferred", [[]]),
    ],
)
async def test_reference_frameworks_have_their_extensions(
    ask: Ask, attacks: str, semantics: str, extensions: list[list[str]]
) -> None:
    pairs = [list(pair) for pair in attacks.split()]
    names = sorted(set(attacks) - {" "})
    found = await ask("evaluate_arguments", arguments=names, attacks=pairs, semantics=semantics)
    assert (sorted(found["extensions"]), found["complete"]) == (extensions, True)


async def test_standing_of_each_argument_is_told(ask: Ask) -> None:
    found = await ask("evaluate_arguments", arguments=["a", "b", "c"], attacks=[["a", "b"], ["b", "c"]])
    assert found["status"] == {"a": "accepted", "b": "rejected", "c": "accepted"}
    assert (found["credulous"], found["skeptical"]) == (["a", "c"], ["a", "c"])
    pairs = [[f"{side}{i}", f"{other}{i}"] for i in range(8) for side, other in ("ab", "ba")]
    names = [f"{side}{i}" for i in range(8) for side in "ab"]
    found = await ask("evaluate_arguments", arguments=names, attacks=pairs, semantics="preferred", max_extensions=3)
    assert (len(found["extensions"]), found["complete"], found["reason"]) == (3, False, "max_extensions")
    assert found["status"] is found["skeptical"] is None


# 33 query_bayesian_network


async def test_reference_networks_give_their_published_posteriors(ask: Ask) -> None:
    evidence = {"john": "true", "mary": "true"}
    found = await ask("query_bayesian_network", nodes=burglary(), query=["burglary"], evidence=evidence)
    assert found["posteriors"]["burglary"]["true"] == pytest.approx(0.284172, abs=1e-6)
    assert found["evidence_probability"] == pytest.approx(0.002084100239)
    found = await ask(
        "query_bayesian_network", nodes=sprinkler(), query=["rain", "sprinkler"], evidence={"wet": "true"}
    )
    assert found["posteriors"]["rain"]["true"] == pytest.approx(0.707928, abs=1e-6)
    assert found["posteriors"]["sprinkler"]["true"] == pytest.approx(0.429764, abs=1e-6)


async def test_impossible_evidence_and_oversized_factors_are_refused(ask: Ask) -> None:
    evidence = {"wet": "true", "rain": "false", "sprinkler": "false"}
    refused = await ask("query_bayesian_network", nodes=sprinkler(), query=["rain"], evidence=evidence, error=True)
    assert refused["code"] == "invalid_argument"
    assert "impossible_evidence" in refused["message"]
    causes = [{"name": f"c{i}", "states": TRUTH, "cpt": [[0.5, 0.5]]} for i in range(15)]
    effects = [
        {
            "name": f"e{i}_{j}",
            "states": [str(s) for s in range(20)],
            "parents": [f"c{i}", f"c{j}"],
            "cpt": [[0.05] * 20] * 4,
        }
        for i in range(15)
        for j in range(i)
    ]
    common = {"name": "all", "states": ["0", "1", "2"], "parents": [f"e{i}_{i - 1}" for i in (1, 2, 3, 4)]}
    common["cpt"] = [[0.5, 0.25, 0.25]] * 20**4
    nodes = [*causes, *[e for e in effects if e["name"] in common["parents"]], common]
    found = await ask("query_bayesian_network", nodes=nodes, query=["c0"], evidence={"all": "0"}, error=True)
    assert found["code"] == "limit_exceeded"


# Limits, resources, prompts, completion


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "code"),
    [
        ("check_entailment", {"premises": ["p"], "conclusion": "p and"}, "/conclusion", "invalid_argument"),
        ("check_entailment", {"premises": ["p", "p ** q"], "conclusion": "p"}, "/premises/1", "invalid_argument"),
        ("check_entailment", {"premises": ["not " * 70 + "p"], "conclusion": "p"}, "/premises/0", "limit_exceeded"),
        ("check_entailment", {"premises": ["p"] * 201, "conclusion": "p"}, "/premises", "limit_exceeded"),
        ("check_entailment", {"premises": ["p" * 2001], "conclusion": "p"}, "/premises/0", "limit_exceeded"),
        ("check_entailment", {"premises": ["p(X)"], "conclusion": "q"}, "/premises/0", "invalid_argument"),
        ("check_entailment", {"premises": ["p(a)"], "conclusion": "p(a,b)"}, "/conclusion", "invalid_argument"),
        ("check_entailment", {"premises": [], "conclusion": "p", "timeout_ms": 99}, "/timeout_ms", "invalid_argument"),
        (
            "check_consistency",
            {"statements": [{"id": "a", "formula": "p"}, {"id": "a", "formula": "q"}]},
            "/statements/1/id",
            "invalid_argument",
        ),
        ("infer_facts", {"facts": ["p(X)"], "rules": []}, "/facts/0", "invalid_argument"),
        ("infer_facts", {"facts": ["p(a)"], "rules": [], "query": "p(a,b)"}, "/query", "invalid_argument"),
        (
            "solve_constraints",
            {"variables": {"x": {"type": "int", "min": 0}}, "constraints": []},
            "/variables/x/max",
            "invalid_argument",
        ),
        (
            "solve_constraints",
            {"variables": {"x": {"type": "bool"}}, "constraints": ["__import__"]},
            "/constraints/0",
            "invalid_argument",
        ),
        ("evaluate_arguments", {"arguments": ["a"], "attacks": [["a", "z"]]}, "/attacks/0/1", "invalid_argument"),
        (
            "query_bayesian_network",
            {"nodes": [{"name": "a", "states": TRUTH, "cpt": [[0.5, 0.6]]}], "query": ["a"], "evidence": {}},
            "/nodes/0/cpt/0",
            "invalid_argument",
        ),
        (
            "reasoning_chain_analysis",
            {"reasoning_steps": [{"conclusion": "p", "premises": ["q &"], "notation": "formula"}]},
            "/reasoning_steps/0/premises/0",
            "invalid_argument",
        ),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_where_they_lie(
    ask: Ask, tool: str, arguments: dict[str, Any], path: str, code: str
) -> None:
    refused = await ask(tool, error=True, **arguments)
    assert (refused["code"], refused["details"][0]["path"]) == (code, path)


async def test_all_nine_are_pure_and_their_examples_work(ask: Ask) -> None:
    listed = (await ask.client.list_tools()).tools  # type: ignore[attr-defined]
    assert len(listed) == 9
    assert all(tool.annotations.read_only_hint and tool.annotations.idempotent_hint for tool in listed)
    for name, spec in menu.server.tools.items():
        assert spec.examples
        for example in spec.examples:
            await ask(name, **example)


async def test_resources_show_grammar_examples_and_what_was_done(ask: Ask) -> None:
    async def read(uri: str) -> Any:
        return json.loads((await ask.client.read_resource(uri)).contents[0].text)  # type: ignore[attr-defined]

    guide = await read("reasoning://formula-grammar")
    assert guide["formulas"]["operators_tightest_first"] == ["not", "and", "or", "xor", "->", "<->"]
    for formula in guide["formulas"]["examples"]:
        await ask("check_entailment", premises=[formula], conclusion=formula)
    before = (await read("reasoning://metrics"))["calls"]["infer_facts"].get("ok", 0)
    examples = (await read("reasoning://examples/infer_facts"))["examples"]
    await ask("infer_facts", **examples[0])
    after = await read("reasoning://metrics")
    assert after["calls"]["infer_facts"]["ok"] == before + 1
    assert after["solver"]["loaded"] is True
    with pytest.raises(MCPError, match="no tool is named"):
        await read("reasoning://examples/nonsense")


async def test_tool_names_are_completed(ask: Ask) -> None:
    complete = ask.client.complete  # type: ignore[attr-defined]
    template = ResourceTemplateReference(uri="reasoning://examples/{tool}")
    found = await complete(template, {"name": "tool", "value": "check"})
    assert found.completion.values == ["check_entailment", "check_consistency"]
    prompt = PromptReference(name="reasoning_advisor")
    assert (await complete(prompt, {"name": "problem", "value": "c"})).completion.values == []


async def test_prompts_name_tools_that_exist(ask: Ask) -> None:
    client = ask.client  # type: ignore[attr-defined]
    for name, key in (("reasoning_advisor", "problem"), ("formalize_argument", "text")):
        text = (await client.get_prompt(name, {key: "All men are mortal."})).messages[0].content.text
        assert text.endswith("All men are mortal.")
        verbs = r"\b(?:check|explain|infer|solve|evaluate|query|decompose|reasoning)_\w+"
        named = set(re.findall(verbs, text))
        assert named and named <= set(menu.server.tools)
        with pytest.raises(MCPError, match=key):
            await client.get_prompt(name, {key: "  "})

"""reasoning_agent's menu through the official client: what is refused where, examples, resources, prompts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from app.a2a.mcp.servers import reasoning_agent_mcp_server as menu
from tests.servers.asking import Ask, check_tools_named
from tests.servers.conftest import Asking

pytestmark = pytest.mark.anyio

TRUTH = ["true", "false"]


@pytest.fixture
async def ask(asking: Asking) -> AsyncIterator[Ask]:
    async with asking(menu.server) as ask:
        yield ask


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
    assert await ask.refusal(tool, **arguments) == (code, path)


async def test_all_nine_are_pure_and_their_examples_work(ask: Ask) -> None:
    await ask.check_pure_and_exemplary(menu.server, tools=9)


async def test_resources_show_grammar_examples_and_what_was_done(ask: Ask) -> None:
    read = ask.read

    guide = await read("reasoning://formula-grammar")
    assert guide["formulas"]["operators_tightest_first"] == ["not", "and", "or", "xor", "->", "<->"]
    for formula in guide["formulas"]["examples"]:
        await ask("check_entailment", premises=[formula], conclusion=formula)
    before = (await read("reasoning://metrics"))["calls"]["infer_facts"].get("ok", 0)
    examples = (await read("reasoning://examples/infer_facts"))["examples"]
    await ask("infer_facts", **examples[0])
    after = await read("reasoning://metrics")
    assert after["calls"]["infer_facts"]["ok"] == before + 1
    assert after["solver"]["name"] == "z3" and after["solver"]["memory_mib"] > 0
    with pytest.raises(MCPError, match="no tool is named"):
        await read("reasoning://examples/nonsense")


async def test_tool_names_are_completed(ask: Ask) -> None:
    complete = ask.client.complete
    template = ResourceTemplateReference(uri="reasoning://examples/{tool}")
    found = await complete(template, {"name": "tool", "value": "check"})
    assert found.completion.values == ["check_entailment", "check_consistency"]
    prompt = PromptReference(name="reasoning_advisor")
    assert (await complete(prompt, {"name": "problem", "value": "c"})).completion.values == []


async def test_prompts_name_tools_that_exist(ask: Ask) -> None:
    for name, key in (("reasoning_advisor", "problem"), ("formalize_argument", "text")):
        text = await ask.prompt(name, **{key: "All men are mortal."})
        assert text.endswith("All men are mortal.")
        verbs = r"\b(?:check|explain|infer|solve|evaluate|query|decompose|reasoning)_\w+"
        check_tools_named(menu.server, text, verbs)
        with pytest.raises(MCPError, match=key):
            await ask.prompt(name, **{key: "  "})

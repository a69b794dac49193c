"""Rules against clingo on random programs, proofs replayed, limits and refusals."""

from collections.abc import Sequence

import clingo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.a2a.mcp.domain.reasoning.budget import Budget
from app.a2a.mcp.domain.reasoning.datalog import Inference, infer_facts
from app.a2a.mcp.domain.reasoning.rules import parse_rule
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

PREDICATES = {"e": 2, "f": 1, "g": 1, "r": 2, "s": 1}
VARIABLES = ("X", "Y", "Z")
VALUES = ("a", "b", "c", "1", "2", "-3")


def infer(facts: Sequence[str], rules: Sequence[str], query: str | None = None, most: int = 5000) -> Inference:
    return infer_facts(facts, rules, query, most, Budget(30_000))


def by_clingo(facts: Sequence[str], rules: Sequence[str]) -> set[str]:
    """The one stable model of a stratified program whose text the tests themselves made."""
    control = clingo.Control(["--warn=none"])
    control.add("base", [], "\n".join(f"{line.rstrip('.')}." for line in (*facts, *rules)))
    control.ground([("base", [])])
    with control.solve(yield_=True) as handle:
        model = handle.model()
        assert model is not None
        return {str(symbol) for symbol in model.symbols(atoms=True)}


@st.composite
def atoms(draw: st.DrawFn, terms: Sequence[str]) -> str:
    name = draw(st.sampled_from(sorted(PREDICATES)))
    arguments = [draw(st.sampled_from(terms)) for _ in range(PREDICATES[name])]
    return f"{name}({','.join(arguments)})"


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A safe rule: whatever is not in a positive atom uses only the variables of those."""
    body = draw(st.lists(atoms((*VARIABLES, "a")), min_size=1, max_size=3))
    bound = [variable for variable in VARIABLES if any(variable in atom for atom in body)] or ["a"]
    extra = draw(st.lists(atoms((*bound, "b")).map(lambda atom: f"not {atom}"), max_size=1))
    tests = st.builds(
        "{} {} {}".format,
        st.sampled_from(bound),
        st.sampled_from(["=", "!=", "<", ">="]),
        st.sampled_from([*bound, "2", "b"]),
    )
    extra += draw(st.lists(tests, max_size=1))
    return f"{draw(atoms(bound))} :- {', '.join([*body, *extra])}"


@settings(max_examples=150)
@given(st.lists(atoms(VALUES), max_size=8), st.lists(rules(), max_size=5))
def test_derived_facts_agree_with_clingo_and_proofs_can_be_replayed(facts: list[str], program: list[str]) -> None:
    try:
        found = infer(facts, program)
    except InvalidArgumentError as refused:
        assert "negation through recursion" in refused.message
        return
    assert found.fixpoint
    assert set(found.derived) | set(facts) == by_clingo(facts, program)
    assert not set(found.derived) & set(facts)
    known, everything = set(facts), set(facts) | set(found.derived)
    pending = dict(found.proofs)
    assert set(pending) == set(found.derived)
    while pending:
        ready = [f for f, proof in pending.items() if all(p in known or p.startswith("not ") for p in proof.premises)]
        assert ready, "a proof rests on itself"
        for fact in ready:
            proof = pending.pop(fact)
            assert proof.rule in program
            assert not any(p.removeprefix("not ") in everything for p in proof.premises if p.startswith("not "))
            known.add(fact)


def test_transitive_closure_of_a_long_chain_is_found() -> None:
    facts = [f"e({i},{i + 1})" for i in range(60)]
    found = infer(facts, ["t(X,Y) :- e(X,Y)", "t(X,Z) :- t(X,Y), e(Y,Z)."], "t(58,X)")
    assert (len(found.derived), found.bindings) == (60 * 61 // 2, [{"X": 59}, {"X": 60}])


def test_query_patterns_bind_named_variables_once() -> None:
    facts = ["likes(ann,bob)", "likes(ann,ann)", 'likes("Ann B",bob)', "raining"]
    assert infer(facts, [], "likes(X,X)").bindings == [{"X": "ann"}]
    assert infer(facts, [], "likes(_,X)").bindings == [{"X": "ann"}, {"X": "bob"}]
    assert infer(facts, [], "raining").bindings == [{}]
    assert infer(facts, [], "likes(bob,_)").bindings == []
    assert infer(facts, [], "likes(X,bob)").bindings == [{"X": '"Ann B"'}, {"X": "ann"}]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("p(X) :- not q(X)", "X in the head"),
        ("p(X) :- r(X), not q(Y)", "Y in a negated atom"),
        ("p(X) :- r(X), not q(_)", "_ in a negated atom"),
        ("p(X) :- r(X), X < Y", "Y in a comparison"),
        ("p(X)", "X in the head"),
        ("p(X) :- ", "ends too early"),
        ("p(X) :- r(X), #script", "unexpected '#'"),
        ("P(a)", "unexpected 'P'"),
        ("p(1.5)", "unexpected"),
    ],
)
def test_rules_that_could_mean_anything_are_refused_by_name(rule: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        infer(["r(a)"], [rule])
    assert reason in refused.value.message
    assert refused.value.details[0].path == "/rules/0"


def test_negation_through_recursion_names_the_rule_that_negates() -> None:
    program = ["win(X) :- move(X,Y), lost(Y)", "lost(X) :- pos(X), not win(X)"]
    with pytest.raises(InvalidArgumentError) as refused:
        infer([], program)
    assert refused.value.details[0].path == "/rules/1"


def test_sizes_are_bounded() -> None:
    with pytest.raises(LimitExceededError):
        parse_rule(f"p(a) :- {', '.join(['q(a)'] * 33)}", "")
    with pytest.raises(LimitExceededError):
        parse_rule(f"p({','.join('a' * 17)})", "")


def test_time_bounds_a_join_that_would_never_end() -> None:
    facts = [f"n({i})" for i in range(200)]
    body = ", ".join(f"n(X{i})" for i in range(8))
    found = infer_facts(facts, [f"p(a) :- {body}, X0 > 1000"], None, 10, Budget(200))
    assert (found.fixpoint, found.reason) == (False, "timeout")

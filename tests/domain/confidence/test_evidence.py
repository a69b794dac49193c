"""Evidence, doubts, chains and factors: the published examples, and what must never happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.domain.confidence.attenuation import PENALTIES, attenuate
from app.a2a.mcp.domain.confidence.chain import Step, check_chain, share_sound
from app.a2a.mcp.domain.confidence.evidence import Item, require_known_types, weigh
from app.a2a.mcp.domain.confidence.factors import (
    DEFAULT_WEIGHTS,
    FACTORS,
    Assessed,
    combine,
    explain,
    recommendations,
    simplicity,
    success_rate,
    validation,
    weights_with,
)
from app.a2a.mcp.errors import InvalidArgumentError

ITEMS = st.lists(
    st.builds(
        Item,
        st.sampled_from(["academic", "verified", "unknown", "bare_string"]),
        st.sampled_from([None, "a", "b"]),
        st.none() | st.floats(0, 1),
        st.floats(0, 1),
        st.none() | st.floats(0, 1000),
    ),
    min_size=1,
    max_size=10,
)
VALUES = st.dictionaries(st.sampled_from(FACTORS), st.floats(0, 1), min_size=1)


def assessed(values: dict[str, float]) -> dict[str, Assessed]:
    return {name: Assessed(values[name], "given") if name in values else Assessed(None, "none") for name in FACTORS}


# evidence


def test_weights_of_items_are_averaged_and_corroborate() -> None:
    found = weigh([Item("academic"), Item("verified")])
    assert (found.quality_score, found.corroboration) == (pytest.approx(0.85), pytest.approx(0.98))


def test_old_evidence_halves_and_the_same_source_corroborates_once() -> None:
    old = Item("academic", "x", age_days=365)
    assert weigh([old], 365).quality_score == pytest.approx(0.45)
    assert weigh([old, old], 365).corroboration == pytest.approx(0.45)
    assert weigh([old]).quality_score == pytest.approx(0.9)
    assert (weigh([]).quality_score, weigh([]).corroboration) == (0, 0)


@given(items=ITEMS, half_life=st.none() | st.floats(1, 1000))
def test_item_below_the_mean_lowers_the_mean_and_never_corroboration(
    items: list[Item], half_life: float | None
) -> None:
    before = weigh(items, half_life)
    weak = Item("unknown", "weak", reliability=before.quality_score / 2)
    after = weigh([*items, weak], half_life)
    assert after.quality_score <= before.quality_score
    assert after.corroboration >= before.corroboration - 1e-12
    assert 0 <= after.quality_score <= 1
    assert 0 <= after.corroboration <= 1


def test_unknown_source_type_in_a_table_is_refused() -> None:
    assert weigh([Item("reported")], table=require_known_types({"reported": 0.6})).quality_score == 0.6
    with pytest.raises(InvalidArgumentError) as caught:
        require_known_types({"rumour": 0.1})
    assert caught.value.details[0].path == "/reliability_table/rumour"


# attenuation


def test_penalties_multiply_down_to_the_floor() -> None:
    assert attenuate(0.8, ["missing_evidence"]).adjusted == pytest.approx(0.68)
    assert attenuate(0.8, ["missing_evidence"]).total_penalty == pytest.approx(0.15)
    assert attenuate(0.8, ["contradictory_evidence", "limited_data"]).adjusted == pytest.approx(0.476)
    low = attenuate(0.06, ["contradictory_evidence", "weak_inference"])
    assert (low.adjusted, low.floored) == (0.05, True)
    twice = attenuate(0.8, ["missing_evidence", "missing_evidence"])
    assert (twice.adjusted, twice.duplicates) == (pytest.approx(0.68), ["missing_evidence"])
    assert attenuate(0.8, ["mine"], {"mine": 0.5}).impacts == {"mine": 0.5}


@given(
    base=st.floats(0, 1),
    names=st.lists(st.sampled_from(list(PENALTIES)), max_size=20),
    floor=st.floats(0, 1),
)
def test_confidence_is_never_raised_and_order_does_not_matter(base: float, names: list[str], floor: float) -> None:
    found = attenuate(base, names, floor=floor)
    assert found.adjusted <= base
    assert found.adjusted >= min(base, floor)
    assert attenuate(base, names[::-1], floor=floor).adjusted == pytest.approx(found.adjusted)


@pytest.mark.parametrize(
    ("names", "custom", "path"),
    [(["bad_mood"], {}, "/uncertainty_factors/0"), ([], {"mising_evidence": 0.5}, "/custom_penalties/mising_evidence")],
)
def test_unknown_doubts_are_refused(names: list[str], custom: dict[str, float], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        attenuate(0.5, names, custom)
    assert caught.value.details[0].path == path


# chain


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step(" "), "blank"),
        (Step("q", ["step:1"]), "bad_reference"),
        (Step("q", dependencies=[5]), "bad_reference"),
        (Step("q", dependencies=[-1]), "bad_reference"),
        (Step("It rains", ["it RAINS "]), "circular"),
        (Step("q"), "unsupported"),
    ],
)
def test_faulty_step_is_found_and_the_other_stands(step: Step, code: str) -> None:
    chain = [Step("p", kind="observation"), step]
    issues = check_chain(chain)
    assert [(issue.step, issue.code) for issue in issues] == [(1, code)]
    assert share_sound(chain, issues) == 0.5


def test_grounded_steps_are_sound() -> None:
    chain = [Step("p", kind="assumption"), Step("q", ["step:0"]), Step("r", evidence=1), Step("s", bare=True)]
    assert check_chain(chain) == []


# factors


def test_weighted_mean_is_as_published() -> None:
    values = dict(zip(FACTORS, [0.85, 1, 0.5, 0.75, 1, 0.7], strict=True))
    found = combine(assessed(values), DEFAULT_WEIGHTS)  # type: ignore[arg-type]
    assert (found.confidence, found.coverage) == (pytest.approx(0.795), pytest.approx(1.0))
    values = {"evidence_quality": 0.85, "historical_success": success_rate(8, 10)}
    found = combine(assessed(values), DEFAULT_WEIGHTS)  # type: ignore[arg-type]
    assert (found.confidence, found.coverage) == (pytest.approx(0.8125), pytest.approx(0.40))
    assert "40%" in explain(found)
    assert recommendations(found)[0].startswith("logical_consistency was not assessed")


@given(values=VALUES)
def test_confidence_lies_between_its_factors_and_within_bounds(values: dict[str, float]) -> None:
    found = combine(assessed(values), DEFAULT_WEIGHTS, (0.2, 0.6))  # type: ignore[arg-type]
    assert min(values.values()) - 1e-12 <= found.unbounded <= max(values.values()) + 1e-12
    assert 0.2 <= found.confidence <= 0.6
    assert sum(share.contribution for share in found.shares) == pytest.approx(found.unbounded)


def test_custom_weights_have_an_effect_and_unknown_ones_are_refused() -> None:
    values = assessed({"evidence_quality": 1.0, "historical_success": 0.0})
    heavy = combine(values, weights_with({"evidence_quality": 1.35}))  # type: ignore[arg-type]
    assert heavy.unbounded == pytest.approx(0.9)
    for custom, path in [({"luck": 1.0}, "/custom_weights/luck"), (dict.fromkeys(FACTORS, 0.0), "/custom_weights")]:
        with pytest.raises(InvalidArgumentError) as caught:
            weights_with(custom)  # type: ignore[arg-type]
        assert caught.value.details[0].path == path


def test_nothing_assessed_is_no_confidence() -> None:
    with pytest.raises(InvalidArgumentError):
        combine(assessed({}), DEFAULT_WEIGHTS)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        combine(assessed({"evidence_quality": 1.0}), weights_with({"evidence_quality": 0}))  # type: ignore[arg-type]


def test_derived_factors_follow_their_formulas() -> None:
    assert [simplicity(n) for n in (1, 10, 25, 40, 400)] == pytest.approx([1, 1, 0.65, 0.3, 0.3])
    assert (success_rate(0, 0), success_rate(8, 10)) == (0.5, 0.75)
    assert validation(1, 0.5, 0.5, 0.5) == pytest.approx(0.35)
    assert validation(None, 0.5, None, None) == pytest.approx(0.5)
    assert validation(None, None, None, 1) is None
    with pytest.raises(InvalidArgumentError):
        success_rate(3, 2)

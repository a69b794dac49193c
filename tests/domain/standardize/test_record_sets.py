"""Quality, harmonizing and deduplication: counted by hand, checked against other implementations, bounded in time."""

import random
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from app.a2a.mcp.domain.expressions import parse_condition
from app.a2a.mcp.domain.standardize.assignment import best_pairs
from app.a2a.mcp.domain.standardize.deduplicate import MAX_FIELD_SCORES, MatchField, Matching, find_duplicates
from app.a2a.mcp.domain.standardize.harmonize import FieldShape, SourceSchema, align
from app.a2a.mcp.domain.standardize.quality import Questions, assess, parse_time, weights_of
from app.a2a.mcp.domain.standardize.rules import Rule
from app.a2a.mcp.domain.standardize.similarity import COMPARATORS, Comparator
from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

RECORDS = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "xy", None, 1]), max_size=3),
    min_size=1,
    max_size=8,
)


def shapes(*fields: tuple[str, str]) -> list[FieldShape]:
    return [FieldShape(name, kind) for name, kind in fields]


# Quality


@given(RECORDS)
def test_completeness_is_filled_cells_of_all_cells(records: list[dict[str, Any]]) -> None:
    names = {name for record in records for name in record}
    filled = sum(record.get(name) not in (None, "") for record in records for name in names)
    found = assess(records, Questions(("completeness",)))
    score = found.scores["completeness"]
    assert (score.numerator, score.denominator) == (filled, len(names) * len(records))
    assert len(found.issues) == len(names) * len(records) - filled


def test_timeliness_counts_what_is_neither_old_nor_from_the_future() -> None:
    times = ["2025-01-01", "2025-01-20T00:00:00+01:00", "2025-02-01", "soon", None]
    records = [{"at": moment} for moment in times]
    questions = Questions(
        ("timeliness",), timestamp_field="at", max_age_days=14, reference_time=parse_time("2025-01-25")
    )
    found = assess(records, questions)
    assert (found.scores["timeliness"].numerator, found.scores["timeliness"].denominator) == (1, 5)
    assert [issue.record for issue in found.issues] == [0, 2, 3, 4]


def test_newest_record_is_now_where_none_was_given() -> None:
    records = [{"at": "2025-01-01"}, {"at": "2025-01-31"}]
    found = assess(records, Questions(("timeliness",), timestamp_field="at", max_age_days=10))
    assert found.scores["timeliness"].score == 0.5


def test_accuracy_compares_with_the_reference_record_of_the_same_key() -> None:
    questions = Questions(
        ("accuracy",), key_fields=("id",), reference_dataset=[{"id": 1, "a": 1, "b": 2}, {"id": 2, "a": 3}]
    )
    found = assess([{"id": 1, "a": 1, "b": 9}, {"id": 2, "a": 3}, {"id": 7, "a": 0}], questions)
    assert (found.scores["accuracy"].numerator, found.scores["accuracy"].denominator) == (2, 3)
    with pytest.raises(InvalidArgumentError):
        assess([{}], Questions(("accuracy",), reference_dataset=[{}]))


def test_consistency_counts_rules_that_hold() -> None:
    rules = [Rule("r", parse_condition("a < b")), Rule("note", parse_condition("a > 0"), "info")]
    found = assess([{"a": 1, "b": 2}, {"a": -3, "b": -4}, {"a": "x", "b": 1}], Questions(("consistency",), rules=rules))
    assert (found.scores["consistency"].numerator, found.scores["consistency"].denominator) == (1, 3)
    assert len(found.issues) == 4


def test_error_of_a_whole_record_costs_all_its_cells() -> None:
    schema = {"properties": {"a": {}, "b": {}}, "additionalProperties": False, "maxProperties": 2}
    found = assess([{"a": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}], Questions(("validity",), schema=schema))
    assert (found.scores["validity"].numerator, found.scores["validity"].denominator) == (1, 5)


def test_weight_of_what_is_not_assessed_is_shared_out() -> None:
    found = assess([{"a": 1}], Questions())
    weights = weights_of(found.scores, {})
    assert weights == {"completeness": pytest.approx(0.25 / 0.3), "uniqueness": pytest.approx(0.05 / 0.3)}
    assert weights_of(found.scores, {"uniqueness": 0})["completeness"] == 1.0
    assert weights_of({}, {}) == {}


def test_largest_data_set_and_rules_are_bounded_in_time() -> None:
    records = [{f"f{(row + column) % 4000}": "x" for column in range(20)} for row in range(5000)]
    rules = [Rule(str(i), parse_condition("f1 == 'x' or f2 == 'y'")) for i in range(50)]
    began = time.process_time()
    found = assess(records, Questions(rules=rules))
    assert time.process_time() - began < 12
    assert found.truncated
    long = parse_condition(" and ".join(["a"] * 80))
    with pytest.raises(LimitExceededError):
        assess(records, Questions(("consistency",), rules=[Rule(str(i), long) for i in range(50)]))


# Harmonizing


def test_best_assignment_is_not_the_greedy_one() -> None:
    assert best_pairs(np.array([[0.9, 0.8], [0.85, 0.1]])) == [(0, 1), (1, 0)]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_assignment_is_as_good_as_scipys(rows: int, columns: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, (rows, columns)) / 4
    pairs = best_pairs(scores)
    best = scores[linear_sum_assignment(scores, maximize=True)].sum() if scores.size else 0
    assert sum(scores[pair] for pair in pairs) == pytest.approx(best)
    assert len(pairs) == min(rows, columns)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)


def test_fields_line_up_by_name_type_and_meaning() -> None:
    one = SourceSchema("a", shapes(("zip", "string"), ("custName", "string")))
    two = SourceSchema("b", shapes(("postal_code", "string"), ("customer_name", "varchar")))
    groups = align([one, two], None, 0.7, {})
    assert [[member.field.name for member in group.members] for group in groups] == [
        ["zip"],
        ["custName", "customer_name"],
        ["postal_code"],
    ]
    meaning = {("zip", "postal code"): 0.8, ("postal code", "zip"): 0.8}
    assert [len(group.members) for group in align([one, two], None, 0.7, meaning)] == [2, 2]


def test_largest_schemas_are_bounded_in_time() -> None:
    words = random.Random(7)
    schemas = [
        SourceSchema(str(n), shapes(*((f"{words.randrange(10**9)}_field_{i}", "string") for i in range(200))))
        for n in range(10)
    ]
    began = time.process_time()
    groups = align(schemas, None, 0.7, {})
    assert time.process_time() - began < 12
    assert all(len({member.schema for member in group.members}) == len(group.members) for group in groups)


# Deduplication


def test_fields_missing_in_either_record_do_not_count() -> None:
    records = [{"n": "anna", "p": "1"}, {"n": "anna"}, {"n": None, "p": ""}]
    found = find_duplicates(records, Matching([MatchField("n"), MatchField("p", "exact")], 0.9))
    assert [(pair.a, pair.b, pair.score, pair.field_scores) for pair in found.pairs] == [
        (0, 1, 1.0, {"n": 1.0, "p": None})
    ]


@pytest.mark.parametrize(
    ("comparator", "one", "other", "score"),
    [
        ("exact", {"a": 1}, {"a": 1}, 1.0),
        ("exact", 1, True, 0.0),
        ("jaro_winkler", "MARTHA", "marhta", 0.961111),
        ("levenshtein", "kitten", "sitting", 1 - 3 / 7),
        ("token_set", "Ann Lee", "lee  ann", 1.0),
        ("numeric", 100, "90", 0.9),
        ("numeric", 0, 0.0, 1.0),
        ("numeric", -1e308, 1e308, 0.0),
        ("date", "2025-01-01", "2025-01-16", 0.5),
        ("date", "2025-01-01", "2026-01-01", 0.0),
    ],
)
def test_comparators_score_as_defined(comparator: Comparator, one: Any, other: Any, score: float) -> None:
    found = find_duplicates([{"v": one}, {"v": other}], Matching([MatchField("v", comparator)], 0.0))
    assert found.pairs[0].score == pytest.approx(score, abs=1e-6)


@given(RECORDS, st.sampled_from(COMPARATORS), st.floats(0, 1))
def test_clusters_are_the_connected_parts_of_the_pairs(
    records: list[dict[str, Any]], comparator: Comparator, threshold: float
) -> None:
    found = find_duplicates([*records, {}], Matching([MatchField("a", comparator), MatchField("b")], threshold))
    sets = {index: {index} for index in range(len(records) + 1)}
    for pair in found.pairs:
        joined = sets[pair.a] | sets[pair.b]
        sets.update(dict.fromkeys(joined, joined))
    assert {tuple(sorted(s)) for s in sets.values() if len(s) > 1} == {tuple(c.members) for c in found.clusters}
    assert all(cluster.representative in cluster.members for cluster in found.clusters)


def test_survivor_is_chosen_as_asked() -> None:
    records = [{"n": "x", "t": "2025-01-01"}, {"n": "x", "t": "2025-03-01"}, {"n": "x", "t": "", "m": 1, "o": 2}]
    fields = [MatchField("n")]
    chosen = {
        how: find_duplicates(records, Matching(fields, 0.9, (), how, "t")).clusters[0].representative  # type: ignore[arg-type]
        for how in ("first", "most_complete", "latest")
    }
    assert chosen == {"first": 0, "most_complete": 2, "latest": 1}
    with pytest.raises(InvalidArgumentError):
        find_duplicates(records, Matching(fields, 0.9, (), "latest"))


def test_blocks_keep_records_apart_and_bound_the_work() -> None:
    records = [{"n": "same", "city": city} for city in ("Rome", "rome ", "Oslo")]
    found = find_duplicates(records, Matching([MatchField("n")], 0.9, ("city",)))
    assert ([cluster.members for cluster in found.clusters], found.comparisons) == ([[0, 1]], 1)
    many = [{"n": str(i)} for i in range(2001)]
    with pytest.raises(LimitExceededError):
        find_duplicates(many, Matching([MatchField("n")], 0.9))
    with pytest.raises(LimitExceededError):
        find_duplicates(many[:2000], Matching([MatchField(f"f{i}", "token_set") for i in range(20)], 0.9))


@pytest.mark.parametrize("text", ["same text in every record", None])
def test_most_records_are_bounded_in_time(text: str | None) -> None:
    words = random.Random(3)
    records = [{f"f{i}": text or "".join(words.choices("abcdef ", k=22)) for i in range(20)} for _ in range(2000)]
    began = time.process_time()
    found = find_duplicates(records, Matching([MatchField(f"f{i}") for i in range(20)], 0.95))
    assert time.process_time() - began < 15
    assert found.pairs_truncated is (text is not None)
    assert len(found.pairs) == (MAX_FIELD_SCORES // 20 if text else 0)

"""Largest inputs of data_standardization."""

from typing import Any

from tests.largest.material import WORDS, generator, prose

DATES = ["03/04/2025", "2009-W01-1", "4 March 2025", "1981-095", "31.12.1999 23:59:59", "2025-02-29", "12/31/99"]
RULES = [{"rule_id": f"r{i}", "condition": "not (" + " and ".join(["f1 >= f0"] * 4) + ")"} for i in range(50)]
SCHEMA = {
    "type": "object",
    "required": ["f0", "f1"],
    "properties": {f"f{i}": {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"} for i in range(20)},
}


def records(count: int, fields: int, characters: int) -> list[dict[str, str]]:
    """Records whose cells are that long."""
    draw = generator("records")
    return [{f"f{i}": prose(draw, characters) for i in range(fields)} for _ in range(count)]


def wide() -> dict[str, Any]:
    """As many cells as a body holds, each of the type that costs most to read."""
    draw = generator("wide")
    items = [{f"f{i}": draw.choice(DATES) for i in range(200)} for _ in range(240)]
    return {"data_type": "record", "items": items, "options": {"field_rules": {f"f{i}": DATE for i in range(200)}}}


DATE = {"type": "date", "order": "DMY"}


def places() -> list[dict[str, str]]:
    draw = generator("places")
    return [{"country": prose(draw, 300), "state": prose(draw, 300), "city": prose(draw, 300)} for _ in range(1000)]


def schemas() -> list[dict[str, Any]]:
    draw = generator("schemas")
    names = [f"{draw.choice(WORDS)}_{draw.choice(WORDS)}_{i}" for i in range(200)]
    kinds = ["string", "integer", "number", "date"]
    described = prose(draw, 400)
    return [
        {
            "name": f"s{k}",
            "fields": {f"{name}{k}": {"type": draw.choice(kinds), "description": described} for name in names},
        }
        for k in range(10)
    ]


def people() -> dict[str, Any]:
    draw = generator("people")
    made = [{f"f{i}": f"{draw.choice(WORDS)} {draw.randrange(9999)}" for i in range(20)} for _ in range(2000)]
    kinds = ["jaro_winkler", "levenshtein", "token_set", "numeric"]
    fields = [{"name": f"f{i}", "comparator": kinds[i % len(kinds)]} for i in range(20)]
    return {"records": made, "fields": fields, "threshold": 0.0}


def values(text: str) -> list[str]:
    """A thousand values of a thousand characters that begin well."""
    return [(text * (1000 // len(text) + 1))[:1000] for _ in range(1000)]


LARGEST = {
    "standardize_data": wide,
    "batch_standardize": lambda: {"batches": {"location": places()}},
    "validate_standardization": lambda: {"standardized_items": records(1000, 20, 40), "schema": SCHEMA, "rules": RULES},
    "assess_data_quality": lambda: {"dataset": records(5000, 4, 40), "schema": SCHEMA, "rules": RULES},
    "harmonize_schemas": lambda: {"source_schemas": schemas(), "use_semantics": True, "min_score": 0.0},
    "standardize_dates": lambda: {"values": values("3 March 2025 12:00 "), "order": "DMY"},
    "standardize_amounts": lambda: {"values": values("1,234"), "locale": "en_US"},
    "standardize_units": lambda: {"values": values("1 kg*m/s^2/"), "target_system": "si"},
    "standardize_contact_points": lambda: {"values": values("http://a.example/%7e/../"), "kind": "url"},
    "standardize_locations": lambda: {"values": values("Germny "), "fuzzy": True, "languages": ["en", "de", "fr"]},
    "standardize_identifiers": lambda: {"values": values("GB82 WEST 1234 5698 7654 32"), "scheme": "iban"},
    "deduplicate_records": people,
}

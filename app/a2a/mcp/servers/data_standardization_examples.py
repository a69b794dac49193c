"""Argument objects that the record tools of data_standardization take as they stand: docs and tests call them."""

from collections.abc import Mapping
from typing import Any

Examples = tuple[Mapping[str, Any], ...]

STANDARDIZE: Examples = (
    {"data_type": "location", "items": [{"country": "Deutschland", "state": "Bayern", "city": "  München "}]},
    {"data_type": "account", "items": [{"raw_value": "Assets → Current Assets → Cash"}]},
    {
        "data_type": "record",
        "items": [{"born": "03/04/2025"}],
        "options": {"field_rules": {"born": {"type": "date", "order": "DMY"}}},
    },
)
BATCH: Examples = (
    {"batches": {"location": [{"country": "FR"}], "account": [{"raw_value": "Liabilities → Loans"}]}},
    {"batches": {"location": [{"country": ""}, {"country": None}]}, "quality_threshold": 0.6},
)
VALIDATE: Examples = (
    {
        "standardized_items": [{"id": 1}, {"id": 0}, {}],
        "schema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}},
    },
    {
        "standardized_items": [{"start": 5, "end": 3}],
        "schema": {"type": "object"},
        "rules": [{"rule_id": "order", "condition": "end >= start"}],
    },
)
ASSESS: Examples = (
    {
        "dataset": [
            {"id": 1, "email": "a@x.org", "age": 30},
            {"id": 2, "email": "", "age": 41},
            {"id": 2, "email": "b@x.org", "age": -5},
            {"id": 4, "email": "not-an-email", "age": 22},
        ],
        "schema": {"properties": {"email": {"format": "email"}, "age": {"minimum": 0, "maximum": 150}}},
        "key_fields": ["id"],
    },
)
HARMONIZE: Examples = (
    {
        "source_schemas": [
            {"name": "crm", "fields": {"cust_name": {"type": "string"}, "e_mail": {"type": "string"}}},
            {"name": "shop", "fields": {"customer_name": {"type": "string"}, "email": {"type": "string"}}},
        ]
    },
)
DEDUPLICATE: Examples = (
    {
        "records": [{"name": "MARTHA"}, {"name": "MARHTA"}, {"name": "DIXON"}, {"name": "DICKSONX"}],
        "fields": [{"name": "name"}],
        "threshold": 0.9,
    },
)

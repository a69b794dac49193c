"""What a customer is, for standardize_customers.py: the fields, what is right in each, and who is the same customer.

Change this file, and the rules of `standardize_country` there, to clean a file of your own.
"""

from typing import Any

Record = dict[str, Any]

CONVENTIONS = {
    "DE": ("de_DE", "DMY", "EUR"),
    "FR": ("fr_FR", "DMY", "EUR"),
    "GB": ("en_GB", "DMY", "GBP"),
    "US": ("en_US", "MDY", "USD"),
}
"""Locale of numbers and month names, order of numeric dates and currency, by country: extend it for your customers."""

GIVEN = ("name", "phone", "email", "customer_since", "last_order", "balance", "weight", "country")
CLEAN = (*GIVEN[:6], "currency", "weight", "country")
SCHEMA: Record = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "phone": {"pattern": r"^\+[1-9][0-9]{6,14}$"},
        "email": {"format": "email"},
        "customer_since": {"format": "date"},
        "last_order": {"format": "date"},
        "balance": {"pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
        "weight": {"type": "number", "exclusiveMinimum": 0},
        "country": {"pattern": "^[A-Z]{2}$"},
    },
}
RULES = [{"rule_id": "order_follows_sign_up", "condition": "last_order >= customer_since"}]
MATCH_BY = [
    {"name": "phone", "comparator": "exact", "weight": 3},
    {"name": "email", "comparator": "exact", "weight": 3},
    {"name": "name", "comparator": "token_set", "weight": 1},
]

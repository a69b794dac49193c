"""What the prompt of data_standardization says: which tools to call for a sample of data."""

import json

from app.a2a.mcp.errors import InvalidArgumentError

MAX_SAMPLE = 20_000

GOALS = {
    "overview": "Find out what is in it: call assess_data_quality first and read the issues, then standardize_data.",
    "clean": "Bring it to canonical form: call standardize_data with the data_type that fits (record with field_rules "
    "where none does), read each item's issues, and ask the user about every ambiguous value instead of choosing.",
    "validate": "Check it: write a JSON Schema and cross-field rules for it and call validate_standardization; "
    "standard types have their own schema, so give data_type instead.",
    "merge": "Merge it: call harmonize_schemas for the fields, standardize_data so that equal things look equal, then "
    "deduplicate_records with blocking_fields, and check pairs near the threshold by hand.",
}
"""What can be wanted, each with the words that ask for it."""


def advice(data_sample: str, goal: str) -> str:
    """The message for a goal. Raises InvalidArgumentError for a sample that is no JSON."""
    if goal not in GOALS:
        raise InvalidArgumentError.at("/goal", f"must be one of {', '.join(GOALS)}")
    if len(data_sample) > MAX_SAMPLE:
        raise InvalidArgumentError.at("/data_sample", f"must have at most {MAX_SAMPLE} characters: a few records do")
    try:
        sample = json.loads(data_sample)
    except (ValueError, RecursionError):
        raise InvalidArgumentError.at("/data_sample", 'must be JSON text, such as [{"country": "FR"}]') from None
    return (
        f"{GOALS[goal]} For single columns there are standardize_dates, standardize_amounts, standardize_units, "
        "standardize_contact_points, standardize_locations and standardize_identifiers; many lists at once go to "
        f"batch_standardize.\n\nThe data:\n{json.dumps(sample, ensure_ascii=False)}"
    )

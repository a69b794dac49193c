"""A validator's findings in our words: where, what, and what would do; never the value, never a library's URL."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.a2a.mcp.errors import A2AError, Detail, InvalidArgumentError, LimitExceededError

MAX_DETAILS = 20

REASONS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not an argument here",
    "unexpected_keyword_argument": "is not an argument here",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_unicode": "must be valid Unicode",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
}

LIMITS = frozenset({"too_long", "string_too_long"})


def refusal_of(error: ValidationError, arguments: object) -> A2AError:
    """The refusal for arguments that do not fit: limit_exceeded where they are only too large."""
    found = error.errors(include_url=False, include_input=False)
    details = list(_details(found, arguments))
    message = "; ".join(f"{detail.path or '/'} {detail.reason}" for detail in details[:3])
    if len(found) > 3:
        message += f"; and {len(found) - 3} more"
    if all(item["type"] in LIMITS for item in found):
        return LimitExceededError(message, details)
    return InvalidArgumentError(message, details)


def _details(found: Iterable[ErrorDetails], arguments: object) -> Iterable[Detail]:
    seen: dict[Detail, None] = {}
    for item in found:
        seen.setdefault(Detail(_pointer(item, arguments), _reason(item)), None)
        if len(seen) == MAX_DETAILS:
            break
    return seen


def _reason(item: ErrorDetails) -> str:
    context = item.get("ctx", {})
    if item["type"] == "value_error":
        return str(context.get("error", "is not acceptable"))
    template = REASONS.get(item["type"])
    return template.format(**context) if template else "is not acceptable"


def _pointer(item: ErrorDetails, arguments: Any) -> str:
    """A JSON Pointer (RFC 6901) from a validator's location, which also names union branches: those are left out."""
    location, absent = item["loc"], item["type"] == "missing"
    parts: list[str] = []
    node = arguments
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(node, Mapping) and isinstance(part, str) and (part in node or (last and absent)):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int):
            node = node[part] if part < len(node) else None
        else:
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1")[:100])
    return "".join(f"/{part}" for part in parts)

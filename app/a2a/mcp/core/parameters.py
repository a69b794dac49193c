"""The parameters of a request, looked at before the SDK does: it says "Invalid request parameters" and not which."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.a2a.mcp.errors import Detail, InvalidArgumentError

TEXT, OBJECT = "a string", "an object"
KINDS: Mapping[str, type] = {TEXT: str, OBJECT: dict}

REQUIRED: Mapping[str, Mapping[str, str]] = {
    "tools/call": {"name": TEXT},
    "prompts/get": {"name": TEXT},
    "resources/read": {"uri": TEXT},
    "completion/complete": {"ref": OBJECT, "argument": OBJECT},
}
OPTIONAL: Mapping[str, Mapping[str, str]] = {
    "tools/call": {"arguments": OBJECT},
    "prompts/get": {"arguments": OBJECT},
}


def check_parameters(message: Mapping[str, Any]) -> None:
    """Raises InvalidArgumentError that names each parameter of the request that is missing or of another type."""
    params = message.get("params", {})
    details = tuple(_problems(message.get("method"), params))
    if details:
        raise InvalidArgumentError("; ".join(f"{one.path}: {one.reason}" for one in details), details)


def _problems(method: object, params: object) -> Iterator[Detail]:
    if not isinstance(method, str) or method not in REQUIRED:
        return
    if not isinstance(params, dict):
        yield Detail("/params", "must be an object")
        return
    for name, kind in REQUIRED[method].items():
        if name not in params:
            yield Detail(f"/params/{name}", f"is required: {kind}")
        elif not isinstance(params[name], KINDS[kind]):
            yield Detail(f"/params/{name}", f"must be {kind}")
    for name, kind in OPTIONAL.get(method, {}).items():
        if params.get(name) is not None and not isinstance(params[name], KINDS[kind]):
            yield Detail(f"/params/{name}", f"must be {kind}")

"""Parameters of requests: each that is missing or of another type is named, the rest is left to the SDK."""

from typing import Any

import pytest

from app.a2a.mcp.core.parameters import check_parameters
from app.a2a.mcp.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("method", "params", "paths"),
    [
        ("tools/call", [], ["/params"]),
        ("tools/call", {}, ["/params/name"]),
        ("tools/call", {"name": 1, "arguments": "x"}, ["/params/name", "/params/arguments"]),
        ("prompts/get", {"name": "p", "arguments": [1]}, ["/params/arguments"]),
        ("resources/read", {"uri": None}, ["/params/uri"]),
        ("completion/complete", {"ref": "p"}, ["/params/ref", "/params/argument"]),
    ],
)
def test_what_is_missing_or_of_another_type_is_named(method: str, params: Any, paths: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        check_parameters({"method": method, "params": params})
    assert [detail.path for detail in refused.value.details] == paths
    assert all(detail.reason in refused.value.message for detail in refused.value.details)


@pytest.mark.parametrize(
    "message",
    [
        {"method": "tools/call", "params": {"name": "t"}},
        {"method": "tools/call", "params": {"name": "t", "arguments": None}},
        {"method": "tools/list"},
        {"method": "no/such", "params": 1},
        {"result": {}},
    ],
)
def test_the_rest_passes(message: dict[str, Any]) -> None:
    check_parameters(message)

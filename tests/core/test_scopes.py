"""Challenges and the RFC 9728 document."""

from collections.abc import Callable

from app.a2a.mcp.core.scopes import (
    insufficient_scope_headers,
    is_limited,
    is_open,
    protected_resource_metadata,
    protected_resource_url,
    unauthenticated_headers,
)
from app.a2a.mcp.core.settings import Settings


def test_the_metadata_names_the_resource_and_its_scopes(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(mcp_public_url="https://fleet.example")
    assert protected_resource_metadata(settings, "sample") == {
        "resource": "https://fleet.example/sample/mcp",
        "resource_name": "a2a-mcp sample",
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    }
    expected = "https://fleet.example/.well-known/oauth-protected-resource/sample/mcp"
    assert protected_resource_url(settings, "sample") == expected
    assert protected_resource_url(make_settings(), "sample") is None


def test_a_missing_permission_is_named_with_all_that_a_client_needs(make_settings: Callable[..., Settings]) -> None:
    (header,) = insufficient_scope_headers(make_settings(mcp_public_url="https://f.example"), "sample", "write")
    assert header == (
        b"www-authenticate",
        b'Bearer error="insufficient_scope", error_description="this call needs the permission write", '
        b'scope="write", resource_metadata="https://f.example/.well-known/oauth-protected-resource/sample/mcp"',
    )


def test_a_description_cannot_break_out_of_its_quotes(make_settings: Callable[..., Settings]) -> None:
    (header,) = unauthenticated_headers(make_settings(), "sample", "invalid_token", 'a"b\\c\r\nX: é')
    assert header[1] == b"Bearer error=\"invalid_token\", error_description=\"a'b'c''X: '\""


def test_only_calls_count_against_a_budget() -> None:
    assert is_limited("/mcp") and is_limited("/anything")
    for path in ("/livez", "/readyz", "/health", "/metrics", "/circuit-breakers", "/circuit-breakers/reset"):
        assert not is_limited(path)
    assert is_open("/livez") and not is_open("/metrics") and not is_open("/mcp")

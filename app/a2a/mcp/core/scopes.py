"""Who may reach what: the paths that are open, the permissions there are, and how a refusal names the missing one.

Challenges follow RFC 6750 §3 and point at the metadata document of RFC 9728.
"""

from collections.abc import Mapping

from app.a2a.mcp.core.settings import Settings

PERMISSIONS = ("read", "write")
"""Every permission a credential may carry; `write` does not imply `read`."""

METADATA_PREFIX = "/.well-known/oauth-protected-resource"
OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Answered to anybody: liveness and readiness tell nothing but that."""

OPS_PATHS = frozenset({"/health", "/metrics", "/circuit-breakers", "/openapi.json"})
"""Read without a credential from the networks in MCP_OPS_NETWORKS; never counted against a client's budget."""

WRITE_PATHS = frozenset({"/circuit-breakers/reset"})

Headers = list[tuple[bytes, bytes]]


def is_open(path: str) -> bool:
    """Whether anybody may read the path: liveness, readiness and the metadata a client needs to find credentials."""
    return path in OPEN_PATHS or path.startswith(METADATA_PREFIX)


def is_limited(path: str) -> bool:
    """Whether a call of the path counts against its caller's budget."""
    return not (is_open(path) or path in OPS_PATHS or path in WRITE_PATHS)


def protected_resource_url(settings: Settings, service: str) -> str | None:
    """Where the service's RFC 9728 document is, or None where no public URL is set."""
    base = settings.mcp_public_url.rstrip("/")
    return f"{base}{METADATA_PREFIX}/{service}/mcp" if base else None


def protected_resource_metadata(settings: Settings, service: str) -> dict[str, object]:
    """The service's RFC 9728 document; the operator gives out credentials, so it names no authorization server."""
    base = settings.mcp_public_url.rstrip("/")
    return {
        "resource": f"{base}/{service}/mcp",
        "resource_name": f"a2a-mcp {service}",
        "scopes_supported": list(PERMISSIONS),
        "bearer_methods_supported": ["header"],
    }


def unauthenticated_headers(settings: Settings, service: str, error: str | None, text: str) -> Headers:
    """The challenge of a 401; `error` is None where no credential was sent (RFC 6750 §3: then no error code)."""
    parameters = {} if error is None else {"error": error, "error_description": text}
    return _challenge(settings, service, parameters)


def insufficient_scope_headers(settings: Settings, service: str, permission: str) -> Headers:
    """The challenge of a 403: which permission the call needs (RFC 6750 §3.1)."""
    text = f"this call needs the permission {permission}"
    parameters = {"error": "insufficient_scope", "error_description": text, "scope": permission}
    return _challenge(settings, service, parameters)


def _challenge(settings: Settings, service: str, parameters: Mapping[str, str]) -> Headers:
    metadata = protected_resource_url(settings, service)
    listed = dict(parameters) | ({"resource_metadata": metadata} if metadata else {})
    joined = ", ".join(f'{name}="{_quotable(value)}"' for name, value in listed.items())
    return [(b"www-authenticate", f"Bearer {joined}".strip().encode("ascii"))]


def _quotable(text: str) -> str:
    """RFC 6750 §3 allows %x20-21 / %x23-5B / %x5D-7E in these parameters."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)

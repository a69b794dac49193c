"""`stream://namespace/path`: a namespace is a client's own, or `shared`, or `system`, where only the servers write."""

import re

from app.a2a.mcp.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError

MAX_URI_CHARACTERS = 512
SHARED, SYSTEM = "shared", "system"
_URI = re.compile(r"stream://([A-Za-z0-9][A-Za-z0-9._@-]{0,63})/([!-~]{1,500})")


def may_see(uri: str, client_id: str) -> bool:
    """Whether the client may know of the resource."""
    match = _URI.fullmatch(uri)
    return match is not None and len(uri) <= MAX_URI_CHARACTERS and match[1] in (client_id, SHARED, SYSTEM)


def readable(uri: str, client_id: str) -> str:
    """The namespace of a URI the client may read; raises NotFoundError for any other, whether it exists or not."""
    if not may_see(uri, client_id):
        raise NotFoundError(f"there is no resource {uri[:MAX_URI_CHARACTERS]}")
    return uri.removeprefix("stream://").partition("/")[0]


def writable(uri: str, client_id: str) -> str:
    """The namespace of a URI the client may write; raises InvalidArgumentError or PermissionDeniedError."""
    match = _URI.fullmatch(uri)
    if match is None or len(uri) > MAX_URI_CHARACTERS:
        raise InvalidArgumentError.at("/uri", "must be stream://namespace/path, printable ASCII without spaces")
    if match[1] == SYSTEM or match[1] not in (client_id, SHARED):
        raise PermissionDeniedError.at("/uri", f"you may write stream://{client_id}/… and stream://{SHARED}/…")
    return match[1]

"""What a refused write is called, the same for both sides of the record store."""

from __future__ import annotations

from app.a2a.mcp.core.stores.records import Write
from app.a2a.mcp.errors import A2AError, ConflictError, LimitExceededError, NotFoundError


def refusal(status: str, name: str, write: Write) -> A2AError:
    """The error for a status word of the write."""
    if status == "absent":
        return NotFoundError(f"there is no collection {name!r}")
    if status == "collections":
        return LimitExceededError(f"at most {write.max_collections} collections are kept for one client")
    if status == "records":
        return LimitExceededError(f"at most {write.max_records} records are kept for one client")
    if status == "version":
        return ConflictError(f"the collection {name!r} has another version")
    return ConflictError(f"the collection {name!r} was made with other attributes")

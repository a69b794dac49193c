"""The one error tree, shared by every room: `domain` raises it, `core` translates it to HTTP and to MCP.

It stands beside the rooms because `domain` may not import `core`, and two trees would be two vocabularies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that was wrong: `path` is a JSON Pointer (RFC 6901) into the arguments, `reason` a short text."""

    path: str
    reason: str


class A2AError(Exception):
    """A failure a caller is told about: `code` from a closed list, a sentence, and where it lies."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, details: Iterable[Detail] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)

    @classmethod
    def at(cls, path: str, reason: str) -> Self:
        """The error of one place: `reason` is both the sentence and the detail at `path`."""
        return cls(f"{path or '/'}: {reason}", (Detail(path, reason),))

    def as_dict(self) -> dict[str, object]:
        """The wire form: `{code, message, details: [{path, reason}]}`."""
        details = [{"path": detail.path, "reason": detail.reason} for detail in self.details]
        return {"code": self.code, "message": self.message, "details": details}


class InvalidArgumentError(A2AError):
    """The input does not fit its schema, or fits and still cannot be meant."""

    code = "invalid_argument"


class LimitExceededError(A2AError):
    """The input is well formed and larger than the server takes."""

    code = "limit_exceeded"


class NotFoundError(A2AError):
    """What was named does not exist, or not for this caller."""

    code = "not_found"


class ConflictError(A2AError):
    """The state is not what the caller expected; nothing was written."""

    code = "conflict"


class PermissionDeniedError(A2AError):
    """The caller is known and may not do this."""

    code = "permission_denied"


class UnauthenticatedError(A2AError):
    """No credential, or one that does not hold."""

    code = "unauthenticated"


class RateLimitedError(A2AError):
    """The caller's budget is used up; `retry_after` says when to come back, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: float = 1.0, details: Iterable[Detail] = ()) -> None:
        super().__init__(message, details)
        self.retry_after = retry_after


class UnavailableError(A2AError):
    """A dependency, or the breaker in front of it, refuses."""

    code = "unavailable"


class DeadlineExceededError(A2AError):
    """The work did not end in the time it had."""

    code = "deadline_exceeded"


class InternalError(A2AError):
    """A defect of ours: the caller learns only the correlation id to ask about."""


class ConfigurationError(A2AError):
    """The process cannot start as it is configured; each detail names a setting and the remedy."""

    code = "invalid_configuration"

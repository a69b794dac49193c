"""What the tools of session_management take and return; instants are RFC 3339 in UTC."""

from typing import Annotated, Literal

from pydantic import Field

from app.a2a.mcp.core import ToolInput, ToolOutput

SessionId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{16,128}$", description="what create_session gave; as good as a password")
]
AccessToken = Annotated[str, Field(min_length=1, max_length=4096, description="a token (JWT) of yours")]
ServiceName = Annotated[
    str, Field(min_length=1, max_length=64, description="a service, as session://policy lists them")
]
Permission = Literal["read", "write"]


class ClientInfo(ToolInput):
    """The program that will use the token, for your own lists."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    version: Annotated[str, Field(min_length=1, max_length=64)]


class CreatedSession(ToolOutput):
    """A session and its token; the token is shown once."""

    session_id: str
    access_token: str
    token_type: Literal["Bearer"]
    expires_at: str
    expires_in: int
    permissions: list[str]
    audience: list[str]
    renewed: bool


class SessionStanding(ToolOutput):
    """Whether it is good now; what it is only then."""

    active: bool
    client_id: str | None = None
    session_id: str | None = None
    permissions: list[str] | None = None
    audience: list[str] | None = None
    created_at: str | None = None
    expires_at: str | None = None
    expires_in: int | None = None
    last_activity: str | None = None
    metadata: dict[str, str] | None = None


class RevokedSessions(ToolOutput):
    """What was ended, and how soon every server knows, at the latest."""

    revoked_sessions: int
    revoked_tokens: int
    effective_within_seconds: int

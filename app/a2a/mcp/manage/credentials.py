"""Makes what clients authenticate with: tokens signed with the fleet's secret, and API keys."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.a2a.mcp.core.keys import generate_key, parse_api_keys
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.tokens import Tokens

OPERATOR = "service_manager"
OPERATOR_SECONDS = 60.0
"""How long a token lives that the command line makes for itself."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh API key: what the client is given, and the line for the servers' settings."""

    key: str
    hash: str
    line: str


def mint_token(settings: Settings, client: str, permissions: Sequence[str], ttl_seconds: float | None) -> str:
    """A token for the client; without a time to live it lasts JWT_EXPIRATION_HOURS. Raises ConfigurationError."""
    longest = settings.jwt_expiration_hours * 3600.0
    return Tokens(settings, time.time).mint(client, permissions, longest if ttl_seconds is None else ttl_seconds, {})


def operator_token(settings: Settings) -> str:
    """A token that lives long enough for one command."""
    return mint_token(settings, OPERATOR, ("read", "write"), OPERATOR_SECONDS)


def new_key(client: str, permissions: Sequence[str], number: int) -> NewKey:
    """A key for the client; raises ConfigurationError where the name or a permission cannot be."""
    key, hashed = generate_key()
    name, line = f"API_KEY_{number}", f"{hashed}:{client}:{','.join(permissions)}"
    parse_api_keys({name: line})
    return NewKey(key, hashed, f"{name}='{line}'")

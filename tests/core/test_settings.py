"""Settings come from the credential, the environment and, in development, `.env`; production wants real secrets."""

from pathlib import Path

import pytest

from app.a2a.mcp.core.settings import CREDENTIAL_NAME, load_settings
from app.a2a.mcp.errors import ConfigurationError

GOOD = "f3Zq9sX1vB7nM2kL8pR4tY6uW0aC5dE9"
NOWHERE = Path("/nonexistent/.env")
PRODUCTION = {"MCP_ENVIRONMENT": "production", "JWT_SECRET_KEY": GOOD, "MCP_REQUEST_STATE_KEYS": GOOD}


def test_a_bare_environment_gives_the_documented_defaults() -> None:
    settings = load_settings({}, NOWHERE)
    assert settings.rate_limit_requests == 100
    assert settings.rate_limit_window == 60
    assert not settings.production


def test_only_numbered_api_keys_count_and_they_keep_their_order() -> None:
    environ = {"API_KEY_10": "k10:c:read", "API_KEY_2": "k2:c:read", "API_KEY_HEADER": "X-API-Key", "API_KEY_": "x"}
    keys = load_settings(environ, NOWHERE).api_keys
    assert list(keys.items()) == [("API_KEY_2", "k2:c:read"), ("API_KEY_10", "k10:c:read")]


def test_lists_are_split_at_commas_and_trimmed() -> None:
    settings = load_settings({"MCP_ALLOWED_HOSTS": "a.example, b.example,"}, NOWHERE)
    assert settings.mcp_allowed_hosts == ("a.example", "b.example")


def test_development_reads_dotenv_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RATE_LIMIT_REQUESTS=7\nRATE_LIMIT_WINDOW=8\n")
    settings = load_settings({"RATE_LIMIT_WINDOW": "9"}, tmp_path / ".env")
    assert (settings.rate_limit_requests, settings.rate_limit_window) == (7, 9)


def test_production_does_not_read_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RATE_LIMIT_REQUESTS=7\n")
    assert load_settings(PRODUCTION, tmp_path / ".env").rate_limit_requests == 100


def test_the_credential_wins_over_the_environment(tmp_path: Path) -> None:
    other = GOOD[::-1]
    (tmp_path / CREDENTIAL_NAME).write_text(f"JWT_SECRET_KEY='{other}'\n")
    settings = load_settings(PRODUCTION | {"CREDENTIALS_DIRECTORY": str(tmp_path)}, NOWHERE)
    assert settings.jwt_secret_key == other


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JWT_SECRET_KEY", "", "JWT_SECRET_KEY is missing"),
        ("JWT_SECRET_KEY", "short", "JWT_SECRET_KEY has 5 characters"),
        ("JWT_SECRET_KEY", "change-me-to-a-32-character-secret", "JWT_SECRET_KEY still holds the template's value"),
        ("JWT_SECRET_KEY_PREVIOUS", "short", "JWT_SECRET_KEY_PREVIOUS has 5 characters"),
        ("MCP_REQUEST_STATE_KEYS", "", "MCP_REQUEST_STATE_KEYS is missing"),
        ("MCP_REQUEST_STATE_KEYS", f"{GOOD},tiny", "MCP_REQUEST_STATE_KEYS[1] has 4 characters"),
        ("API_KEY_1", "tiny:client:read", "API_KEY_1 has 4 characters"),
        ("API_KEY_12", "tiny:client:read", "API_KEY_12 has 4 characters"),
    ],
)
def test_production_refuses_weak_secrets_and_names_each(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PRODUCTION | {name: value}, NOWHERE)
    assert told in caught.value.message


def test_a_secret_never_appears_in_the_refusal() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PRODUCTION | {"JWT_SECRET_KEY": "hunter2hunter2", "API_KEY_1": "swordfish:client:read"}, NOWHERE)
    assert "hunter2" not in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_all_bad_variables_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"RATE_LIMIT_REQUESTS": "many", "MCP_PORT": "99999"}, NOWHERE)
    assert {detail.path for detail in caught.value.details} == {"RATE_LIMIT_REQUESTS", "MCP_PORT"}

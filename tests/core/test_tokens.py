"""Tokens: what verifies, and the exact reason of everything that does not."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.tokens import LEEWAY_SECONDS, CredentialError, Tokens
from app.a2a.mcp.errors import ConfigurationError
from tests.conftest import SECRET
from tests.core.conftest import Clock

PREVIOUS = "the-secret-before-with-more-than-32-chars"
MakeSettings = Callable[..., Settings]


@pytest.fixture
def tokens(make_settings: MakeSettings, clock: Clock) -> Tokens:
    return Tokens(make_settings(jwt_expiration_hours=1), clock)


@pytest.fixture
def signed(clock: Clock) -> Callable[..., str]:
    """A token whose claims, secret and algorithm a test may bend; None removes a claim."""

    def sign(secret: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
        claims = {"iss": "a2a-mcp", "aud": "a2a-mcp", "sub": "alice", "iat": clock.now, "exp": clock.now + 600}
        claims = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(claims, secret, algorithm=algorithm)

    return sign


def reason(tokens: Tokens, token: str) -> str:
    """Why the token is refused."""
    with pytest.raises(CredentialError) as caught:
        tokens.verify(token)
    assert token not in caught.value.message
    return caught.value.reason


def test_a_minted_token_names_its_client_permissions_and_end(tokens: Tokens, clock: Clock) -> None:
    caller = tokens.verify(tokens.mint("alice", ["write", "read"], 600, {"jti": "one"}))
    assert (caller.client_id, caller.permissions, caller.credential) == ("alice", {"read", "write"}, "jwt")
    assert (caller.token_id, caller.expires_at, caller.audience) == ("one", clock.now + 600, {"a2a-mcp"})


def test_scope_and_permissions_claims_both_count_and_foreign_scopes_do_not(
    tokens: Tokens, signed: Callable[..., str]
) -> None:
    assert tokens.verify(signed(scope="openid read admin")).permissions == {"read"}
    assert tokens.verify(signed(permissions=["write", 7, "root"])).permissions == {"write"}
    assert tokens.verify(signed(scope="read", permissions=["write"])).permissions == {"read", "write"}
    assert tokens.verify(signed()).permissions == frozenset()
    assert tokens.verify(signed(scope="readwrite")).permissions == frozenset()


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "exp"])
def test_each_required_claim_is_required(tokens: Tokens, signed: Callable[..., str], claim: str) -> None:
    assert reason(tokens, signed(**{claim: None})) == "malformed"


def test_a_wrong_audience_or_issuer_is_told_apart(tokens: Tokens, signed: Callable[..., str]) -> None:
    assert reason(tokens, signed(aud="another")) == "wrong_audience"
    assert reason(tokens, signed(aud=["another", "third"])) == "wrong_audience"
    assert reason(tokens, signed(iss="another")) == "wrong_issuer"
    assert tokens.verify(signed(aud=["another", "a2a-mcp"])).audience == {"another", "a2a-mcp"}


def test_expiry_holds_to_the_second_with_the_stated_leeway(
    tokens: Tokens, signed: Callable[..., str], clock: Clock
) -> None:
    token = signed(exp=clock.now + 10)
    clock.advance(10 + LEEWAY_SECONDS - 1)
    assert tokens.verify(token).client_id == "alice"
    clock.advance(1)
    assert reason(tokens, token) == "expired"


def test_a_token_from_the_future_is_not_valid_yet(tokens: Tokens, signed: Callable[..., str], clock: Clock) -> None:
    soon, later = clock.now + LEEWAY_SECONDS, clock.now + LEEWAY_SECONDS + 1
    assert tokens.verify(signed(iat=soon, nbf=soon))
    assert reason(tokens, signed(iat=later, exp=later + 60)) == "not_yet_valid"
    assert reason(tokens, signed(nbf=later)) == "not_yet_valid"


def test_a_token_may_not_live_longer_than_the_setting(tokens: Tokens, signed: Callable[..., str], clock: Clock) -> None:
    assert tokens.verify(signed(exp=clock.now + 3600))
    assert reason(tokens, signed(exp=clock.now + 3601)) == "invalid"
    assert reason(tokens, signed(iat=clock.now + 20, exp=clock.now + 10)) == "invalid"


def test_algorithm_none_and_every_other_algorithm_are_refused(tokens: Tokens, signed: Callable[..., str]) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    _, payload, signature = signed().split(".")
    assert reason(tokens, f"{head}.{payload}.") == "invalid"
    assert reason(tokens, f"{head}.{payload}.{signature}") == "invalid"
    assert reason(tokens, signed(secret=SECRET * 2, algorithm="HS512")) == "invalid"


def test_a_tampered_token_is_refused(tokens: Tokens, signed: Callable[..., str]) -> None:
    head, _, signature = signed().split(".")
    _, other, _ = signed(sub="mallory").split(".")
    assert reason(tokens, f"{head}.{other}.{signature}") == "invalid"
    assert reason(tokens, signed(secret="another-secret-of-more-than-32-characters")) == "invalid"


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("inf")},
        {"iat": []},
        {"nbf": {}},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": "two\nlines"},
        {"jti": "x" * 129},
        {"scope": ["read"]},
        {"permissions": "read"},
    ],
)
def test_claims_of_the_wrong_kind_are_malformed(
    tokens: Tokens, signed: Callable[..., str], changed: dict[str, Any]
) -> None:
    assert reason(tokens, signed(**changed)) == "malformed"


@pytest.mark.parametrize("token", ["..", "a.b.c", "é.é.é", "bnVsbA.bnVsbA.bnVsbA", "x" * 5000])
def test_what_cannot_be_read_as_a_token_is_malformed(tokens: Tokens, token: str) -> None:
    assert reason(tokens, token) == "malformed"


def test_the_two_newest_secrets_verify_and_the_newest_signs(make_settings: MakeSettings, clock: Clock) -> None:
    before = Tokens(make_settings(jwt_secret_key=PREVIOUS), clock)
    rotated = Tokens(make_settings(jwt_secret_key_previous=PREVIOUS), clock)
    after = Tokens(make_settings(), clock)
    assert rotated.verify(before.mint("alice", ["read"], 60, {})).client_id == "alice"
    assert after.verify(rotated.mint("alice", ["read"], 60, {})).client_id == "alice"
    assert reason(after, before.mint("alice", ["read"], 60, {})) == "invalid"


def test_without_a_secret_nothing_verifies_and_minting_says_why(
    make_settings: MakeSettings, tokens: Tokens, clock: Clock
) -> None:
    bare = Tokens(make_settings(jwt_secret_key=""), clock)
    assert reason(bare, tokens.mint("alice", ["read"], 60, {})) == "invalid"
    with pytest.raises(ConfigurationError, match="JWT_SECRET_KEY is not set"):
        bare.mint("alice", ["read"], 60, {})


@pytest.mark.parametrize(
    ("client", "permissions", "seconds"),
    [("", ["read"], 60), ("alice", ["admin"], 60), ("alice", ["read"], 0), ("alice", ["read"], 3601)],
)
def test_a_token_that_would_not_hold_is_not_made(
    tokens: Tokens, client: str, permissions: list[str], seconds: int
) -> None:
    with pytest.raises(ConfigurationError):
        tokens.mint(client, permissions, seconds, {})


def test_minting_cannot_override_the_claims_that_matter(tokens: Tokens) -> None:
    caller = tokens.verify(tokens.mint("alice", ["read"], 60, {"sub": "root", "scope": "write", "iss": "x"}))
    assert (caller.client_id, caller.permissions) == ("alice", {"read"})

"""API keys: how they are written, made and found."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.a2a.mcp.core.keys import ApiKey, find_key, generate_key, parse_api_keys
from app.a2a.mcp.errors import ConfigurationError


def parse(values: list[str]) -> tuple[ApiKey, ...]:
    """The keys that every second variable holds: numbers need not follow each other."""
    return parse_api_keys({f"API_KEY_{2 * n}": value for n, value in enumerate(values, 1)})


SECRET = "a-key-nobody-may-read-in-a-message"


def test_plain_and_hashed_keys_are_found_by_the_key_itself() -> None:
    hashed = "sha256$" + hashlib.sha256(b"second").hexdigest()
    parsed = parse(["first:alice:read,write", f"{hashed}:bob: read "])
    first, second = find_key(parsed, "first"), find_key(parsed, "second")
    assert first and (first.client_id, first.permissions) == ("alice", {"read", "write"})
    assert second and (second.client_id, second.permissions) == ("bob", {"read"})
    assert find_key(parsed, hashed) is None, "a hash is not a key"


def test_a_generated_key_is_long_random_and_fits_its_hash() -> None:
    plain, hashed = generate_key()
    assert plain.startswith("a2a_") and len(plain) == 47 and ":" not in plain
    assert find_key(parse([f"{hashed}:client:read"]), plain)
    assert generate_key()[0] != plain


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (SECRET, "has 1 parts"),
        (f"{SECRET}:client", "has 2 parts"),
        (f"{SECRET}:x:client:read", "has 4 parts"),
        (f"{SECRET}::read", "names no client"),
        (f"{SECRET}:bad client:read", "names no client"),
        (f"{SECRET}:client:", "must end with one or more of read, write"),
        (f"{SECRET}:client:admin", "must end with one or more of read, write"),
        (":client:read", "has an empty key"),
        ("clé:client:read", "characters that no HTTP header carries"),
        ("sha256$abcd:client:read", "64 hexadecimal digits"),
    ],
)
def test_a_bad_key_is_refused_by_its_place_and_never_shown(value: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match="API_KEY_4 ") as caught:
        parse(["good:client:read", value])
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)


def test_every_bad_key_is_named_at_once_and_a_repeated_one_too() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(["same:one:read", "same:two:read", "alone"])
    assert [detail.path for detail in caught.value.details] == ["API_KEY_4", "API_KEY_6"]


def test_all_keys_are_compared_in_constant_time_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = parse([f"key-{n}:client-{n}:read" for n in range(5)])
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    for presented in ("key-0", "key-4", "unknown"):
        compared.clear()
        find_key(parsed, presented)
        assert compared == [key.digest for key in parsed]


@given(st.text(max_size=200))
def test_any_text_is_a_key_or_a_configuration_error(value: str) -> None:
    try:
        (key,) = parse([value])
    except ConfigurationError:
        return
    assert len(key.digest) == 32 and key.permissions

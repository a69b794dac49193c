"""The three tools of session_management through the official client, and its resources."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import jwt
import pytest

from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.servers.session_management_mcp_server import server
from tests.conftest import SECRET

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]
UNKNOWN = "u" * 43


@pytest.fixture(params=["memory", "redis"])
async def client(client_for: Connect, request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Any]:
    """A client of an instance over either store."""
    options = {"redis_url": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    async with client_for(server, client_id=f"s-{time.monotonic_ns()}", **options) as connected:
        yield connected


async def ask(client: Any, tool: str, **arguments: Any) -> Any:
    return (await client.call_tool(tool, arguments)).structured_content


async def test_a_session_is_opened_judged_and_ended(client: Any) -> None:
    made = await ask(client, "create_session", ttl_seconds=3600, permissions=["read"], metadata={"job": "x"})
    claims = jwt.decode(made["access_token"], SECRET, algorithms=["HS256"], audience="a2a-mcp")
    assert set(claims) == {
        "iss", "aud", "sub", "client_id", "user_id", "permissions", "sid", "iat", "nbf", "exp", "jti", "scope"
    }  # fmt: skip
    assert claims["sub"] == claims["client_id"] == claims["user_id"] and claims["permissions"] == ["read"]
    assert claims["exp"] - claims["iat"] == 3600 and made["expires_in"] in (3599, 3600)
    assert made["token_type"] == "Bearer" and made["renewed"] is False
    assert made["permissions"] == ["read"] and made["audience"] == sorted(load_registry().names)
    for question in ({"access_token": made["access_token"]}, {"session_id": made["session_id"]}):
        standing = await ask(client, "validate_session", **question)
        assert standing["active"] and standing["session_id"] == made["session_id"]
        assert standing["metadata"] == {"job": "x"} and standing["last_activity"] == standing["created_at"]
        assert await ask(client, "validate_session", **question, required_permissions=["write"]) == {"active": False}
    ended = await ask(client, "revoke_session", session_id=made["session_id"], reason="done")
    assert ended == {"revoked_sessions": 1, "revoked_tokens": 1, "effective_within_seconds": 1}
    assert await ask(client, "validate_session", access_token=made["access_token"]) == {"active": False}
    again = await ask(client, "revoke_session", access_token=made["access_token"])
    assert again == {"revoked_sessions": 0, "revoked_tokens": 0, "effective_within_seconds": 1}


async def test_renewal_keeps_the_session_and_its_earlier_token(client: Any) -> None:
    first = await ask(client, "create_session", ttl_seconds=60, audience=["session_management"])
    second = await ask(client, "create_session", ttl_seconds=600, renew_session_id=first["session_id"])
    assert second["renewed"] and second["session_id"] == first["session_id"]
    assert second["audience"] == ["session_management"]
    assert (await ask(client, "validate_session", access_token=first["access_token"]))["active"]
    assert (await ask(client, "validate_session", session_id=first["session_id"]))["expires_in"] > 60
    token = {"access_token": second["access_token"]}
    assert (await ask(client, "validate_session", **token, audience="session_management"))["active"]
    assert await ask(client, "validate_session", **token, audience="vector_similarity") == {"active": False}
    both = await ask(client, "revoke_session", all_for_client=True)
    assert (both["revoked_sessions"], both["revoked_tokens"]) == (1, 2)


async def test_a_reader_may_not_open_sessions(client_for: Connect) -> None:
    async with client_for(server, permissions={"read"}) as reader:
        assert [tool.name for tool in (await reader.list_tools()).tools] == ["validate_session"]
        refused = await ask(reader, "create_session", permissions=["write"])
        assert refused["error"]["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("create_session", {"ttl_seconds": 59}, "invalid_argument"),
        ("create_session", {"ttl_seconds": 24 * 3600 + 1}, "invalid_argument"),
        ("create_session", {"audience": ["nowhere"]}, "invalid_argument"),
        ("create_session", {"client_id": "somebody"}, "invalid_argument"),
        ("create_session", {"metadata": {str(n): "" for n in range(17)}}, "limit_exceeded"),
        ("create_session", {"renew_session_id": UNKNOWN}, "not_found"),
        ("validate_session", {}, "invalid_argument"),
        ("validate_session", {"session_id": UNKNOWN, "access_token": "x"}, "invalid_argument"),
        ("revoke_session", {}, "invalid_argument"),
        ("revoke_session", {"all_for_client": True, "session_id": UNKNOWN}, "invalid_argument"),
        ("revoke_session", {"session_id": UNKNOWN, "except_current": True}, "invalid_argument"),
    ],
)
async def test_what_does_not_fit_is_refused(
    client_for: Connect, tool: str, arguments: dict[str, Any], code: str
) -> None:
    async with client_for(server) as client:
        assert (await ask(client, tool, **arguments))["error"]["code"] == code


async def test_resources_show_the_policy_and_one_s_own_sessions(client: Any) -> None:
    made = await ask(client, "create_session", client_info={"name": "job", "version": "1"})
    policy = json.loads((await client.read_resource("session://policy")).contents[0].text)
    assert policy["audiences"] == sorted(load_registry().names) and policy["sessions_per_client"] == 100
    text = (await client.read_resource("session://mine")).contents[0].text
    mine = json.loads(text)["sessions"]
    assert [session["client_info"] for session in mine] == [{"name": "job", "version": "1"}]
    assert made["session_id"] not in text and made["access_token"] not in text


async def test_every_example_of_the_menu_works(client: Any) -> None:
    for name, spec in server.tools.items():
        assert spec.examples
        for example in spec.examples:
            assert not (await client.call_tool(name, dict(example))).is_error

"""Revocation over real processes: it acts at other services within a second, and outlives every instance."""

import time
from pathlib import Path

import pytest

from tests.core.processes import Instance as Gunicorn
from tests.core.processes import await_that, call_body, free_port, read_answer, request_bytes
from tests.core.redis_process import RedisProcess
from tests.servers.instances import SECRET, Instance, key_of, running

CLIENT = "sessions"


def ask(port: int, token: str, tool: str) -> int:
    """The status another service answers a call with."""
    import socket

    with socket.create_connection(("127.0.0.1", port)) as connection:
        arguments = {"seconds": 0} if tool == "work" else {}
        connection.sendall(request_bytes(call_body(tool, **arguments), Authorization=f"Bearer {token}"))
        return read_answer(connection).status


def test_a_revoked_token_is_refused_everywhere_within_a_second(tmp_path: Path, redis_url: str) -> None:
    desks = [Instance("session_management", tmp_path, redis_url, CLIENT) for _ in range(2)]
    other = Gunicorn(tmp_path, free_port(), JWT_SECRET_KEY=SECRET, REDIS_URL=redis_url)
    other.start()
    try:
        with running(*desks):
            other.await_ready()
            first, second = desks
            made = first.call(key_of(CLIENT), "create_session", permissions=["read"])
            token = made["access_token"]
            assert ask(other.port, token, "work") == 200
            assert ask(other.port, token, "announce") == 403
            first.kill()
            standing = second.call(token, "validate_session", session_id=made["session_id"])
            assert standing["active"] and standing["last_activity"] >= standing["created_at"]
            first.start()
            first.await_ready()
            assert second.call(key_of(CLIENT), "revoke_session", session_id=made["session_id"])["revoked_tokens"] == 1
            answered = time.monotonic()
            while ask(other.port, token, "work") != 401:
                assert time.monotonic() - answered < 1
            assert first.get("/health", token) in (200, 401)
            assert first.status(token, "validate_session", session_id=made["session_id"]) == 401
            second.kill()
            second.start()
            second.await_ready()
            assert second.status(token, "validate_session", session_id=made["session_id"]) == 401
            narrow = second.call(key_of(CLIENT), "create_session", audience=["session_management"])["access_token"]
            assert second.status(narrow, "validate_session", session_id=made["session_id"]) == 200
            assert ask(other.port, narrow, "work") == 401
    finally:
        other.kill()


def test_what_was_revoked_stays_revoked_and_what_holds_stays_good_when_all_of_it_is_killed(tmp_path: Path) -> None:
    redis = RedisProcess(tmp_path, durable=True)
    redis.start()
    desks = [Instance("session_management", tmp_path, redis.url, CLIENT) for _ in range(2)]
    first, second = desks
    try:
        with running(*desks):
            made = [first.call(key_of(CLIENT), "create_session") for _ in range(2)]
            tokens, (ended, kept) = [one["access_token"] for one in made], [one["session_id"] for one in made]
            assert second.call(key_of(CLIENT), "revoke_session", session_id=ended)["revoked_tokens"] == 1
            for process in (first, second, redis):
                process.kill() if isinstance(process, Instance) else process.stop()
            redis.start()
            for desk in desks:
                desk.start()
            for desk in desks:
                desk.await_ready()
                assert desk.status(tokens[0], "validate_session", session_id=kept) == 401
                standing = desk.call(tokens[1], "validate_session", session_id=kept)
                assert standing["active"] and standing["client_id"] == CLIENT
                assert desk.call(key_of(CLIENT), "validate_session", session_id=ended) == {"active": False}
    finally:
        redis.stop()


@pytest.mark.parametrize(("setting", "read_status"), [("allow", 200), ("refuse", 503)])
def test_without_redis_tokens_write_nothing_and_read_as_set(tmp_path: Path, setting: str, read_status: int) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    desk = Instance("session_management", tmp_path, redis.url, CLIENT, MCP_UNCHECKED_READS=setting)
    other = Gunicorn(tmp_path, free_port(), JWT_SECRET_KEY=SECRET, REDIS_URL=redis.url, MCP_UNCHECKED_READS=setting)
    other.start()
    try:
        with running(desk):
            other.await_ready()
            token = desk.call(key_of(CLIENT), "create_session")["access_token"]
            assert (ask(other.port, token, "work"), ask(other.port, token, "announce")) == (200, 200)
            redis.stop()
            await_that(lambda: ask(other.port, token, "announce") == 503, "writes to be refused")
            assert ask(other.port, token, "work") == read_status
            redis.start()
            await_that(lambda: ask(other.port, token, "announce") == 200, "writes to be allowed again")
    finally:
        other.kill()
        redis.stop()

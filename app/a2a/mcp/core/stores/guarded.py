"""One question to Redis behind its breaker, with every failure told as the one error that callers know."""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import RedisError

from app.a2a.mcp.core.stores.records import Guard
from app.a2a.mcp.errors import UnavailableError


async def ask(guard: Guard, what: str, question: Callable[[], Awaitable[Any]]) -> Any:
    """The answer; raises UnavailableError naming `what`, at once while Redis is believed down."""
    try:
        return await guard(question)
    except (RedisError, OSError) as error:
        raise UnavailableError(f"{what} cannot be reached") from error

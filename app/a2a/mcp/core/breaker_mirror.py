"""Circuit breaker states in Redis, so that instances of a service need not each find out for themselves.

One key a breaker: its state and a random mark of the change. Its age, by Redis's clock, says how long an open breaker
still refuses, so hosts need not agree on the time.
"""

import secrets
from collections.abc import Mapping
from typing import Literal, cast

from app.a2a.mcp.core.stores import Stores

KEEP_SECONDS = 3600
"""How long a change is remembered: far longer than any breaker stays open, so that a missing key says nothing."""

State = Literal["closed", "open", "half-open"]


class BreakerMirror:
    """Writes the changes of this instance and reads those of the others, in one round trip."""

    def __init__(self, service: str, stores: Stores, reset_seconds: float) -> None:
        self._prefix = f"a2a:breaker:{service}:"
        self._stores = stores
        self._reset_seconds = reset_seconds
        self._unsent: set[str] = set()
        self._seen: dict[str, bytes] = {}

    def publish(self, name: str) -> None:
        """Have the state that `name` is in at the next exchange written."""
        self._unsent.add(name)

    async def exchange(self, own: Mapping[str, tuple[State, float]]) -> dict[str, tuple[State, float]]:
        """Send what changed here; gives what others changed: name → (state, seconds it stays open).

        `own` holds every breaker with its state and seconds. Raises redis.exceptions.RedisError.
        """
        redis = self._stores.redis
        if redis is None:
            return {}
        unsent, self._unsent = self._unsent, set()
        sent = {name: _value(own[name][0]) for name in unsent & own.keys() if own[name][0] != "half-open"}
        pipeline = redis.pipeline(transaction=False)
        for name, value in sent.items():
            age = self._reset_seconds - own[name][1] if own[name][0] == "open" else 0.0
            pipeline.set(self._prefix + name, value, px=round((KEEP_SECONDS - age) * 1000))
        for name in own:
            pipeline.get(self._prefix + name)
            pipeline.pttl(self._prefix + name)
        try:
            with self._stores.observed("breaker"):
                answers = await pipeline.execute()
        except BaseException:
            self._unsent |= unsent
            raise
        self._seen |= sent
        return self._news(list(own), answers[len(sent) :])

    def _news(self, names: list[str], answers: list[object]) -> dict[str, tuple[State, float]]:
        news = {}
        for name, value, left_ms in zip(names, answers[::2], answers[1::2], strict=True):
            if isinstance(value, bytes) and isinstance(left_ms, int) and value != self._seen.get(name):
                self._seen[name] = value
                age = KEEP_SECONDS - left_ms / 1000
                state = cast(State, value.partition(b":")[0].decode())
                news[name] = (state, self._reset_seconds - age)
        return news


def _value(state: State) -> bytes:
    return f"{state}:{secrets.token_hex(8)}".encode()

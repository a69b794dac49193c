"""Whether a token was revoked: asked of the shared store at most once a second for each token.

What is revoked is also published, so that an instance knows at once; the second bounds what a lost message costs.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

import orjson
from redis.exceptions import RedisError

from app.a2a.mcp.core.request import Caller
from app.a2a.mcp.core.stores import Stores
from app.a2a.mcp.core.stores.sessions import MemorySessionStore
from app.a2a.mcp.core.stores.sessions_redis import REVOKED_CHANNEL
from app.a2a.mcp.core.tasks import end
from app.a2a.mcp.errors import UnavailableError

log = logging.getLogger(__name__)

CACHE_SECONDS = 1.0
"""The age at which an answer is asked again: how soon a revocation acts everywhere, at the latest."""

MAX_REMEMBERED = 4096
RETRY_SECONDS = 1.0
READ_SECONDS = 5.0


class Revocations:
    """What one process knows of revoked tokens; `clock` is monotonic seconds."""

    def __init__(self, stores: Stores, clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = stores
        self._clock = clock
        self._checked: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    async def start(self) -> None:
        """Begin to hear what others revoke."""
        store = self._stores.sessions
        if isinstance(store, MemorySessionStore):
            store.on_revoked = self._heard
        else:
            self.listening = asyncio.Event()
            self._task = asyncio.create_task(self._listen(), name="revocations")

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            task, self._task = self._task, None
            await end(task)

    async def revoked(self, caller: Caller) -> bool:
        """Whether the caller's token was revoked; raises UnavailableError where nobody can say.

        A credential without a token id cannot be revoked, and costs no question.
        """
        token = caller.token_id
        if token is None:
            return False
        now = self._clock()
        at, known = self._checked.get(token, (now - CACHE_SECONDS, False))
        # Nobody takes a revocation back, so only a good answer grows old.
        if known or now - at < CACHE_SECONDS:
            return known
        found = await self._stores.sessions.look_up(token, used=caller.session is not None)
        at, known = self._checked.get(token, (now, False))
        self._note(token, now, found or known)
        return found or known

    @contextlib.contextmanager
    def watch(self, caller: Caller | None) -> Iterator[asyncio.Event]:
        """An event that is set when the caller's token is heard to be revoked: for what lasts longer than a check."""
        event = asyncio.Event()
        token = caller.token_id if caller is not None else None
        if token is None:
            yield event
            return
        self._waiting.setdefault(token, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[token].discard(event)
            if not self._waiting[token]:
                del self._waiting[token]

    async def _listen(self) -> None:
        # Not `while True`: redis-py may answer a cancellation with an error, or lose it in a time-out.
        while self._task is asyncio.current_task():
            try:
                await self._listen_once()
            except (RedisError, OSError, UnavailableError) as error:
                log.info("revocations of other instances are not heard now: %s", type(error).__name__)
            self.listening.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen_once(self) -> None:
        redis = self._stores.redis
        if redis is None:
            return
        async with contextlib.aclosing(redis.pubsub()) as pubsub:
            await pubsub.subscribe(REVOKED_CHANNEL)
            while self._task is asyncio.current_task():
                message = await pubsub.get_message(timeout=READ_SECONDS)
                if message is None:
                    await self._check_watched()
                elif message["type"] == "subscribe":
                    self.listening.set()
                    await self._check_watched()
                elif message["type"] == "message":
                    self._heard(orjson.loads(message["data"]))

    async def _check_watched(self) -> None:
        """Ask for every token that something lasting hangs on: a message may have been missed."""
        for token in list(self._waiting):
            if await self._stores.sessions.look_up(token):
                self._heard({token: 0.0})

    def _heard(self, tokens: Mapping[str, float]) -> None:
        for token in tokens:
            self._note(token, self._clock(), True)
            for event in self._waiting.get(token, ()):
                event.set()

    def _note(self, token: str, now: float, revoked: bool) -> None:
        self._checked[token] = (now, revoked)
        self._checked.move_to_end(token)
        if len(self._checked) > MAX_REMEMBERED:
            self._checked.popitem(last=False)

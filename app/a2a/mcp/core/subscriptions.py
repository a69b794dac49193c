"""The bus that carries change events to subscribers on every instance of a service.

The SDK ships none across processes. Events are level triggers ("this changed, read it again"), so delivery is
best effort: over Redis pub/sub while Redis answers, to this process's own subscribers always.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable

import orjson
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, SubscriptionBus
from mcp.shared.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.a2a.mcp.core.runtime import Runtime

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
READ_SECONDS = 5.0
Listener = Callable[[ServerEvent], None]

KINDS: dict[str, ServerEvent] = {
    "tools": ToolsListChanged(),
    "prompts": PromptsListChanged(),
    "resources": ResourcesListChanged(),
}


def open_bus(runtime: Runtime) -> SubscriptionBus:
    """The bus of a process: over Redis where the settings name one, in memory otherwise."""
    if not runtime.settings.redis_url:
        return InMemorySubscriptionBus()
    return RedisSubscriptionBus(runtime.service.name, lambda: runtime.stores.redis)


def open_listen_handler(runtime: Runtime, bus: SubscriptionBus) -> ListenHandler:
    """The handler of subscriptions/listen whose streams end cleanly when the process drains."""
    handler = ListenHandler(bus)
    runtime.on_drain.append(handler.close)
    return handler


class RedisSubscriptionBus:
    """Implements the SDK's SubscriptionBus. It listens to Redis only while somebody here is subscribed."""

    def __init__(self, service: str, client: Callable[[], Redis | None]) -> None:
        self.channel = f"a2a:events:{service}"
        self.client = client
        self.origin = secrets.token_hex(8)
        self.local = InMemorySubscriptionBus()
        self.listeners = 0
        self.reader: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    async def publish(self, event: ServerEvent) -> None:
        """Deliver to the subscribers here, and, while Redis answers, to those of every other instance."""
        await self.local.publish(event)
        redis = self.client()
        if redis is None:
            return
        try:
            await redis.publish(self.channel, encode_event(event, self.origin))
        except (RedisError, OSError) as error:
            log.warning("a change event reached this instance only: %s", type(error).__name__)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Register `listener`, called on the event loop; the callable returned removes it, once."""
        remove = self.local.subscribe(listener)
        self.listeners += 1
        if self.reader is None or self.reader.done():
            self.reader = asyncio.get_running_loop().create_task(self._read(), name="subscription-bus")
        done = False

        def unsubscribe() -> None:
            nonlocal done
            if done:
                return
            done = True
            remove()
            self.listeners -= 1
            if self.listeners == 0 and self.reader is not None:
                self.reader.cancel()
                self.reader = None

        return unsubscribe

    async def _read(self) -> None:
        """Pass on what other instances publish; a lost Redis is asked again each second until nobody listens."""
        # Not `while True`: redis-py may answer a cancellation with an error, or lose it in a time-out.
        while self.reader is asyncio.current_task():
            try:
                await self._read_once()
            except (RedisError, OSError) as error:
                log.info("events of other instances are not heard now: %s", type(error).__name__)
            self.listening.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _read_once(self) -> None:
        redis = self.client()
        if redis is None:
            return
        async with contextlib.aclosing(redis.pubsub()) as pubsub:
            await pubsub.subscribe(self.channel)
            while self.reader is asyncio.current_task():
                message = await pubsub.get_message(timeout=READ_SECONDS)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self.listening.set()
                elif message["type"] == "message":
                    event = decode_event(message["data"], self.origin)
                    if event is not None:
                        await self.local.publish(event)


def encode_event(event: ServerEvent, origin: str) -> bytes:
    """The event as it travels: who sent it, its kind, and for an updated resource its URI."""
    if isinstance(event, ResourceUpdated):
        return orjson.dumps({"origin": origin, "kind": "resource", "uri": event.uri})
    kind = next(name for name, known in KINDS.items() if known == event)
    return orjson.dumps({"origin": origin, "kind": kind})


def decode_event(data: bytes | str, own_origin: str) -> ServerEvent | None:
    """The event of another instance; None for one's own, already delivered, and for what nobody understands."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("origin") == own_origin:
        return None
    if message.get("kind") == "resource" and isinstance(message.get("uri"), str):
        return ResourceUpdated(uri=message["uri"])
    return KINDS.get(str(message.get("kind")))

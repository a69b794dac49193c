"""The bus that carries change events to subscribers on every instance of a service.

The SDK ships none across processes. Events are level triggers ("this changed, read it again"), so delivery is
best effort: over Redis pub/sub while Redis answers, to this process's own subscribers always.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, SubscriptionBus
from mcp.shared.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import SubscriptionsListenRequestParams, SubscriptionsListenResult
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.a2a.mcp.core.request import current_request
from app.a2a.mcp.core.settings import Settings
from app.a2a.mcp.core.stores import Stores

if TYPE_CHECKING:
    from app.a2a.mcp.core.runtime import Runtime

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
MERGE_SECONDS = 0.1
"""Notices of one change reach a subscriber at most this often; what changed meanwhile is told once, after it."""

READ_SECONDS = 5.0
Listener = Callable[[ServerEvent], None]
Handler = Callable[[Any, SubscriptionsListenRequestParams], Awaitable[SubscriptionsListenResult]]

KINDS: dict[str, ServerEvent] = {
    "tools": ToolsListChanged(),
    "prompts": PromptsListChanged(),
    "resources": ResourcesListChanged(),
}


def open_bus(service: str, settings: Settings, stores: Stores) -> SubscriptionBus:
    """The bus of a process: over Redis where the settings name one, in memory otherwise."""
    if not settings.redis_url:
        return InMemorySubscriptionBus()
    return RedisSubscriptionBus(service, lambda: stores.redis)


def count_listeners(bus: SubscriptionBus) -> int:
    """How many are subscribed in this process."""
    local = bus.local if isinstance(bus, RedisSubscriptionBus) else bus
    return len(local._listeners) if isinstance(local, InMemorySubscriptionBus) else 0


def when_missed(bus: SubscriptionBus, act: Callable[[], None]) -> Callable[[], None]:
    """Do `act` each time the bus hears other instances again after a loss; the callable returned ends that."""
    if not isinstance(bus, RedisSubscriptionBus):
        return lambda: None
    acts, entry = bus.on_missed, (act,)
    acts.append(entry)
    return lambda: acts.remove(entry)


async def await_listening(bus: SubscriptionBus, seconds: float) -> None:
    """Wait until the bus hears other instances, at most so long; there must be a subscriber."""
    if isinstance(bus, RedisSubscriptionBus):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bus.listening.wait(), seconds)


def only_visible(handler: ListenHandler, may_watch: Callable[[str, str], bool]) -> Handler:
    """The handler, which drops resources that the caller may not see as if nothing ever happened to them."""

    async def listen(
        context: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        info = current_request.get()
        client = info.caller.client_id if info and info.caller else ""
        asked = params.notifications
        seen = [uri for uri in asked.resource_subscriptions or () if may_watch(uri, client)]
        kept = asked.model_copy(update={"resource_subscriptions": seen})
        return await handler(context, params.model_copy(update={"notifications": kept}))

    return listen


def open_listen_handler(runtime: "Runtime", bus: SubscriptionBus) -> ListenHandler:
    """The handler of subscriptions/listen; its streams end cleanly when the process drains or has missed events.

    An end is what the protocol has to say "listen anew, and read again what you follow".
    """
    handler = ListenHandler(MergingBus(bus))
    runtime.on_drain.append(handler.close)
    when_missed(bus, handler.close)
    return handler


class MergingBus:
    """Another bus, whose subscribers are spared bursts: they read the resource anyway, and see all that happened."""

    def __init__(self, bus: SubscriptionBus) -> None:
        self.bus = bus

    async def publish(self, event: ServerEvent) -> None:
        """Pass the event on."""
        await self.bus.publish(event)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Register `listener`; the first notice of a change comes at once."""
        loop = asyncio.get_running_loop()
        waiting: dict[ServerEvent, bool] = {}
        timers: dict[ServerEvent, asyncio.TimerHandle] = {}

        def told(event: ServerEvent) -> None:
            if event in waiting:
                waiting[event] = True
            else:
                tell(event)

        def tell(event: ServerEvent) -> None:
            waiting[event] = False
            timers[event] = loop.call_later(MERGE_SECONDS, again, event)
            listener(event)

        def again(event: ServerEvent) -> None:
            del timers[event]
            if waiting.pop(event):
                tell(event)

        remove = self.bus.subscribe(told)

        def unsubscribe() -> None:
            remove()
            for timer in timers.values():
                timer.cancel()
            timers.clear()

        return unsubscribe


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
        self.on_missed: list[tuple[Callable[[], None]]] = []
        self.missed = False

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
                self.listening.clear()
                self.missed = False

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
            self.missed = True
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
                    self._hears()
                elif message["type"] == "message":
                    event = decode_event(message["data"], self.origin)
                    if event is not None:
                        await self.local.publish(event)

    def _hears(self) -> None:
        self.listening.set()
        missed, self.missed = self.missed, False
        if missed:
            for (act,) in list(self.on_missed):
                act()


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

"""Bounds how many refusals of one client are logged: whoever floods errors must not push out everybody else's records.

A token bucket for each client. What it does not let through is counted, and told now and then in one record.
"""

import asyncio
import contextvars
import ipaddress
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.a2a.mcp.core.request import RequestInfo

log = logging.getLogger(__name__)

MAX_CLIENTS = 4096
"""Buckets kept, about 1 MiB; the client that was refused longest ago is forgotten first."""

TELL_SECONDS = 10.0
MOST_TOLD = 10
"""Clients named at a time; the rest share one record."""

IPV6_SITE_BITS = 64

Client = tuple[str, str]
"""The field that names a client in the log, and its value."""


@dataclass(slots=True)
class Bucket:
    """What one client may still have logged, as of a time, and how many records were left out since that was told."""

    tokens: float
    at: float
    untold: int = 0


class RefusalLog:
    """Says which refusals are logged: of each client `burst`, and then `per_second`; `count` hears of the others."""

    def __init__(self, burst: int, per_second: float, count: Callable[[], None]) -> None:
        self.burst = burst
        self.per_second = per_second
        self.count = count
        self.buckets: OrderedDict[Client, Bucket] = OrderedDict()
        self.forgotten = 0
        self._timer: asyncio.TimerHandle | None = None

    def takes(self, client: Client, now: float) -> bool:
        """Whether one more record of the client is logged; `now` is in monotonic seconds."""
        bucket = self.buckets.get(client)
        if bucket is None:
            bucket = self.buckets[client] = Bucket(self.burst, now)
            if len(self.buckets) > MAX_CLIENTS:
                self.forgotten += self.buckets.popitem(last=False)[1].untold
        self.buckets.move_to_end(client)
        bucket.tokens = min(self.burst, bucket.tokens + max(0.0, now - bucket.at) * self.per_second)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        bucket.untold += 1
        self.count()
        if self._timer is None:
            # A context of its own: the record belongs to no request.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(TELL_SECONDS, self.tell, context=contextvars.Context())
        return False

    def tell(self) -> None:
        """Log how many were left out since the last time, those with the most first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        silent = sorted(
            ((bucket.untold, client) for client, bucket in self.buckets.items() if bucket.untold), reverse=True
        )
        for number, (field, value) in silent[:MOST_TOLD]:
            extra = {field: value, "SUPPRESSED": number}
            log.info("%d refusals of client %s were not logged", number, value, extra=extra)
        rest, self.forgotten = self.forgotten + sum(number for number, _ in silent[MOST_TOLD:]), 0
        if rest:
            log.info("%d refusals of other clients were not logged", rest, extra={"SUPPRESSED": rest})
        for _, client in silent:
            self.buckets[client].untold = 0


def client_of(info: RequestInfo) -> Client:
    """Who is refused: the caller where there is one, else the address; an IPv6 client owns a whole /64."""
    if info.caller is not None:
        return "CLIENT_ID", info.caller.client_id
    address = info.client_address or "unknown"
    if ":" in address:
        address = str(ipaddress.ip_network(f"{address}/{IPV6_SITE_BITS}", strict=False))
    return "CLIENT_ADDRESS", address

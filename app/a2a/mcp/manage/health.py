"""Asks instances how they are, all at once: what /health says, how long it took, or why there was no answer."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from app.a2a.mcp.errors import A2AError, UnavailableError
from app.a2a.mcp.manage.fleet import Instance

TIMEOUT_SECONDS = 3.0
HOST_HEADER = {"Host": "localhost"}
"""The name that probes of the same host use; it is in MCP_ALLOWED_HOSTS by default."""

State = Literal["ok", "degraded", "not_ready", "down"]


@dataclass(frozen=True, slots=True)
class Health:
    """One instance's answer; `milliseconds` is None without one, `page` what /health said."""

    service: str
    port: int
    status: State
    milliseconds: float | None
    reason: str
    page: dict[str, Any]

    @property
    def well(self) -> bool:
        """Whether calls should be sent to it: a degraded instance answers them."""
        return self.status in ("ok", "degraded")


def ask_health(instances: Iterable[Instance], address: str, token: str | None = None) -> list[Health]:
    """The health of each instance, in order; never raises for one that does not answer."""
    wanted = list(instances)
    with _client(token) as client, ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda instance: _ask_one(client, instance, address), wanted))


def _ask_one(client: httpx.Client, instance: Instance, address: str) -> Health:
    def answer(status: State, reason: str, took: float | None = None, page: dict[str, Any] | None = None) -> Health:
        return Health(instance.service.name, instance.port, status, took, reason, page or {})

    try:
        response = client.get(_url(instance, address, "/health"))
        if response.status_code in (401, 403):
            # This host is not in MCP_OPS_NETWORKS and there is no token: readiness is what anybody may know.
            response = client.get(_url(instance, address, "/readyz"))
        page = response.json()
        status = page["status"]
    except httpx.HTTPError as error:
        return answer("down", _why(error))
    except (ValueError, KeyError, TypeError):
        return answer("down", "something else listens there: its answer is not a health page")
    took = round(response.elapsed.total_seconds() * 1000, 1)
    if page.get("service", instance.service.name) != instance.service.name:
        return answer("down", f"the service {page['service']} listens there", took)
    known: dict[str, State] = {"ok": "ok", "ready": "ok", "degraded": "degraded"}
    return answer(known.get(status, "not_ready"), _reason(page), took, page)


def _reason(page: dict[str, Any]) -> str:
    """What keeps it from being well, in words."""
    words = list(page.get("reasons", [])) + [f"{name} is away" for name in page.get("degraded", [])]
    if page.get("draining"):
        words.append("draining")
    state = page.get("state", {})
    if state.get("redis_ok") is False:
        words.append("redis is away")
    opened = [name for name, breaker in page.get("circuit_breakers", {}).items() if breaker != "closed"]
    words += [f"breaker {name} is {page['circuit_breakers'][name]}" for name in opened]
    return ", ".join(words)


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "nothing answers: it is not running"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return f"the connection broke: {type(error).__name__}"


def ask_breakers(instance: Instance, address: str, token: str | None = None) -> dict[str, str]:
    """The circuit breakers of an instance by name; raises UnavailableError."""
    with _client(token) as client:
        page = _json(client, "GET", instance, address, "/circuit-breakers")
    return dict(page["circuit_breakers"])


def reset_breakers(instance: Instance, address: str, token: str, name: str | None) -> list[str]:
    """Close the named breaker of an instance, all without a name; raises UnavailableError with its refusal."""
    with _client(token) as client:
        page = _json(client, "POST", instance, address, "/circuit-breakers/reset", {"name": name})
    return list(page["reset"])


def _json(
    client: httpx.Client, method: str, instance: Instance, address: str, path: str, body: object = None
) -> dict[str, Any]:
    try:
        response = client.request(method, _url(instance, address, path), json=body if method == "POST" else None)
        page: dict[str, Any] = response.json()
    except httpx.HTTPError as error:
        raise UnavailableError(f"{instance.service.name} on port {instance.port}: {_why(error)}") from None
    except ValueError:
        raise _strange(instance) from None
    if response.is_error:
        message = page.get("error", {}).get("message", f"HTTP status {response.status_code}")
        raise UnavailableError(f"{instance.service.name} on port {instance.port} refuses: {message}")
    return page


def _strange(instance: Instance) -> A2AError:
    return UnavailableError(f"what listens on port {instance.port} is not {instance.service.name}")


def _client(token: str | None) -> httpx.Client:
    headers = HOST_HEADER | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers)


def _url(instance: Instance, address: str, path: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{instance.port}{path}"

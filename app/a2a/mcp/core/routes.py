"""What operators and probes read: liveness, readiness, health, metrics, breakers, and the metadata for clients."""

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.scopes import METADATA_PREFIX, protected_resource_metadata
from app.a2a.mcp.core.settings import watchdog_seconds

BreakerState = Literal["closed", "half-open", "open"]


class Model(BaseModel):
    """An answer; what it holds is all that is sent."""

    model_config = ConfigDict(extra="forbid")


class Liveness(Model):
    """The event loop answers."""

    status: Literal["alive"]


class Readiness(Model):
    """Whether calls should be sent here; `reasons` says why not, `degraded` what is away that calls can do without."""

    status: Literal["ready", "not_ready"]
    reasons: list[str]
    degraded: list[str]


class StateHealth(Model):
    """Where shared state lives, and whether it answers; `ok` is null where there is nothing to ask."""

    store: Literal["memory", "redis"]
    redis_ok: bool | None


class CallHealth(Model):
    """Tool calls of this process."""

    served: int
    in_flight: int


class Health(Model):
    """One instance as an operator sees it."""

    status: Literal["ok", "degraded", "not_ready"]
    service: str
    instance: int
    version: str
    uptime_seconds: float
    ready: bool
    draining: bool
    state: StateHealth
    circuit_breakers: dict[str, BreakerState]
    calls: CallHealth
    watchdog_seconds: float | None


class Breakers(Model):
    """The state of each breaker by name."""

    circuit_breakers: dict[str, BreakerState]


class ResetRequest(Model):
    """Which breaker to close; without a name, all."""

    name: str | None = Field(default=None, max_length=128)


class ResetAnswer(Model):
    """The breakers that were reset."""

    reset: list[str]


class ErrorDetail(Model):
    """Where it was wrong (a JSON Pointer) and why."""

    path: str
    reason: str


class ErrorBody(Model):
    """Our error object."""

    code: str
    message: str
    details: list[ErrorDetail]


class ErrorAnswer(Model):
    """Every refusal outside the MCP endpoint."""

    error: ErrorBody


Responses = dict[int | str, dict[str, Any]]

REFUSALS: Responses = {
    401: {"model": ErrorAnswer, "description": "no valid credential"},
    403: {"model": ErrorAnswer, "description": "the permission is missing"},
    "default": {"model": ErrorAnswer, "description": "any other refusal"},
}


class ResourceMetadata(Model):
    """RFC 9728: what a client must know to send a credential."""

    resource: str
    resource_name: str
    scopes_supported: list[str]
    bearer_methods_supported: list[str]


def ops_router(runtime: Runtime) -> APIRouter:
    """The routes beside /mcp; who may read them is the authentication layer's business."""
    router = APIRouter(tags=["operations"])
    runtime.metrics.build_info(runtime.version, runtime.release, runtime.python)
    _add_probes(router, runtime)
    _add_reports(router, runtime)
    _add_breakers(router, runtime)
    path = f"{METADATA_PREFIX}/{runtime.service.name}/mcp"
    document = ResourceMetadata.model_validate(protected_resource_metadata(runtime.settings, runtime.service.name))

    @router.get(path)
    async def oauth_protected_resource() -> ResourceMetadata:
        """Where and how a client authenticates (RFC 9728)."""
        return document

    return router


async def readiness(runtime: Runtime) -> Readiness:
    """Whether this process takes calls; Redis away degrades it and does not make it unready."""
    reasons = []
    if not runtime.started:
        reasons.append("starting")
    if runtime.draining:
        reasons.append("draining")
    degraded = [] if await runtime.stores.ping() else ["redis"]
    return Readiness(status="not_ready" if reasons else "ready", reasons=reasons, degraded=degraded)


def _add_probes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/livez")
    async def livez() -> Liveness:
        """The process's event loop is alive."""
        return Liveness(status="alive")

    @router.get("/readyz", responses={503: {"model": Readiness, "description": "send calls elsewhere"}})
    async def readyz(response: Response) -> Readiness:
        """Whether calls should be sent to this instance."""
        answer = await readiness(runtime)
        response.status_code = 200 if answer.status == "ready" else 503
        return answer


def _add_reports(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/health", responses=REFUSALS)
    async def health() -> Health:
        """The instance in one page; it answers 200 also when it is not well, /readyz is the probe."""
        return await health_of(runtime)

    @router.get("/metrics", response_class=Response, responses=REFUSALS)
    async def metrics(request: Request) -> Response:
        """Prometheus text, or OpenMetrics when asked for."""
        page, content_type = runtime.metrics.exposition(request.headers.get("accept", ""))
        return Response(page, headers={"content-type": content_type})


async def health_of(runtime: Runtime) -> Health:
    """The page of /health."""
    ready = await readiness(runtime)
    breakers, store = runtime.breakers.states(), runtime.stores.kind
    well = not ready.degraded and "open" not in breakers.values()
    return Health(
        status="not_ready" if ready.reasons else "ok" if well else "degraded",
        service=runtime.service.name,
        instance=runtime.settings.port,
        version=runtime.version,
        uptime_seconds=round(time.time() - runtime.started_at, 3),
        ready=ready.status == "ready",
        draining=runtime.draining,
        state=StateHealth(store=store, redis_ok=not ready.degraded if store == "redis" else None),
        circuit_breakers=breakers,
        calls=CallHealth(served=runtime.metrics.calls_served, in_flight=runtime.metrics.calls_in_flight),
        watchdog_seconds=watchdog_seconds(),
    )


def _add_breakers(router: APIRouter, runtime: Runtime) -> None:
    unknown: Responses = {404: {"model": ErrorAnswer, "description": "no breaker has that name"}}
    invalid: Responses = {400: {"model": ErrorAnswer, "description": "the body does not fit"}}

    @router.get("/circuit-breakers", responses=REFUSALS)
    async def circuit_breakers() -> Breakers:
        """Every circuit breaker of this instance and its state."""
        return Breakers(circuit_breakers=runtime.breakers.states())

    @router.post("/circuit-breakers/reset", responses=REFUSALS | unknown | invalid)
    async def reset_circuit_breakers(body: Annotated[ResetRequest | None, Body()] = None) -> ResetAnswer:
        """Close all circuit breakers, or the one that is named."""
        return ResetAnswer(reset=await runtime.breakers.reset(body.name if body else None))

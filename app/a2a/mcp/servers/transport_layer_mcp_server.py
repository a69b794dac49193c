"""transport_layer: can I reach that server and how must I talk to it, and what is wrong with this message."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from app.a2a.mcp.core import Call, Runtime, Server, run
from app.a2a.mcp.domain.transport.inspection import inspect_text
from app.a2a.mcp.domain.transport.parsing import Framing
from app.a2a.mcp.domain.transport.rules import Direction
from app.a2a.mcp.errors import (
    A2AError,
    ConfigurationError,
    InvalidArgumentError,
    LimitExceededError,
    PermissionDeniedError,
)
from app.a2a.mcp.servers.transport_layer_negotiation import Agreed
from app.a2a.mcp.servers.transport_layer_probe import Probe, Step
from app.a2a.mcp.servers.transport_layer_results import (
    BreakerState,
    Check,
    CheckResult,
    HeaderName,
    HeaderValue,
    InspectedMessage,
    MessageError,
    MessageVerdict,
    ProbedEndpoint,
    ProtocolVersion,
    ServiceName,
    StreamEvent,
    Supports,
    Tls,
    ToolList,
)
from app.a2a.mcp.servers.transport_layer_stats import count_probe, probe_stats
from app.a2a.mcp.servers.transport_layer_wire import StepError, Target, connect, find_target

MAX_PROBES = 4
MAX_MESSAGE_BYTES = 256 * 1024
TOKEN_SECONDS = 60
LOOK_SECONDS = 1.0
ALL_CHECKS: tuple[Check, ...] = ("tcp", "tls", "health", "mcp", "tools")


@dataclass(slots=True)
class State:
    """Whose certificates are believed, and who is probing now."""

    trust: ssl.SSLContext
    probing: Counter[str] = field(default_factory=Counter)


server: Server[State] = Server(
    "transport_layer",
    instructions="Says whether and how a server can be reached, and what is wrong with an MCP message.",
)


@server.lifespan
async def open_state(runtime: Runtime) -> AsyncIterator[State]:
    """Read the system's authorities now: that takes long enough to be felt in a call."""
    yield State(ssl.create_default_context())


@server.tool(open_world=True, examples=({"service": "transport_layer", "checks": ["tcp"]},))
async def probe_endpoint(
    call: Call[State],
    service: Annotated[ServiceName | None, Field(description="this or url: a service of this fleet")] = None,
    url: Annotated[
        str | None, Field(min_length=1, max_length=2048, description="this or service: an endpoint the operator allows")
    ] = None,
    checks: Annotated[
        list[Check] | None, Field(min_length=1, max_length=5, description="absent: all that apply")
    ] = None,
    protocol_versions: Annotated[
        list[ProtocolVersion] | None, Field(min_length=1, max_length=5, description="what you can speak; absent: all")
    ] = None,
    timeout_ms: Annotated[int, Field(ge=100, le=10_000, description="for each step")] = 3000,
    bypass_breaker: Annotated[bool, Field(description="try although the circuit breaker is open")] = False,
) -> ProbedEndpoint:
    """Reach a server, find which MCP era, version and transport it speaks, and time each step.

    Use it when calls to a server fail or before the first one; for a message that a server refused take
    inspect_message. A server that cannot be reached is an answer (`reachable` false and the step that failed), not an
    error. URLs other than the fleet's services must be allowed by the operator and get no credential. At most 4 probes
    at once. Example: {"service": "vector_ranking"} → reachable, era modern, version 2026-07-28, 5 of 5 tools.
    """
    if (service is None) == (url is None):
        raise InvalidArgumentError.at("", "give exactly one of service and url")
    client, probing = call.caller.client_id, call.state.probing
    if probing[client] >= MAX_PROBES:
        raise LimitExceededError(f"a client may make {MAX_PROBES} probes at once")
    probing[client] += 1
    try:
        return await _probe(call, service, url, checks, protocol_versions, timeout_ms / 1000, bypass_breaker)
    finally:
        probing[client] -= 1
        probing += Counter()


async def _probe(
    call: Call[State],
    service: str | None,
    url: str | None,
    checks: list[Check] | None,
    versions: list[ProtocolVersion] | None,
    seconds: float,
    bypass: bool,
) -> ProbedEndpoint:
    breaker = call.runtime.breakers.get(service) if service and _known(call, service) else None
    try:
        async with asyncio.timeout(seconds):
            target = await _target(call, service, url)
    except (StepError, TimeoutError) as error:
        reason = error.reason if isinstance(error, StepError) else "timeout"
        step = Step("tcp", ok=False, latency_ms=0.0, reason=reason, detail="the name was not resolved")
        return _result(call, service, None, [step])

    async def unguarded(question: Any) -> None:
        await question()

    probe = Probe(
        target=target,
        health_path="/readyz" if service else "/health",
        token=_token(call, service) if service else None,
        seconds=seconds,
        trust=call.state.trust,
        guarded=unguarded if breaker is None or bypass else breaker.call,
    )
    await probe.run(_applying(checks, target, service), versions or KNOWN_PROTOCOL_VERSIONS)
    await count_probe(call.runtime, probe)
    return _result(call, service, probe, probe.steps)


def _applying(checks: list[Check] | None, target: Target, service: str | None) -> list[str]:
    """The checks that make sense: TLS for https, and health by default for services only."""
    wanted = checks or [check for check in ALL_CHECKS if check != "health" or service]
    return [check for check in wanted if check != "tls" or target.scheme == "https"]


async def _target(call: Call[State], service: str | None, url: str | None) -> Target:
    settings = call.runtime.settings
    if service is not None:
        port = call.runtime.registry.get(service).port
        base = settings.mcp_sister_url.rstrip("/").format(port=port, service=service)
        return await find_target(f"{base}/mcp", registered=True)
    text = url or ""
    host = text.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0].lower()
    if not {host, host.rpartition(":")[0]} & {name.lower() for name in settings.transport_allowed_targets}:
        raise PermissionDeniedError.at("/url", "target_not_allowed")
    return await find_target(text, registered=False)


def _known(call: Call[State], service: str) -> bool:
    if service not in call.runtime.registry.names:
        raise InvalidArgumentError.at("/service", f"must be one of {', '.join(call.runtime.registry.names)}")
    return True


def _token(call: Call[State], service: str) -> str | None:
    """Our own, for a minute, to read, and at that service alone."""
    try:
        tokens = call.runtime.authenticator.tokens_for(())
        return tokens.mint(f"service:{call.runtime.service.name}", ("read",), TOKEN_SECONDS, {}, (service,))
    except ConfigurationError:
        return None


def _result(call: Call[State], service: str | None, probe: Probe | None, steps: list[Step]) -> ProbedEndpoint:
    agreed = probe.agreed if probe else None
    found = agreed if agreed and agreed.era else None
    reachable = bool(probe and probe.reachable)
    return ProbedEndpoint(
        reachable=reachable,
        checks=[CheckResult(**asdict(step)) for step in steps],
        era=found.era if found else None,
        negotiated_version=found.version if found else None,
        server_versions=agreed.versions if agreed else [],
        transport=found.transport if found else None,
        supports=_supports(found),
        server_info=found.server_info if found else None,
        capabilities=found.capabilities if found else None,
        tools=_tools(call, service, probe.tools if probe else None),
        tls=Tls(**probe.tls) if probe and probe.tls else None,
        breaker=BreakerState(state=call.runtime.breakers.get(service).state if service else None),
        recommendation=_advice(reachable, found, steps),
    )


def _supports(found: Agreed | None) -> Supports:
    resources = (found.capabilities or {}).get("resources") if found else None
    return Supports(
        sse_stream=bool(found and found.transport),
        resumable=bool(found and found.session),
        subscriptions=isinstance(resources, dict) and bool(resources.get("subscribe")),
    )


def _tools(call: Call[State], service: str | None, names: list[str] | None) -> ToolList | None:
    if names is None:
        return None
    expected = call.runtime.registry.get(service).tools if service else None
    return ToolList(count=len(names), expected=expected, match=_match(len(names), expected), names=names)


def _match(count: int, expected: int | None) -> bool | None:
    """Fewer says nothing: a token that only reads is shown no tool that writes."""
    return None if expected is None or count < expected else count == expected


def _advice(reachable: bool, found: Agreed | None, steps: list[Step]) -> str:
    failed = next((step for step in steps if not step.ok), None)
    if found is not None and reachable:
        return f"use {found.transport} with MCP-Protocol-Version {found.version}"
    if failed is not None:
        return f"{failed.name} failed: {failed.reason}"
    return "reachable; run the mcp check to learn what it speaks"


@server.tool(
    examples=(
        {"message": '{"jsonrpc":"2.0","method":1,"params":"bar"}'},
        {"message": "[1,2,3]", "protocol_version": "2025-03-26"},
    )
)
async def inspect_message(
    call: Call[State],
    message: Annotated[str, Field(max_length=MAX_MESSAGE_BYTES, description="raw text, at most 256 KiB")],
    framing: Annotated[Framing, Field(description="auto tells JSON, event streams and lines of JSON apart")] = "auto",
    protocol_version: ProtocolVersion = "2026-07-28",
    direction: Direction = "client_to_server",
    headers: Annotated[
        dict[HeaderName, HeaderValue] | None, Field(max_length=64, description="HTTP headers to check with the body")
    ] = None,
) -> InspectedMessage:
    """Check one JSON-RPC/MCP message, or an event stream, against a protocol revision and say exactly what is wrong.

    Use it when a server refused your message, or before you send one you built yourself; to see whether a server can
    be reached take probe_endpoint. Nothing is sent anywhere. The first error is what a server would answer with.
    Example: {"jsonrpc":"2.0","method":1,"params":"bar"} → -32600 at /method, HTTP 400.
    """
    size = len(message.encode("utf-8", errors="surrogatepass"))
    if size > MAX_MESSAGE_BYTES:
        raise LimitExceededError.at("/message", f"has {size} bytes: at most {MAX_MESSAGE_BYTES}")
    found = await call.run(inspect_text, message, framing, protocol_version, direction, headers)
    return InspectedMessage(
        valid=not found.errors,
        kind=found.kind,
        messages=[MessageVerdict(**asdict(one)) for one in found.messages],
        errors=[MessageError(http_status=one.http_status, **asdict(one)) for one in found.errors],
        warnings=found.warnings,
        sse_events=[StreamEvent(**asdict(event)) for event in found.events],
        last_event_id=found.last_event_id,
        bytes=size,
        canonical=found.canonical,
    )


@server.resource("transport://services", description="The services of this fleet: ports, tools, health, breakers")
async def services(call: Call[State]) -> dict[str, Any]:
    """The registry, with who takes connections right now."""
    registry, states = call.runtime.registry, call.runtime.breakers.states()
    reached = await asyncio.gather(*(_takes_connections(call, service.name) for service in registry))
    return {
        "services": [
            {
                "name": service.name,
                "port": service.port,
                "tools": service.tools,
                "health": "reachable" if up else "unreachable",
                "breaker": states.get(service.name, "closed"),
            }
            for service, up in zip(registry, reached, strict=True)
        ]
    }


async def _takes_connections(call: Call[State], service: str) -> bool:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await connect(await _target(call, service, None))
    except (OSError, StepError, A2AError):
        return False
    return True


@server.resource(
    "transport://stats", description="The fleet's probes by transport and version, and this instance's calls"
)
async def stats(call: Call[State]) -> dict[str, Any]:
    """Probes of all instances that share a store, ever; calls since this process started."""
    metrics = call.runtime.metrics
    return {
        "calls": {"served": metrics.calls_served, "in_flight": metrics.calls_in_flight},
        "probes": await probe_stats(call.runtime),
        "store": call.runtime.stores.kind,
    }


@server.resource("transport://protocol-versions", description="The revisions of MCP known here, and how each begins")
async def protocol_versions() -> dict[str, Any]:
    """Oldest first."""
    return {
        "versions": [
            {
                "version": version,
                "era": "modern" if version in MODERN_PROTOCOL_VERSIONS else "handshake",
                "opens_with": "server/discover" if version in MODERN_PROTOCOL_VERSIONS else "initialize",
            }
            for version in KNOWN_PROTOCOL_VERSIONS
        ],
        "newest": KNOWN_PROTOCOL_VERSIONS[-1],
        "newest_with_handshake": HANDSHAKE_PROTOCOL_VERSIONS[-1],
    }


@server.prompt(description="Find out why a connection to a service does not work")
async def diagnose_connection(
    service: Annotated[str, Field(description="name of the service, as transport://services lists them")],
    symptom: Annotated[str, Field(description="what happened: a status, an error, a message")] = "",
) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    seen = f" What was seen: {symptom[:2000]}" if symptom else ""
    return (
        f"Find out why {service[:64]!r} cannot be used.{seen}\n"
        "1. Read transport://services: is it known, does it take connections, is its breaker closed?\n"
        "2. Call probe_endpoint with that service. The first check that is not ok is where to look; with an open "
        "breaker call it once more with bypass_breaker true.\n"
        "3. If it is reachable and a message was refused, call inspect_message with the raw message, its headers and "
        "the negotiated version. Say what to change, and quote the rule."
    )


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object, call: Call[State]
) -> Completion | None:
    """The services that begin with what was typed."""
    if not isinstance(ref, PromptReference) or (ref.name, argument.name) != ("diagnose_connection", "service"):
        return None
    names = call.runtime.registry.names
    return Completion(values=[name for name in names if name.startswith(argument.value.casefold())])


if __name__ == "__main__":
    run(server)

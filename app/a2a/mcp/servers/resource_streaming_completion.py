"""What completes the URI of a live resource: only of namespaces the caller may see, and only what exists there."""

from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from app.a2a.mcp.core import Call
from app.a2a.mcp.domain.streams.address import SHARED, SYSTEM, may_see

MOST_VALUES = 100
"""What an answer may hold (MCP 2025-11-25, completion)."""


async def complete_uri(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
    call: Call[object],
) -> Completion | None:
    """URIs for the prompt; namespaces, and paths within the chosen one, for the template."""
    if isinstance(ref, PromptReference):
        found = await _uris(call) if argument.name == "uri" else []
    elif argument.name == "namespace":
        found = list(_namespaces(call))
    elif argument.name == "path":
        chosen = ((context.arguments if context else None) or {}).get("namespace", "")
        start = f"stream://{chosen}/"
        found = [uri.removeprefix(start) for uri in await _uris(call, chosen)]
    else:
        return None
    fitting = [value for value in found if value.startswith(argument.value)]
    return Completion(values=fitting[:MOST_VALUES], total=len(fitting), has_more=len(fitting) > MOST_VALUES)


def _namespaces(call: Call[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((call.caller.client_id, SHARED, SYSTEM)))


async def _uris(call: Call[object], namespace: str | None = None) -> list[str]:
    """What lives in the namespace, or in each the caller may see; nothing of one they may not."""
    store, client = call.runtime.stores.streams, call.caller.client_id
    visible = [name for name in _namespaces(call) if namespace in (None, name)]
    return [uri for name in visible for uri in await store.live(name) if may_see(uri, client)]

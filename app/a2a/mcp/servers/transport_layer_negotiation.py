"""How to find out what a server speaks: `server/discover` first, then the handshake, then the oldest transport."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_types import PROTOCOL_VERSION_META_KEY, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from app.a2a.mcp.domain.transport.event_stream import parse_event_stream
from app.a2a.mcp.domain.transport.rules import CAPABILITIES_META_KEY
from app.a2a.mcp.servers.transport_layer_wire import Answer, StepError, Wire

ACCEPT = "application/json, text/event-stream"
CLIENT = {"name": "transport_layer", "version": "1"}
SESSION_HEADER = "mcp-session-id"
MAX_TOOLS = 1000


@dataclass(slots=True)
class Agreed:
    """What was agreed on."""

    era: str | None = None
    version: str | None = None
    versions: list[str] = field(default_factory=list)
    transport: str | None = None
    server_info: dict[str, Any] | None = None
    capabilities: dict[str, Any] | None = None
    session: str | None = None


class Negotiation:
    """One try to talk to the server at `path`, with the versions the client can speak."""

    def __init__(self, wire: Wire, path: str, versions: Sequence[str]) -> None:
        self._wire = wire
        self._path = path
        self._can = [version for version in KNOWN_PROTOCOL_VERSIONS if version in versions]
        self.agreed = Agreed()

    async def run(self) -> Agreed:
        """Agree; raises StepError when there is nothing to agree on."""
        modern = [version for version in self._can if version in MODERN_PROTOCOL_VERSIONS]
        if modern and await self._discover(modern[-1]):
            return self.agreed
        if not [version for version in self._can if version in HANDSHAKE_PROTOCOL_VERSIONS]:
            raise StepError("no_shared_version", ", ".join(self.agreed.versions))
        await self._initialize()
        return self.agreed

    async def tools(self) -> list[str]:
        """The names of the tools, all pages."""
        names: list[str] = []
        cursor: str | None = None
        while len(names) < MAX_TOOLS:
            answer = await self._send("tools/list", {"cursor": cursor} if cursor else {})
            result = answer.message().get("result")
            if not isinstance(result, dict) or not isinstance(result.get("tools"), list):
                raise StepError("tools_refused", f"HTTP {answer.status}")
            names += [str(tool.get("name")) for tool in result["tools"] if isinstance(tool, dict)]
            cursor = result.get("nextCursor")
            if not isinstance(cursor, str):
                break
        return names[:MAX_TOOLS]

    async def end(self) -> None:
        """Close the session that was opened, if there was one."""
        if self.agreed.session:
            await self._wire.ask("DELETE", self._path, headers=self._head("", self.agreed.version or ""))

    async def _discover(self, version: str) -> bool:
        answer = await self._send("server/discover", {}, version)
        message = answer.message()
        result, error = message.get("result"), message.get("error")
        if isinstance(error, dict) and error.get("code") == UNSUPPORTED_PROTOCOL_VERSION:
            data = error.get("data")
            named = data.get("supported") if isinstance(data, dict) else None
            self.agreed.versions = [str(one) for one in named] if isinstance(named, list) else []
            shared = [v for v in self._can if v in self.agreed.versions and v in MODERN_PROTOCOL_VERSIONS]
            return bool(shared) and shared[-1] != version and await self._discover(shared[-1])
        if answer.status in (401, 403):
            raise StepError("unauthorized", f"HTTP {answer.status}")
        if answer.status >= 500:
            raise StepError("server_error", f"HTTP {answer.status}")
        if not isinstance(result, dict) or "supportedVersions" not in result:
            return False
        meta = result.get("_meta")
        info = result.get("serverInfo") or (meta or {}).get("io.modelcontextprotocol/serverInfo")
        named = result["supportedVersions"]
        self.agreed.versions = [str(one) for one in named] if isinstance(named, list) else []
        self._take("modern", version, info, result.get("capabilities"))
        return True

    async def _initialize(self) -> None:
        offered = [version for version in self._can if version in HANDSHAKE_PROTOCOL_VERSIONS][-1]
        params = {"protocolVersion": offered, "capabilities": {}, "clientInfo": CLIENT}
        answer = await self._send("initialize", params, offered)
        result = answer.message().get("result")
        if not isinstance(result, dict):
            if answer.status in (401, 403):
                raise StepError("unauthorized", f"HTTP {answer.status}")
            if answer.status >= 500:
                raise StepError("server_error", f"HTTP {answer.status}")
            await self._look_for_old_transport()
            return
        version = str(result.get("protocolVersion"))
        self.agreed.session = answer.headers.get(SESSION_HEADER)
        self.agreed.versions = self.agreed.versions or [version]
        if version not in self._can:
            self.agreed.version = version
            raise StepError("no_shared_version", version)
        self._take("handshake", version, result.get("serverInfo"), result.get("capabilities"))
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await self._wire.ask("POST", self._path, body=note, headers=self._head("notifications/initialized", version))

    async def _look_for_old_transport(self) -> None:
        """Only an `endpoint` event on a stream that GET opens is the transport of 2024-11-05."""
        answer = await self._wire.ask("GET", self._path, headers={"Accept": "text/event-stream"}, enough=_has_event)
        events, _ = parse_event_stream(answer.text)
        if answer.status != 200 or not any(event.event == "endpoint" for event in events):
            raise StepError("not_mcp", f"HTTP {answer.status}")
        self.agreed.era, self.agreed.transport = "handshake", "http_sse"
        self.agreed.version = HANDSHAKE_PROTOCOL_VERSIONS[0]
        self.agreed.versions = [HANDSHAKE_PROTOCOL_VERSIONS[0]]

    def _take(self, era: str, version: str, info: Any, capabilities: Any) -> None:
        self.agreed.era, self.agreed.version, self.agreed.transport = era, version, "streamable_http"
        self.agreed.server_info = info if isinstance(info, dict) else None
        self.agreed.capabilities = capabilities if isinstance(capabilities, dict) else None

    async def _send(self, method: str, params: dict[str, Any], version: str | None = None) -> Answer:
        version = version or self.agreed.version or self._can[-1]
        if version in MODERN_PROTOCOL_VERSIONS:
            meta = {
                PROTOCOL_VERSION_META_KEY: version,
                CAPABILITIES_META_KEY: {},
                "io.modelcontextprotocol/clientInfo": CLIENT,
            }
            params = {**params, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        head = self._head(method, version)
        # A server may keep the stream of an answer open: the message that was waited for is enough.
        return await self._wire.ask("POST", self._path, body=body, headers=head, enough=_has_message)

    def _head(self, method: str, version: str) -> dict[str, str]:
        head = {"Accept": ACCEPT}
        if method != "initialize":
            head["MCP-Protocol-Version"] = version
        if version in MODERN_PROTOCOL_VERSIONS:
            head["Mcp-Method"] = method
        if self.agreed.session:
            head[SESSION_HEADER] = self.agreed.session
        return head


def _has_event(text: str) -> bool:
    return bool(parse_event_stream(text)[0])


def _has_message(text: str) -> bool:
    return text.endswith(("\n\n", "\r\n\r\n")) and "data:" in text and '"jsonrpc"' in text

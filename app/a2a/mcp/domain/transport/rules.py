"""What a revision of MCP asks of one JSON-RPC message and of the headers it comes with.

Methods and shapes are those of the SDK's wire models, one set for each revision.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from mcp_types.methods import CLIENT_NOTIFICATIONS, CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

Direction = Literal["client_to_server", "server_to_client"]
Kind = Literal["request", "notification", "response", "error", "unparseable"]

CAPABILITIES_META_KEY = "io.modelcontextprotocol/clientCapabilities"
TOOL_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
BATCH_VERSION = "2025-03-26"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `path` is a JSON Pointer into the message, or /headers/<name>."""

    code: int
    path: str
    rule: str
    message: str

    @property
    def http_status(self) -> int:
        """The status that a server answers with."""
        return 404 if self.code == METHOD_NOT_FOUND else 400


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is judged against."""

    version: str
    direction: Direction
    headers: Mapping[str, str] | None

    @property
    def modern(self) -> bool:
        """Whether the revision has no handshake."""
        return self.version in MODERN_PROTOCOL_VERSIONS


def kind_of(message: Any) -> Kind:
    """What a message means to be."""
    if not isinstance(message, dict):
        return "unparseable"
    if "method" in message:
        return "request" if "id" in message else "notification"
    return "error" if "error" in message else "response" if "result" in message else "unparseable"


def findings(message: Any, context: Context) -> Iterator[Finding]:
    """What is wrong with one message, what a server would notice first coming first."""
    if not isinstance(message, dict):
        yield Finding(INVALID_REQUEST, "", "object", "a message is a JSON object")
        return
    if message.get("jsonrpc") != "2.0":
        yield Finding(INVALID_REQUEST, "/jsonrpc", "version", 'must be "2.0"')
    yield from _shape(message)
    method = message.get("method")
    if isinstance(method, str):
        yield from _call(message, method, context)


def warnings(message: Any) -> Iterator[str]:
    """What is allowed and still unwise."""
    if isinstance(message, dict) and message.get("method") == "tools/call" and isinstance(message.get("params"), dict):
        name = message["params"].get("name")
        if isinstance(name, str) and not TOOL_NAME.fullmatch(name):
            yield "/params/name: a tool's name should be 1 to 128 of A-Z a-z 0-9 . _ -"


def _shape(message: Mapping[str, Any]) -> Iterator[Finding]:
    kind = kind_of(message)
    if kind == "unparseable":
        yield Finding(INVALID_REQUEST, "/method", "required", "a message has a method, a result or an error")
        return
    if "method" in message and not isinstance(message["method"], str):
        yield Finding(INVALID_REQUEST, "/method", "type", "must be a string")
    if "id" in message and (isinstance(message["id"], bool) or not isinstance(message["id"], str | int)):
        absent = kind == "error" and message["id"] is None
        if not absent:
            yield Finding(INVALID_REQUEST, "/id", "id", "must be a string or an integer, never null")
    if kind == "response" and "id" not in message:
        yield Finding(INVALID_REQUEST, "/id", "required", "a result names the request it answers")
    if "result" in message and ("error" in message or "method" in message):
        yield Finding(INVALID_REQUEST, "/result", "exclusive", "a message has one of method, result and error")
    if "method" in message and not isinstance(message.get("params", {}), dict):
        yield Finding(INVALID_PARAMS, "/params", "type", "must be an object")
    if kind == "error":
        yield from _error(message["error"])


def _error(error: Any) -> Iterator[Finding]:
    if not isinstance(error, dict):
        yield Finding(INVALID_REQUEST, "/error", "type", "must be an object")
        return
    if isinstance(error.get("code"), bool) or not isinstance(error.get("code"), int):
        yield Finding(INVALID_REQUEST, "/error/code", "type", "must be an integer")
    if not isinstance(error.get("message"), str):
        yield Finding(INVALID_REQUEST, "/error/message", "type", "must be a string")


def _call(message: Mapping[str, Any], method: str, context: Context) -> Iterator[Finding]:
    from_client = context.direction == "client_to_server"
    if "id" in message:
        models = CLIENT_REQUESTS if from_client else SERVER_REQUESTS
    else:
        models = CLIENT_NOTIFICATIONS if from_client else SERVER_NOTIFICATIONS
    model = models.get((method, context.version))
    if model is None:
        where = "from a client" if from_client else "from a server"
        yield Finding(METHOD_NOT_FOUND, "/method", "method", f"{context.version} has no {method[:64]!r} {where}")
        return
    params = message.get("params", {})
    if not isinstance(params, dict):
        return
    if context.modern and from_client and "id" in message:
        yield from _meta(params, context)
    if context.headers is not None and from_client:
        yield from _headers(method, params, context)
    yield from _model(model, message)


def _meta(params: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        yield Finding(INVALID_PARAMS, "/params/_meta", "meta", "must hold protocol version and client capabilities")
        return
    version, place = meta.get(PROTOCOL_VERSION_META_KEY), f"/params/_meta/{_escaped(PROTOCOL_VERSION_META_KEY)}"
    if not isinstance(version, str):
        yield Finding(INVALID_PARAMS, place, "meta", "must name the protocol version")
    elif version != context.version:
        known = "another revision" if version in KNOWN_PROTOCOL_VERSIONS else "no known revision"
        yield Finding(UNSUPPORTED_PROTOCOL_VERSION, place, "meta_version", f"names {known}, not {context.version}")
    if not isinstance(meta.get(CAPABILITIES_META_KEY), dict):
        place = f"/params/_meta/{_escaped(CAPABILITIES_META_KEY)}"
        yield Finding(INVALID_PARAMS, place, "meta", "must be the client's capabilities, an object")


def _headers(method: str, params: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    headers = {name.lower(): value.strip() for name, value in (context.headers or {}).items()}
    if not context.modern:
        sent = headers.get("mcp-protocol-version")
        if sent is not None and sent != context.version:
            path = "/headers/mcp-protocol-version"
            yield Finding(INVALID_REQUEST, path, "header", f"is not {context.version}, which was negotiated")
        return
    wanted = {"mcp-protocol-version": context.version, "mcp-method": method}
    if method in NAMED_BY and isinstance(params.get(NAMED_BY[method]), str):
        wanted["mcp-name"] = params[NAMED_BY[method]]
    for name, value in wanted.items():
        if name not in headers:
            yield Finding(HEADER_MISMATCH, f"/headers/{name}", "header", f"is missing: must be {value[:64]!r}")
        elif _decoded(headers[name]) != value:
            yield Finding(HEADER_MISMATCH, f"/headers/{name}", "header", "differs from the body")


def _model(model: Any, message: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        model.model_validate(message)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            path = "".join(f"/{_escaped(str(part))}" for part in item["loc"])
            if path.startswith("/params/") and not path.startswith("/params/_meta"):
                yield Finding(INVALID_PARAMS, path, "schema", item["msg"])


def _decoded(value: str) -> str:
    """A header's value; what ASCII cannot carry comes as `=?base64?…?=`."""
    match = re.fullmatch(r"=\?base64\?([A-Za-z0-9+/=]*)\?=", value)
    if match is None:
        return value
    try:
        return base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, ValueError):
        return value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

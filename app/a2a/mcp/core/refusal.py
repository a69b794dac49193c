"""How HTTP refuses, in one shape: a JSON-RPC error on the MCP endpoint, our error object elsewhere."""

from collections.abc import Iterable

import orjson
from starlette.types import Scope, Send

from app.a2a.mcp.errors import A2AError

MCP_PATH = "/mcp"
SERVER_ERROR = -32000
"""JSON-RPC 2.0 §5.1: the first code of the range a server may define."""

STATUS = {
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "conflict": 409,
    "limit_exceeded": 413,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
    "deadline_exceeded": 504,
}


async def refuse(
    scope: Scope,
    send: Send,
    error: A2AError,
    status: int | None = None,
    headers: Iterable[tuple[bytes, bytes]] = (),
    rpc_code: int = SERVER_ERROR,
) -> None:
    """Answer with the error; `status` defaults to its code's, `rpc_code` is used on the MCP endpoint only."""
    body = orjson.dumps(refusal_body(scope["path"], error, rpc_code))
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    status = status or STATUS.get(error.code, 500)
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def refusal_body(path: str, error: A2AError, rpc_code: int = SERVER_ERROR) -> dict[str, object]:
    """The refusal as an object: an envelope with `id` null on the MCP endpoint, `{error: …}` elsewhere."""
    if path != MCP_PATH:
        return {"error": error.as_dict()}
    return {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": rpc_code, "message": error.message, "data": error.as_dict()},
    }

"""How clients of the first deployments call, accepted and never listed: `{"method": TOOL, "params": {…}}`.

Such a body has no envelope, and its tool names end in `_mcp`; it is turned into the tools/call that it means.
"""

from collections.abc import Callable

import orjson

SUFFIX = "_mcp"
REQUEST_ID = 1
"""The older form has no id; its answer is a JSON-RPC response to this one."""

KnownAs = Callable[[str], str | None]


def enveloped(body: bytes, known_as: KnownAs) -> bytes:
    """The tools/call a body of the older form means; any other body as it is.

    `known_as` gives the tool that a name means. Only a known tool is taken: what merely lacks its envelope is refused
    as the broken message it is.
    """
    # A message of today names its envelope, so it costs no second parse.
    if b'"jsonrpc"' in body:
        return body
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(message, dict) or not {"method"} <= message.keys() <= {"method", "params"}:
        return body
    method, arguments = message["method"], message.get("params", {})
    tool = known_as(method) if isinstance(method, str) else None
    if tool is None:
        return body
    params = {"name": tool, "arguments": arguments}
    return orjson.dumps({"jsonrpc": "2.0", "id": REQUEST_ID, "method": "tools/call", "params": params})

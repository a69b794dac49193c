"""A client of one menu as its tests speak: a structured result or refusal, a resource as JSON, a text of a prompt."""

import json
import re
from typing import Any

from app.a2a.mcp.core.server import Server


class Ask:
    """`await ask(tool, **arguments)` is the structured result; `error=True` expects a refusal and is its error."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def __call__(self, tool: str, *, error: bool = False, **arguments: Any) -> Any:
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error is error, result.structured_content
        return result.structured_content["error"] if error else result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> tuple[str, str]:
        """The code of a refusal, and where in the arguments it first lies."""
        error = await self(tool, error=True, **arguments)
        return error["code"], error["details"][0]["path"]

    async def read(self, uri: str) -> Any:
        """A resource of JSON."""
        return json.loads((await self.client.read_resource(uri)).contents[0].text)

    async def prompt(self, name: str, **arguments: str) -> str:
        """The text of a prompt."""
        text: str = (await self.client.get_prompt(name, arguments)).messages[0].content.text
        return text

    async def check_pure_and_exemplary(self, server: Server[Any], tools: int) -> None:
        """There are so many tools, each changes nothing, has examples, and answers them."""
        listed = (await self.client.list_tools()).tools
        assert len(listed) == tools
        assert all(tool.annotations.read_only_hint and tool.annotations.idempotent_hint for tool in listed)
        for name, spec in server.tools.items():
            assert spec.examples, name
            for example in spec.examples:
                await self(name, **example)


def check_tools_named(server: Server[Any], text: str, like: str) -> None:
    """The text names tools, and of the words that look `like` one, each is a tool."""
    named = set(re.findall(like, text))
    assert named
    assert named <= set(server.tools)

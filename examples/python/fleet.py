"""The way to the fleet: address, key and CA from the environment or from flags, and a patient, honest connection.

A2A_URL      https://HOST           --url
A2A_API_KEY  the key itself         --key-file FILE (a key on the command line would show in `ps`)
A2A_CA       FILE.crt, of a fleet whose certificate no public authority signed   --ca
"""

import argparse
import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp
from mcp.client.streamable_http import streamable_http_client

LONGEST_WAIT = 90
"""Seconds of pauses that a request obeys before its refusal counts."""


class FleetError(Exception):
    """Something a person must mend; its text says what."""


class ToolError(FleetError):
    """A tool refused the call; `code` is one of the fleet's: invalid_argument, not_found, conflict, …"""

    def __init__(self, tool: str, error: dict[str, Any]) -> None:
        self.code: str = error["code"]
        details = "".join(f"\n  {detail['path']} {detail['reason']}" for detail in error["details"])
        super().__init__(f"{tool}: {error['message']} ({self.code}){details}")


class PatientClient(httpx2.AsyncClient):
    """An HTTP client that waits when it is told to: 429 and 503 with Retry-After (RFC 9110, 10.2.3)."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """The answer, after the pauses that the fleet asked for and LONGEST_WAIT at most."""
        waited = 0
        while True:
            response = await super().send(request, **options)
            wait = response.headers.get("Retry-After", "")
            if response.status_code not in (429, 503) or not wait.isdigit() or waited + int(wait) > LONGEST_WAIT:
                return response
            await response.aclose()
            print(f"The fleet asks for a pause of {wait} s.", file=sys.stderr)
            waited += max(1, int(wait))
            await asyncio.sleep(max(1, int(wait)))


class Service:
    """One of the nine services. `client` is the official client, for all that is not a tool call."""

    def __init__(self, client: mcp.Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        """A tool's structured answer. Raises ToolError where the tool says that it could not."""
        answer: Any = await self.client.call_tool(tool, arguments)
        if answer.is_error:
            raise ToolError(tool, answer.structured_content["error"])
        return answer.structured_content


class Fleet:
    """A deployed fleet as its address, a key and a TLS context."""

    def __init__(self, url: str, key: str, tls: ssl.SSLContext) -> None:
        self.url, self._key, self._tls = url.rstrip("/"), key, tls

    @asynccontextmanager
    async def service(self, name: str) -> AsyncIterator[Service]:
        """A connection to one service, in whichever era of the protocol both sides speak."""
        headers = {"Authorization": f"Bearer {self._key}"}
        # A standing stream may be silent for as long as it likes; what a call may take, the MCP client bounds.
        timeout = httpx2.Timeout(10, read=None)
        async with PatientClient(headers=headers, verify=self._tls, timeout=timeout) as http:
            transport = streamable_http_client(f"{self.url}/{name}/mcp", http_client=http)
            async with mcp.Client(transport, read_timeout_seconds=300) as client:
                yield Service(client)


def arguments_of(description: str) -> argparse.ArgumentParser:
    """A command line that asks where the fleet is."""
    parser = argparse.ArgumentParser(description=description, epilog="Set A2A_URL, A2A_API_KEY and A2A_CA, or:")
    parser.add_argument("--url", default=os.environ.get("A2A_URL"), help="the fleet, such as https://192.0.2.10")
    parser.add_argument("--key-file", type=Path, help="file that holds the API key")
    parser.add_argument("--ca", default=os.environ.get("A2A_CA"), help="PEM file of the authority to trust")
    return parser


def run(parser: argparse.ArgumentParser, main: Callable[[Fleet, argparse.Namespace], Awaitable[None]]) -> None:
    """Read the command line, run the program, and end with status 1 and one clear line where it fails."""
    options = parser.parse_args()
    fleet = _fleet(parser, options)
    try:
        asyncio.run(_unwrapped(main(fleet, options)))
    except FleetError as error:
        sys.exit(f"error: {error}")
    except mcp.MCPError as error:
        sys.exit(f"error: {_refusal(fleet, error)}")
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        sys.exit(f"error: {_no_answer(fleet, error)}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
    except OSError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _fleet(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Fleet:
    if not options.url:
        parser.error("where is the fleet? Set A2A_URL or give --url")
    if not options.url.startswith("https://"):
        parser.error(f"the fleet's address must begin with https://, and {options.url} does not")
    try:
        key = options.key_file.read_text().strip() if options.key_file else os.environ.get("A2A_API_KEY", "")
    except OSError as error:
        parser.error(f"the key cannot be read: {error}")
    if not key:
        parser.error("with which key? Set A2A_API_KEY or give --key-file")
    if not key.isascii() or not key.isprintable():
        parser.error("the API key holds a character that no key has: is it the right file?")
    try:
        tls = ssl.create_default_context(cafile=options.ca or None)
    except OSError as error:
        parser.error(f"{options.ca} is no certificate to trust: {error}")
    return Fleet(options.url, key, tls)


async def _unwrapped(work: Awaitable[None]) -> None:
    """The client's task groups wrap whatever happens inside them; one failure says more than a group of one."""
    try:
        await work
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _refusal(fleet: Fleet, error: mcp.MCPError) -> str:
    code = error.error.data.get("code") if isinstance(error.error.data, dict) else None
    if code == "unauthenticated":
        return f"{fleet.url} refuses the key: {error.error.message}"
    if error.error.message == "Not Found":
        return f"{fleet.url} answers, but has no such service: is it the fleet's address?"
    return f"{fleet.url} says: {error.error.message}"


def _no_answer(fleet: Fleet, error: Exception) -> str:
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return f"the certificate of {fleet.url} is not trusted: set A2A_CA to the file of its authority ({reason})"
    return f"{fleet.url} does not answer: {reason}"

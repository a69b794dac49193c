"""Whatever a caller sends to a tool, valid or broken, is answered by its schema or refused in full.

Each tool gets GENERATED_INPUTS arguments (25; `make test` sends 1,000), in both eras in turn, through every layer of
the real application over a real Redis: no 5xx, no traceback in answer or log, no hang.
"""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import jsonschema_rs
import orjson
import pytest

from app.a2a.mcp.core.refusal import STATUS
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.core.schemas import arguments_model, input_schema, output_schema
from app.a2a.mcp.core.tools import ToolSpec
from docs.live_fleet import LiveFleet, menu
from tests.contract.inputs import inputs
from tests.contract.listing import META
from tests.core.asgi import scope_of

COUNT = int(os.environ.get("GENERATED_INPUTS", "25"))
AT_ONCE = 4
CALL_MILLISECONDS = 4000
HANG_SECONDS = 60
"""Far over the deadline of a call: on a busy machine an answer may be late, but it must come."""

REFUSED_BY_SCHEMA = {"invalid_argument", "limit_exceeded", "deadline_exceeded"}
"""The last where the machine is so busy that the time was over before the arguments were looked at."""

TOOLS = [(service.name, tool) for service in load_registry() for tool in menu(service.name).tools]
TRACES = re.compile(rb'Traceback|File \\?"|\.py\b.{0,20}line \d|0x[0-9a-f]{8}|pydantic|site-packages')


@dataclass
class Judge:
    """What an answer of one tool must be; collects what was wrong, with what was sent."""

    takes: Any
    gives: Any
    wrong: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)

    def judge(self, sent: bytes, status: int, body: bytes) -> None:
        """Look at one exchange."""
        problem = self._problem(sent, status, body)
        if problem:
            self.wrong.append(f"{problem}\n  sent: {sent[:300]!r} ({len(sent)} bytes)\n  got {status}: {body[:600]!r}")

    def _problem(self, sent: bytes, status: int, body: bytes) -> str | None:
        if status not in (200, 400, 413):
            return f"HTTP {status}"
        if TRACES.search(body):
            return "the inside shows"
        answer = orjson.loads(body)
        valid = self._fits(sent)
        if "error" in answer:
            self._count("protocol error")
            error = answer["error"].get("data")
            if valid and error and error["code"] != "limit_exceeded":  # what is nested too deep may still fit a schema
                return "a valid call is refused"
            return _incomplete(error, named=False)
        content = answer["result"]["structuredContent"]
        if not answer["result"].get("isError"):
            self._count("answered")
            found = next(self.gives.iter_errors(content), None)
            return f"not by the output schema: {found}" if found else None if valid else "answered what does not fit"
        error = content.get("error")
        self._count(error.get("code", "?"))
        if not valid and error["code"] not in REFUSED_BY_SCHEMA:
            return "what does not fit is not refused as such"
        return _incomplete(error, named=error["code"] == "invalid_argument")

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def _fits(self, sent: bytes) -> bool:
        try:
            # `arguments: null` is the same as none.
            return bool(self.takes.is_valid(orjson.loads(sent) or {} if sent == b"null" else orjson.loads(sent)))
        except orjson.JSONDecodeError:
            return False


def _incomplete(error: Any, *, named: bool) -> str | None:
    """What an error object lacks: a code of the closed list, a sentence, and (`named`) where and why."""
    if not isinstance(error, dict) or set(error) != {"code", "message", "details"}:
        return "no error object"
    if error["code"] not in STATUS or error["code"] == "internal" or not error["message"].strip():
        return "the error says nothing"
    for detail in error["details"]:
        if set(detail) != {"path", "reason"} or not detail["reason"].strip():
            return "a detail says nothing"
        if detail["path"] and not detail["path"].startswith("/"):
            return "a path is no JSON Pointer"
    return "the error names no place" if named and not error["details"] else None


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing was logged as an error, and no traceback."""
    with caplog.at_level(logging.WARNING):
        yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR or record.exc_info]
    assert not [record.getMessage() for record in loud]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("service", "tool"), TOOLS, ids=lambda value: value)
def test_every_input_is_answered_by_the_schema_or_refused_in_full(fleet: LiveFleet, service: str, tool: str) -> None:
    spec: ToolSpec = menu(service).tools[tool]
    takes, gives = input_schema(arguments_model(spec.function)), output_schema(spec.function.__annotations__["return"])
    judge = Judge(jsonschema_rs.validator_for(takes), jsonschema_rs.validator_for(gives))
    sent = inputs(takes, [dict(example) for example in spec.examples], COUNT, tool)
    assert len(sent) == COUNT
    fleet.portal.call(_send_all, fleet, service, tool, sent, judge)
    if judge.wrong:
        pytest.fail(f"{len(judge.wrong)} of {COUNT}:\n" + "\n".join(judge.wrong[:5]), pytrace=False)
    assert sum(judge.outcomes.values()) == COUNT and judge.outcomes["answered"], judge.outcomes


async def _send_all(fleet: LiveFleet, service: str, tool: str, sent: list[bytes], judge: Judge) -> None:
    pending = iter(enumerate(sent))

    async def worker() -> None:
        for place, arguments in pending:
            with anyio.fail_after(HANG_SECONDS):
                status, body = await _call(fleet, service, tool, arguments, modern=place % 2 == 0)
            judge.judge(arguments, status, body)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(worker)


async def _call(fleet: LiveFleet, service: str, tool: str, arguments: bytes, *, modern: bool) -> tuple[int, bytes]:
    """One `tools/call`, its arguments put into the message as they are."""
    headers = fleet.headers() | {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28" if modern else "2025-11-25",
        "x-a2a-timeout-ms": str(CALL_MILLISECONDS),
    }
    meta = b""
    if modern:
        headers |= {"mcp-method": "tools/call", "mcp-name": tool}
        meta = b',"_meta":' + orjson.dumps(META)
    params = b'{"name":"%s","arguments":%s%s}' % (tool.encode(), arguments, meta)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}' % params
    incoming, answer = [{"type": "http.request", "body": body, "more_body": False}], {"status": 0, "body": b""}

    async def receive() -> Any:
        return incoming.pop() if incoming else await anyio.sleep_forever()

    async def send(message: Any) -> None:
        answer["status"] = message.get("status", answer["status"])
        answer["body"] += message.get("body", b"")

    await fleet.apps[service](scope_of("/mcp", "POST", headers), receive, send)
    return answer["status"], answer["body"]

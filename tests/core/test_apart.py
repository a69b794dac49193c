"""Work in child processes: real ones, that are killed, die, and are replaced."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.a2a.mcp.core.apart import CHILDREN, ChildPool
from app.a2a.mcp.domain.reasoning import logic
from app.a2a.mcp.domain.reasoning.constraint_terms import Domain
from app.a2a.mcp.domain.reasoning.constraints import solve_constraints
from app.a2a.mcp.errors import DeadlineExceededError, Detail, InvalidArgumentError, LimitExceededError
from tests.fleet import until
from tests.largest.reasoning import LARGEST

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]


@pytest.fixture
async def children() -> AsyncIterator[ChildPool]:
    pool = ChildPool()
    yield pool
    await asyncio.to_thread(pool.close)


async def run(pool: ChildPool, work: Any, *args: object, seconds: float = 60) -> Any:
    return await pool.run([__name__], work, *args, remaining=lambda: seconds)


def refuse() -> None:
    raise InvalidArgumentError("no", [Detail("/a", "not that")])


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def die_once(mark: str) -> int:
    if not Path(mark).exists():
        Path(mark).touch()
        die()
    return os.getpid()


def hang(mark: str) -> None:
    Path(mark).write_text(str(os.getpid()))
    while True:
        pass


def gone(mark: Path) -> bool:
    """Whether the process that left its number there is no more."""
    return not Path(f"/proc/{mark.read_text()}").exists()


async def test_work_runs_in_another_process_and_its_errors_come_back_whole(children: ChildPool) -> None:
    assert await run(children, os.getpid) != os.getpid()
    with pytest.raises(InvalidArgumentError) as caught:
        await run(children, refuse)
    assert caught.value.details == (Detail("/a", "not that"),)


async def test_a_child_is_killed_at_the_deadline_and_when_the_caller_leaves(
    children: ChildPool, tmp_path: Path
) -> None:
    await run(children, os.getpid)
    with pytest.raises(DeadlineExceededError):
        await run(children, hang, str(tmp_path / "late"), seconds=2)
    late, left = tmp_path / "late", tmp_path / "left"
    await asyncio.to_thread(until, lambda: gone(late), 30, "the child of a late call is gone")
    call = asyncio.ensure_future(run(children, hang, str(left)))
    await asyncio.to_thread(until, lambda: left.exists() and left.read_text(), 30, "the child has begun")
    call.cancel()
    await asyncio.to_thread(until, lambda: gone(left), 30, "the child of a caller who left is gone")
    assert await run(children, os.getpid)


async def test_work_whose_child_dies_is_tried_once_more_and_then_refused(children: ChildPool, tmp_path: Path) -> None:
    assert await run(children, die_once, str(tmp_path / "died")) != os.getpid()
    with pytest.raises(LimitExceededError, match="more memory than one call may use"):
        await run(children, die)
    assert await run(children, os.getpid)


async def test_problems_beyond_z3s_memory_end_undecided_and_leave_room_for_the_next(children: ChildPool) -> None:
    """In one process z3 kept what it had when it ran out of memory, and with none left for a context it crashed."""
    heavy = LARGEST["solve_constraints"]()
    domains = {name: Domain("int", -1_000_000, 1_000_000) for name in heavy["variables"]}
    problem = (domains, heavy["constraints"], None, 50)

    async def solve(*problem: object) -> Any:
        return (await run(children, logic.within_memory, 10_000.0, solve_constraints, *problem, seconds=120))[0]

    found = await asyncio.gather(*[solve(*problem) for _ in range(2 * CHILDREN)])
    assert {(one.status, one.reason) for one in found} <= {("unknown", "memory"), ("unknown", "timeout")}
    easy = ({"a": Domain("int", 0, 4)}, ["a > 3"], None, 1)
    for _ in range(CHILDREN):
        assert (await solve(*easy)).status == "satisfiable"

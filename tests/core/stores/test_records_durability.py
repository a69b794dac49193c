"""A write that was answered survives kill -9 of the process that answered it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.a2a.mcp.core.stores.records import open_record_store

WRITER = """
import asyncio, sys
from pathlib import Path
from redis.asyncio import Redis
from app.a2a.mcp.core.stores.records import open_record_store
from app.a2a.mcp.domain.vectors.source import Write

async def main():
    client = Redis.from_url(sys.argv[1]) if sys.argv[1] else None
    store = open_record_store(client, Path(sys.argv[2]))
    number = 0
    while True:
        puts = [(f"id-{number + n}", str(number + n).encode() * 50) for n in range(20)]
        write = Write(puts=puts, attributes="a", create=True, max_collections=9, max_records=10**6)
        await store.apply("client:durable", sys.argv[3], write)
        number += 20
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("side", ["sqlite", "redis"])
def test_answered_writes_survive_a_kill(side: str, tmp_path: Path, redis_url: str) -> None:
    url = redis_url if side == "redis" else ""
    for attempt in range(3):
        arguments = [sys.executable, "-c", WRITER, url, str(tmp_path), f"kill-{attempt}"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            answered = 0
            for line in writer.stdout:
                answered = int(line)
                if answered >= 200 + 140 * attempt:
                    os.kill(writer.pid, signal.SIGKILL)
                    break
            answered = max([answered, *map(int, writer.stdout.read().split())])
        assert writer.returncode == -signal.SIGKILL
        kept = asyncio.run(_read(url, tmp_path, f"kill-{attempt}"))
        assert {f"id-{n}" for n in range(answered)} <= kept
        # At most the one write that was under way, and that one whole.
        assert len(kept) in (answered, answered + 20)


async def _read(url: str, directory: Path, name: str) -> set[str]:
    client = Redis.from_url(url) if url else None
    store = open_record_store(client, directory)
    found = {key async for batch in store.snapshot("client:durable", name) for key, _ in batch}
    meta = await store.meta("client:durable", name)
    assert meta and meta.size == len(found)
    await store.close()
    if client is not None:
        await client.aclose()
    return found

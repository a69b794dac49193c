"""Publish the progress of some work as a live resource, for follow_resource.py to follow.

python publish_progress.py [URI] [--steps N] [--every SECONDS]
"""

import argparse
import asyncio
import uuid

from fleet import Fleet, arguments_of, run

DEFAULT_URI = "stream://shared/nightly-import"


async def main(fleet: Fleet, options: argparse.Namespace) -> None:
    """One event a step; the last one says that the work is done."""
    # Should a connection break, the same write may be sent again: with its key it is written once.
    work = uuid.uuid4().hex[:12]
    async with fleet.service("resource_streaming") as streams:
        for step in range(1, options.steps + 1):
            content = {"step": step, "of": options.steps, "done": step == options.steps}
            written = await streams(
                "publish_resource", uri=options.uri, content=content, idempotency_key=f"{work}-{step}"
            )
            print(f"{written['event_id']}  version {written['version']}  step {step} of {options.steps}", flush=True)
            if step < options.steps:
                await asyncio.sleep(options.every)


if __name__ == "__main__":
    cli = arguments_of("Publish the progress of some work as a live resource.")
    cli.add_argument("uri", nargs="?", default=DEFAULT_URI, help=f"default: {DEFAULT_URI}")
    cli.add_argument("--steps", type=int, default=10, help="how many events (default: 10)")
    cli.add_argument("--every", type=float, default=1.0, help="seconds between them (default: 1)")
    run(cli, main)

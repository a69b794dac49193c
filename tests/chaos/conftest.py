"""Faults planted in one instance, and load through the edge while they act."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from tests.fleet import Fleet, until
from tests.load import Load

SERVICE = "semantic_similarity"
READY_SECONDS = 60
PLANTED = "/run/a2a-mcp-fault"


@dataclass(frozen=True)
class Instance:
    """The first instance of a service, to be hurt."""

    fleet: Fleet
    unit: str

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.unit.split("@")[1].removesuffix(".service"))

    @property
    def master(self) -> int:
        """The process systemd knows."""
        return int(self.fleet.show(self.unit, "MainPID")["MainPID"])

    @property
    def worker(self) -> int:
        """The process that answers."""
        return int(self.fleet.sh(f"pgrep -P {self.master}"))

    @property
    def restarts(self) -> int:
        """How often systemd has restarted it."""
        return int(self.fleet.show(self.unit, "NRestarts")["NRestarts"])

    def failures(self, result: str) -> int:
        """How many of its runs ended with that result of systemd's, as it tells Prometheus."""
        count = f's/^a2a_mcp_unit_failures_total{{.*result="{result}".*}} //p'
        return int(float(self.fleet.sh(f"curl -s http://127.0.0.1:{self.port}/metrics | sed -n '{count}'")))

    def answers(self) -> bool:
        """Whether it is ready, asked on its own port."""
        command = f"curl -s -o /dev/null -m 2 -w '%{{http_code}}' http://127.0.0.1:{self.port}/readyz"
        return self.fleet.sh(command, check=False) == "200"

    def await_recovery(self, seconds: float = READY_SECONDS) -> None:
        """Wait until it is ready."""
        until(self.answers, seconds, f"{self.unit} does not answer")

    @contextmanager
    def planted(self, code: str) -> Iterator[None]:
        """The instance restarted with a sitecustomize of ours, and again without it."""
        service, _, instance = self.unit.partition("@")
        dropin = f"/run/systemd/system/{service}@{instance}.d"
        setting = f"[Service]\\nEnvironment=PYTHONPATH={PLANTED}\\n"
        self.fleet.sh(
            f"mkdir -p {PLANTED} {dropin} && printf '{setting}' > {dropin}/fault.conf && chmod 755 {PLANTED}\n"
            f"cat > {PLANTED}/sitecustomize.py <<'END'\n{code}\nEND\nsystemctl daemon-reload"
        )
        try:
            yield
        finally:
            self.fleet.sh(
                f"rm -rf {PLANTED} {dropin}/fault.conf && systemctl daemon-reload && systemctl reset-failed {self.unit}"
                f" ; systemctl restart {self.unit}",
                timeout=120,
            )
            self.await_recovery()


@pytest.fixture
def instance(fleet: Fleet) -> Iterator[Instance]:
    """An instance that is well before and after the test."""
    hurt = Instance(fleet, fleet.units(SERVICE)[0])
    hurt.await_recovery()
    # A test that breaks an instance often must not meet the start limit of the one before.
    fleet.sh(f"systemctl reset-failed {hurt.unit}")
    yield hurt
    hurt.await_recovery()


@contextmanager
def loading(fleet: Fleet, key: str, connections: int) -> Iterator[Load]:
    """Calls of a cheap tool through the edge until the block ends."""
    load = Load(
        host=fleet.address,
        path=f"/{SERVICE}/mcp",
        key=key,
        tls=fleet.tls,
        tool="preprocess_text",
        arguments={"text": "The runners were RUNNING quickly!"},
        expected=b'"processed_word_count":3',
        connections=connections,
    )
    thread = threading.Thread(target=lambda: asyncio.run(load.run()), name="load")
    thread.start()
    try:
        yield load
    finally:
        load.stopping = True
        thread.join(30)
        assert not thread.is_alive(), "the load did not stop"


@pytest.fixture
def load(fleet: Fleet) -> Callable[..., AbstractContextManager[Load]]:
    """`with load() as running:` calls a cheap tool with a key that may, until the block ends."""
    return lambda connections=4: loading(fleet, fleet.key, connections)

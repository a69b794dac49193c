"""Development: starts the servers as child processes, shows their logs, and stops them all when it is told to end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from app.a2a.mcp.errors import ConflictError, UnavailableError
from app.a2a.mcp.manage.fleet import Fleet, Instance, check_secrets
from app.a2a.mcp.manage.health import ask_health
from app.a2a.mcp.manage.logs import Entry, LogFile
from app.a2a.mcp.manage.ports import busy_sentence, is_busy, owner_of
from app.a2a.mcp.manage.processes import Identity, ProcessTable, Record, launch, stop_process

READY_SECONDS = 120.0
"""A server loads its model before it is ready; on a busy small machine that takes most of a minute."""

KILL_MARGIN_SECONDS = 5.0
"""Added to MCP_DRAIN_SECONDS, which open calls have to finish: only a server that hangs is killed."""

STEP_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Events:
    """Whom the supervisor tells: a line of log, a sentence, and that all are ready."""

    log: Callable[[Entry], None]
    say: Callable[[str], None]
    ready: Callable[[], None]


@dataclass(slots=True)
class Child:
    """A server this supervisor started."""

    instance: Instance
    process: subprocess.Popen[bytes]
    record: Record
    log: LogFile


@dataclass(slots=True)
class Supervisor:
    """Runs servers in the foreground."""

    fleet: Fleet
    events: Events
    verbose: bool = False
    address: str = ""
    children: dict[str, Child] = field(default_factory=dict)
    crashed: list[str] = field(default_factory=list)
    told_to_end: bool = False

    def run(self, names: Sequence[str]) -> int:
        """Serve until every server has ended or a signal comes; the exit status: 1 where a server crashed.

        Raises ConfigurationError for unusable secrets, ConflictError for a busy port, UnavailableError where a
        server does not become ready; whatever was started is stopped then.
        """
        settings = self.fleet.settings()
        check_secrets(settings)
        self.address = self.fleet.address
        table = ProcessTable(settings.mcp_state_directory)
        with _signals(self._end):
            try:
                with table.starting():
                    wanted = self._not_running(table, names)
                    self._refuse_busy_ports(wanted)
                    for instance in wanted:
                        self._start(table, instance)
                self._await_ready()
                if not self.told_to_end:
                    self.events.ready()
                while self.children and not self.told_to_end:
                    self._watch(table)
                    time.sleep(STEP_SECONDS)
            finally:
                self._stop_all(table)
        return 1 if self.crashed else 0

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.told_to_end = True

    def _not_running(self, table: ProcessTable, names: Sequence[str]) -> list[Instance]:
        wanted = []
        for instance in self.fleet.instances(names):
            record = table.running(instance.service.name)
            if record is None:
                wanted.append(instance)
            else:
                self.events.say(f"{record.service} runs already, pid {record.process.pid}")
        return wanted

    def _refuse_busy_ports(self, instances: Sequence[Instance]) -> None:
        host = self.fleet.settings().mcp_host
        busy = [i.port for i in instances if is_busy(host, i.port)]
        if busy:
            raise ConflictError("; ".join(busy_sentence(port, owner_of(port)) for port in busy))

    def _start(self, table: ProcessTable, instance: Instance) -> None:
        name = instance.service.name
        path = table.log_file(name)
        log = LogFile(path, name, at_end=True)
        state = self.fleet.settings().mcp_state_directory
        process = launch(instance, self.fleet.script(instance.service), self.fleet.home, state, path, self.verbose)
        child, supervisor = Identity.of(process.pid), Identity.of(os.getpid())
        if child is None or supervisor is None:
            raise UnavailableError(f"{name} ended at once: see {path}")
        record = Record(name, instance.port, child, supervisor)
        table.restart_asked(name)
        table.write(record)
        self.children[name] = Child(instance, process, record, log)

    def _await_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        waiting = [child.instance for child in self.children.values()]
        while waiting and not self.told_to_end:
            self._show_logs()
            ended = [c for c in self.children.values() if c.process.poll() is not None]
            if ended:
                raise UnavailableError("; ".join(_how_it_ended(child) for child in ended))
            waiting = [i for i, h in zip(waiting, self._health(waiting), strict=True) if not h]
            if waiting and time.monotonic() > end:
                late = ", ".join(instance.service.name for instance in waiting)
                raise UnavailableError(f"not ready within {READY_SECONDS:g} s: {late}")
            time.sleep(STEP_SECONDS)

    def _health(self, instances: Sequence[Instance]) -> list[bool]:
        return [health.well for health in ask_health(instances, self.address)]

    def _watch(self, table: ProcessTable) -> None:
        """One look at every child: its new log lines, and whether it ended and why."""
        self._show_logs()
        for name, child in list(self.children.items()):
            if child.process.poll() is None:
                continue
            self._show_logs()
            del self.children[name]
            table.forget(child.record)
            if table.restart_asked(name):
                self.events.say(f"{name} is started again")
                self._start(table, child.instance)
            elif child.process.returncode in (0, -signal.SIGTERM):
                self.events.say(f"{name} was stopped")
            else:
                self.crashed.append(name)
                self.events.say(_how_it_ended(child))

    def _show_logs(self) -> None:
        for child in self.children.values():
            for entry in child.log.new_entries():
                self.events.log(entry)

    def _stop_all(self, table: ProcessTable) -> None:
        for child in self.children.values():
            if child.process.poll() is None:
                child.process.terminate()
        end = time.monotonic() + _grace(self.fleet)
        for child in self.children.values():
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                self.events.say(f"{child.instance.service.name} did not end in time and was killed")
            table.forget(child.record)
        self._show_logs()


def stop(fleet: Fleet, table: ProcessTable, names: Sequence[str]) -> Mapping[str, str]:
    """Stop servers that some command line of this checkout started; how each ended, by name."""
    outcome = {}
    for name in names:
        record = table.running(name)
        if record is None:
            outcome[name] = "was not running"
            continue
        by_itself = stop_process(record.process, _grace(fleet))
        table.forget(record)
        outcome[name] = "stopped" if by_itself else "did not end in time and was killed"
    return outcome


def restart(fleet: Fleet, table: ProcessTable, name: str) -> bool:
    """Have the supervisor of a running server start it anew, and wait until it is ready.

    False where it does not run or nobody watches over it; raises UnavailableError where it does not come back.
    """
    record = table.running(name)
    if record is None or not record.supervisor.alive:
        return False
    table.ask_restart(name)
    stop_process(record.process, _grace(fleet))
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        successor = table.running(name)
        if successor is not None and successor.process != record.process:
            if ask_health(fleet.instances([name]), fleet.address)[0].well:
                return True
        elif not record.supervisor.alive:
            break
        time.sleep(STEP_SECONDS)
    raise UnavailableError(f"{name} did not come back: see its log {table.log_file(name)}")


def _grace(fleet: Fleet) -> float:
    """How long a server may take to stop, seconds."""
    return fleet.settings().mcp_drain_seconds + KILL_MARGIN_SECONDS


def _how_it_ended(child: Child) -> str:
    status = child.process.returncode
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"{child.instance.service.name} ended with {how}: {child.log.last_words()}"


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

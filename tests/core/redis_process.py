"""A redis-server that a test may stop, start again and freeze."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis


class RedisProcess:
    """One server on a Unix socket in `directory`; unless it is `durable` it keeps nothing on disk."""

    def __init__(self, directory: Path, password: str = "", durable: bool = False) -> None:
        self.durable = durable
        self.directory = directory
        self.socket = directory / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.password = password
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        binary = shutil.which("redis-server")
        assert binary, "redis-server is missing: apt-get install redis-server"
        command = [binary, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.directory), "--save", ""]
        command += ["--requirepass", self.password] if self.password else []
        command += ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else []
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        with redis.Redis(unix_socket_path=str(self.socket), password=self.password or None) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < end, "redis-server did not start within 10 s"
                    time.sleep(0.02)

    def stop(self) -> None:
        """Kill it and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
            self.process = None

    def freeze(self) -> None:
        """Have it accept connections and answer nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

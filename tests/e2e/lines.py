"""The line between an example program and the fleet, in the hands of a test: it can be cut, and it can be busy."""

import contextlib
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class CuttableProxy:
    """A forward proxy (CONNECT, RFC 9110, 9.3.6) whose connections all break at once when a test says so."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """What HTTPS_PROXY is set to."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> int:
        """Break every connection that passes through; how many there were."""
        broken, self._open = self._open, []
        for end in broken:
            _close(end)
        return len(broken) // 2

    def close(self) -> None:
        """Take no more connections, and break those there are."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (more := near.recv(4096)):
            head += more
        host, _, port = head.split()[1].decode().rpartition(":")
        far = socket.create_connection((host, int(port)), timeout=10)
        far.settimeout(None)
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._open += [near, far]
        threading.Thread(target=_pump, args=(near, far), daemon=True).start()
        _pump(far, near)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def make_authority(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    certificate, key = directory / "own.crt", directory / "own.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def busy_edge(certificate: Path, key: Path) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """An HTTPS server that asks first for a pause of one second, and then refuses the key, as the fleet does.

    Yields its address and, by request, the status that it answered and the message it was sent.
    """
    answered: list[tuple[int, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = self.rfile.read(int(self.headers["Content-Length"]))
            status = 401 if answered else 429
            answered.append((status, message))
            code = {401: "unauthenticated", 429: "rate_limited"}[status]
            data = {"code": code, "message": "said by the test", "details": []}
            body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": code, "data": data}})
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}", answered
        finally:
            server.shutdown()

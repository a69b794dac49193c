"""Whoever reads what a command prints: when that ends, so does the command, though it has nothing to print."""

import os
import select
import signal
import sys
from threading import Thread


def end_with_reader() -> None:
    """End this process once nobody reads its output any more.

    A follower of a quiet log would only notice at the next line, and stay on a host whose ssh connection is gone.
    """
    gone = select.poll()
    # No event is asked for: a pipe or socket without its other end is reported always, a file or terminal never.
    gone.register(sys.stdout.fileno(), 0)

    def wait() -> None:
        gone.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="reader", daemon=True).start()

"""Asks URLs for their status, all at once, and prints one JSON list: ask_instances.py URL..."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

TIMEOUT_SECONDS = 5
opener = build_opener(ProxyHandler({}))


def ask(url: str) -> dict[str, object]:
    """The HTTP status of `url` (0: no answer), the milliseconds it took and what was said."""
    started = time.monotonic()
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            status, said = response.status, response.read(2000)
    except HTTPError as error:
        status, said = error.code, error.read(2000)
    except OSError as error:
        status, said = 0, str(getattr(error, "reason", error)).encode()
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    return {"url": url, "status": status, "milliseconds": milliseconds, "said": said.decode(errors="replace")}


if __name__ == "__main__":
    with ThreadPoolExecutor(32) as pool:
        json.dump(list(pool.map(ask, sys.argv[1:])), sys.stdout)

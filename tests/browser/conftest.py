"""A real headless Chromium, and the fleet page of the deployed host in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.fleet import Fleet

from .visit import ARGUMENTS, PICTURES, Visit, open_page

OpenPage = Callable[..., Visit]


# Of a module, not of the session: its event loop would be in the way of async tests that come after.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium with an empty profile."""
    binary = shutil.which("chromium")
    assert binary, "chromium is missing: apt-get install chromium (make test does)"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=binary, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe(browser_modules: Path) -> str:
    """The script that judges a page's accessibility."""
    return (browser_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def visit(browser: Browser, fleet: Fleet) -> Iterator[OpenPage]:
    """Opens the deployed host's page, signed in; afterwards nothing may have complained."""
    opened: list[Visit] = []

    def open_it(path: str = "", **options: Any) -> Visit:
        credentials = {"username": "operator", "password": fleet.operator_password}
        url = f"https://{fleet.address}/fleet/{path}"
        opened.append(open_page(browser, url, http_credentials=credentials, **options))
        opened[-1].pictures = PICTURES / fleet.name
        return opened[-1]

    yield open_it
    for each in opened:
        each.page.context.close()
    # Chromium notes when this machine's own network changes: containers come and go beside it.
    said = [it for each in opened for it in each.complaints if "ERR_NETWORK_CHANGED" not in it]
    assert said == []

"""The fleet page in a real Chromium, as an operator opens it: what it shows, and everything it complains of."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=60_000)
PICTURES = Path(os.environ.get("A2A_REPORTS", ROOT / ".cache" / "reports")) / "fleet-page"
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
WAIT_MS = 60_000
WIDTHS = {"narrow": 390, "wide": 1440}
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Visit:
    """One page in a browser context of its own; `complaints` holds what its console and its scripts said."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    pictures: Path = PICTURES

    def see(self, state: str = "fresh") -> None:
        """Wait until the page calls its figures fresh, stale or absent."""
        self.page.wait_for_selector(f'body[data-freshness="{state}"]', timeout=WAIT_MS)

    def picture(self, name: str) -> None:
        """Keep a screenshot of the whole page among the reports."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    def texts(self, selector: str) -> list[str]:
        """What every such element says, without the break opportunities in long names."""
        return [it.replace("\u200b", "").strip() for it in self.page.locator(selector).all_inner_texts()]

    def violations(self, axe: str) -> list[str]:
        """What axe-core holds against the page as it is now: rule and element."""
        self.page.evaluate(axe)
        found: dict[str, Any] = self.page.evaluate(f"axe.run({{runOnly: {AXE_TAGS}}})")
        return [
            f"{it['id']}: {node['html'][:200]} {node['failureSummary']}"
            for it in found["violations"]
            for node in it["nodes"]
        ]


def open_page(browser: Browser, url: str, scheme: str = "light", width: str = "wide", **context: Any) -> Visit:
    """The page at an address; its context is closed with the browser or by the test."""
    size = {"width": WIDTHS[width], "height": 900}
    made = browser.new_context(ignore_https_errors=True, color_scheme=scheme, viewport=size, **context)
    visit = Visit(made.new_page())
    visit.page.on("console", lambda it: visit.complaints.append(it.text) if it.type in ("error", "warning") else None)
    visit.page.on("pageerror", lambda it: visit.complaints.append(str(it)))
    visit.page.goto(url, timeout=WAIT_MS)
    return visit

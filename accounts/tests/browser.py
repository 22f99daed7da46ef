"""Chromium as the browser tests use it: Debian's, never a downloaded one."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from contactbook.tests.live import ROOT, Server

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCHEMES = ("light", "dark")
WIDTHS = (320, 1280)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PICTURES = ROOT / "var" / "screenshots"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Skips loudly where there is none."""
    path = shutil.which("chromium")
    if path is None:
        sentence = "NO CHROMIUM HERE: the browser tests are skipped (on Debian: apt install chromium)"
        print(f"\n!!! {sentence}", file=sys.__stderr__, flush=True)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Person:
    """A browser window with its session; `complaints` are the errors on its console."""

    def __init__(self, browser: Browser, server: Server, **options: Any) -> None:
        self.context = browser.new_context(base_url=server.url, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self.hear(message.type, message.text))
        self.page.on("request", lambda request: self.requested.append(request.url))

    def hear(self, kind: str, text: str) -> None:
        """An answer of 4xx is also told on the console; here that is often what is tested."""
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)

    def opens(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def sees(self, heading: str) -> bool:
        return self.page.get_by_role("heading", level=1).first.inner_text() == heading

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *error: Any) -> None:
        self.context.close()


def accessibility(page: Page, standards: list[str]) -> list[str]:
    """What axe finds: the rule, and the elements that break it."""
    # Preloading would put style sheets into the page, which its policy forbids and the browser reports.
    options = {"runOnly": {"type": "tag", "values": standards}, "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {' | '.join(node['html'][:160] for node in each['nodes'][:6])}" for each in found]


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def photograph(page: Page, name: str, full_page: bool = True) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=full_page)


def documented(area: str) -> str:
    """A section of docs/accessibility.md."""
    text = Path(ROOT / "docs" / "accessibility.md").read_text()
    return text.split(f"## {area}")[1].split("\n## ")[0]

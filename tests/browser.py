"""Chromium, for tests of pages. Tests that need it are skipped where it is not installed."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.serving import Served

EXECUTABLE = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on PATH: apt-get install chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Watched:
    """Records the hosts that a page sent requests to, and its errors."""

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=_ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(served: Served, path: str = "/graphql") -> AsyncIterator[tuple[Page, Watched]]:
    """Opens a page of the service. At the end of the block, checks that it used no other host and had no errors."""
    async with launched() as browser:
        page = await browser.new_page(viewport={"width": 1400, "height": 900})
        watched = Watched(page)
        await page.goto(served.url + path)
        yield page, watched
        # URLs of the schemes data and blob have no host.
        assert watched.hosts - {""} == {urlsplit(served.url).netloc}
        assert watched.errors == []

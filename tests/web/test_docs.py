"""/docs: the rendered pages of the manual."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.web.manual_pages import RENDERED, SOURCES, ManualPages
from scripts.build_ui import builds
from tests.browser import launched, needs_browser
from tests.serving import Served, serve
from tests.world import World

WEB = SOURCES.parent
NAMES = sorted(each.stem for each in SOURCES.glob("*.md"))
PATHS = ["/docs", *(f"/docs/{name}" for name in NAMES if name != "index")]


@pytest.mark.parametrize("path", PATHS)
async def test_page_has_no_script_and_no_inline_style(world: World, path: str) -> None:
    answer = await world.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "script" not in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text)


async def test_links_of_pages_lead_to_pages(world: World) -> None:
    pages = {path: (await world.client.get(path)).text for path in PATHS}
    for path, text in pages.items():
        for link in re.findall(r'href="([^"]+)"', text):
            target, _, anchor = link.partition("#")
            if link.startswith("#") or target.startswith("/docs"):
                found = pages.get(target or path) or (await world.client.get(target)).raise_for_status().text
                assert not anchor or f'id="{anchor}"' in found, link


async def test_menu_has_every_page_and_its_sections(world: World) -> None:
    text = (await world.client.get("/docs/operation")).text
    menu = text.partition('class="menu"')[2].partition("</nav>")[0]
    assert set(PATHS) <= set(re.findall(r'href="([^"#]+)"', menu))
    assert "#environment-variables" in menu


async def test_unknown_page_is_404(world: World) -> None:
    for name in (
        "nothing",
        "operation.md",
        "operation.html",
        "operation.html.br",
        "sources.sha256",
        "..%2Fpages.py",
        "a/b",
    ):
        assert (await world.client.get(f"/docs/{name}")).status_code == 404, name


async def test_head_answers_without_a_body(world: World) -> None:
    answer = await world.client.head("/docs/operation")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await world.client.head("/docs/nothing")).status_code == 404


async def test_browser_asks_whether_its_copy_of_a_page_is_current(world: World) -> None:
    first = await world.client.get("/docs/errors")
    assert first.headers["cache-control"] == "no-cache"
    second = await world.client.get("/docs/errors", headers={"if-none-match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    [stylesheet] = re.findall(r'rel="stylesheet" href="([^"]+)"', first.text)
    assert "immutable" in (await world.client.get(stylesheet)).headers["cache-control"]


async def test_page_is_sent_compressed(world: World) -> None:
    for accepted in ("br", "gzip"):
        answer = await world.client.get("/docs/errors", headers={"accept-encoding": accepted})
        assert answer.headers["content-encoding"] == accepted
        assert answer.headers["vary"] == "accept-encoding"
        assert int(answer.headers["content-length"]) < (RENDERED / "errors.html").stat().st_size / 2


async def test_installation_without_pages_explains_what_is_missing(tmp_path: Path) -> None:
    pages = ManualPages(tmp_path)
    app = Starlette(routes=[Route("/docs", pages.answer), Route("/docs/{name}", pages.answer)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.get("/docs")
        assert (answer.status_code, "PROFILE_API_UI=skip" in answer.text) == (200, True)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert (await client.get("/docs/operation")).status_code == 404


def test_pages_are_built_from_the_present_sources() -> None:
    """When this test fails, run scripts/install: the rendered pages are outdated."""
    assert [each.arguments[0] for each in builds(WEB, version("profile-api")) if not each.is_done()] == []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served"), "--demo") as served:
        yield served


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit_a_phone_and_have_no_errors(served: Served, scheme: Literal["light", "dark"]) -> None:
    errors: list[str] = []
    async with launched() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        page.on("console", lambda message: errors.append(message.text))
        for path in PATHS:
            await page.goto(served.url + path)
            assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
        color = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (color == "rgb(255, 255, 255)") is (scheme == "light")
        await page.get_by_text("Pages and sections").click()
        await page.get_by_role("link", name="Glossary").click()
        await page.get_by_role("heading", name="Glossary").wait_for()
    assert errors == []

"""`/`: the redirect for browsers, and the list of URLs for programs."""

import re
from typing import Any

import httpx
import pytest
from starlette.routing import Mount, Route

from app.main import build
from app.settings import Settings
from tests.world import World

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def service(world: World, demo: bool = False, **settings: Any) -> httpx.AsyncClient:
    app = build(Settings(data_dir=world.data_dir, **settings), world.database, demo)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


async def test_browser_is_redirected_to_graphiql(world: World) -> None:
    answer = await world.client.get("/", headers={"accept": BROWSER})
    assert (answer.status_code, answer.headers["location"]) == (302, "/graphql")
    page = await world.client.get("/graphql", headers={"accept": BROWSER})
    assert "text/html" in page.headers["content-type"]
    # The page shows the other URLs.
    assert "/readyz" in page.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "application/json, text/html;q=0.5"])
async def test_program_gets_the_list_of_urls(world: World, accept: str) -> None:
    answer = await world.client.get("/", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["vary"] == "accept"
    listed = answer.json()
    assert "GraphiQL" in listed["/graphql"]
    assert all(re.fullmatch(r"[A-Z].*\.", what) for what in listed.values())


async def test_without_graphiql_a_browser_gets_the_list_as_a_page(world: World) -> None:
    async with service(world, graphiql=False) as client:
        page = await client.get("/", headers={"accept": BROWSER})
        assert page.status_code == 200
        assert "<dt>/graphql</dt>" in page.text
        assert '<a href="/docs">' in page.text
        assert "GraphiQL" not in page.text
        assert "GraphiQL" not in (await client.get("/")).json()["/graphql"]
        assert "script" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("demo", [False, True])
async def test_list_names_every_route(world: World, demo: bool) -> None:
    app: Any = build(Settings(data_dir=world.data_dir), world.database, demo)
    while not hasattr(app, "routes"):
        app = app._app
    paths = {each.path for each in app.routes if isinstance(each, Route) and "{" not in each.path}
    mounts = {each.path for each in app.routes if isinstance(each, Mount)}
    async with service(world, demo) as client:
        listed = set((await client.get("/")).json())
    assert paths - {"/"} == listed
    # The list does not contain the files that pages load.
    assert mounts == {"/static"}

"""GraphiQL in a browser: it runs operations as the selected caller, and sends requests to this service only."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.browser import needs_browser, opened
from tests.serving import Served, serve

EXAMPLES = Path(__file__).parents[2] / "app" / "web" / "ui" / "src" / "examples"
ISSUER = "https://id.example.com/"
KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with the demo data, which these tests share."""
    with serve(tmp_path_factory.mktemp("served"), "--demo") as served:
        yield served


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


SENT_WITH_TOKEN = "Requests are sent with this caller’s token. Ctrl+Enter runs the query."


@needs_browser
async def test_graphiql_starts_as_john_doe_and_runs_examples(served: Served) -> None:
    async with opened(served, "/") as (page, watched):
        answer, caller = page.locator(".result-window"), page.get_by_label("Act as")
        await expect(caller).to_have_value("auth0|john.doe")
        await expect(page.get_by_role("link", name="Manual")).to_have_attribute("href", "/docs")
        await run(page)
        await expect(answer).to_contain_text("John Doe")
        await page.get_by_role("button", name="Show Examples").click()
        await page.get_by_role("button", name="Change my metadata").click()
        await run(page)
        await expect(answer).to_contain_text("Lyon")
        # The example names its caller, and its request waits for the token of that caller.
        await page.get_by_role("button", name="One user with all data").click()
        await run(page)
        await expect(answer).to_contain_text("appMetadata")
        await expect(caller).to_have_value("support@clients")
        await page.get_by_role("button", name="My profile").click()
        await expect(caller).to_have_value("auth0|john.doe")
        await caller.select_option("")
        await run(page)
        await expect(answer).to_contain_text("UNAUTHENTICATED")
        # The browser logs every answer with the status 401.
        assert [each for each in watched.errors if "401" not in each] == []
        watched.errors.clear()


async def box_of(locator: Locator) -> FloatRect:
    """Returns the position and size of an element, which must be visible."""
    box = await locator.bounding_box()
    assert box
    return box


@needs_browser
async def test_graphiql_remembers_the_caller_but_no_token(served: Served) -> None:
    async with opened(served) as (page, _):
        caller = page.get_by_label("Act as")
        for subject in ("support@clients", ""):
            await caller.select_option(subject)
            await page.reload()
            await expect(caller).to_have_value(subject)
        stored = await page.evaluate("JSON.stringify(localStorage)")
        assert "profile-api.caller" in stored
        assert "eyJ" not in stored
        # A remembered caller that is not offered any more is ignored.
        await page.evaluate("localStorage.setItem('profile-api.caller', 'auth0|gone')")
        await page.reload()
        await expect(caller).to_have_value("auth0|john.doe")


@needs_browser
async def test_phone_shows_the_answer_below_the_query(served: Served) -> None:
    async with opened(served) as (page, _):
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.get_by_role("button", name="Show Examples").click()
        await page.get_by_role("button", name="One user with all data").click()
        # The pane is closed again.
        await run(page)
        await expect(page.locator(".result-window")).to_contain_text('"blocked": false')
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        query, answer = [await box_of(page.locator(each)) for each in (".graphiql-editors", ".graphiql-response")]
        assert query["y"] + query["height"] <= answer["y"]
        for box in (query, answer):
            assert box["width"] > 370
            assert box["height"] > 250
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        for name in ("Show Documentation Explorer", "Show History", "Show GraphiQL Explorer"):
            box = await box_of(page.get_by_role("button", name=name))
            assert 0 <= box["x"] <= 390 - box["width"]


@needs_browser
async def test_graphiql_has_explorer_history_and_schema(served: Served) -> None:
    async with opened(served) as (page, _):
        await expect(page.get_by_text(SENT_WITH_TOKEN)).to_be_visible()
        await page.get_by_role("button", name="Show GraphiQL Explorer").click()
        await expect(page.locator(".docExplorerWrap, .graphiql-explorer-root").first).to_contain_text("viewer")
        await run(page)
        await page.get_by_role("button", name="Show History").click()
        await expect(page.locator(".graphiql-history")).to_contain_text("MyProfile")
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        await expect(page.locator(".graphiql-plugin")).to_contain_text("RootAttribute")


@needs_browser
async def test_outside_development_a_token_can_be_entered(tmp_path: Path) -> None:
    issuer = {"issuer": ISSUER, "audience": "profiles", "tenant": "t", "jwks": {"keys": [KEY.as_dict(private=False)]}}
    claims = {"iss": ISSUER, "aud": "profiles", "sub": "tool@clients", "exp": 4_000_000_000}
    token = jwt.encode({"alg": "EdDSA", "kid": "one"}, claims, KEY, algorithms=["EdDSA"])
    switches: dict[str, Any] = {"PROFILE_API_GRAPHIQL": "true", "PROFILE_API_INTROSPECTION": "true"}
    with serve(tmp_path, PROFILE_API_ISSUERS=json.dumps([issuer]), **switches) as served:
        async with opened(served, "/graphql?query={caller{subject}}") as (page, _):
            await page.get_by_label("Bearer token").fill(f"Bearer {token}")
            await run(page)
            await expect(page.locator(".result-window")).to_contain_text("tool@clients")
        assert httpx.post(f"{served.url}/development/token", json={"subject": "auth0|john.doe"}).status_code == 404


async def test_setting_turns_graphiql_off(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo", PROFILE_API_GRAPHIQL="false") as served:
        assert httpx.get(f"{served.url}/graphql", headers={"accept": "text/html"}).status_code == 406
        assert httpx.get(f"{served.url}/static/manifest.json").status_code == 404


async def test_each_example_runs_for_its_caller(served: Served) -> None:
    for path in sorted(EXAMPLES.glob("*.graphql")):
        query = path.read_text()
        subject = "support@clients" if "as a support application" in query else "auth0|john.doe"
        minted = httpx.post(f"{served.url}/development/token", json={"subject": subject}).json()["token"]
        headers = {"authorization": f"Bearer {minted}"}
        answer = httpx.post(f"{served.url}/graphql", json={"query": query}, headers=headers).json()
        assert "errors" not in answer, path.name
        assert all(value is not None for value in answer["data"].values()), path.name


async def test_development_token_needs_json_and_an_offered_caller(served: Served) -> None:
    url = f"{served.url}/development/token"
    assert httpx.post(url, json={"subject": "auth0|nobody"}).status_code == 400
    assert httpx.post(url, json=[1]).status_code == 400
    assert httpx.post(url, content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert httpx.post(url, content=b" " * 10_001, headers={"content-type": "application/json"}).status_code == 413
    assert httpx.post(url, data={"subject": "auth0|john.doe"}).status_code == 415
    assert httpx.get(url).status_code == 405

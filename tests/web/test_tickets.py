"""The page of a mailed link in a browser: its form works with its content security policy."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import expect

from app.auth.development import APPLICATION_SCOPES, mint
from tests.browser import needs_browser, opened
from tests.mailbox import link_of, smtp_server
from tests.serving import eventually, serve

RESET = 'mutation { sendPasswordResetEmail(input: {userId: "auth0|john.doe"}) { errors { code } } }'
VERIFY = """mutation { verifyPassword(input: {connection: "Username-Password-Authentication", identifier: "john.doe@example.com",
  password: "correct horse battery"}) { valid errors { code } } }"""


@needs_browser
async def test_user_sets_a_new_password_on_the_page(tmp_path: Path) -> None:
    with smtp_server() as mailbox:
        variables: dict[str, Any] = {"PROFILE_API_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}"}
        with serve(tmp_path, "--demo", **variables) as served:
            token = mint(tmp_path, "support@clients", "support", APPLICATION_SCOPES, 3600)
            headers = {"authorization": f"Bearer {token}"}
            httpx.post(f"{served.url}/graphql", json={"query": RESET}, headers=headers).raise_for_status()
            eventually(lambda: mailbox.messages, "the mail")
            link = urlsplit(link_of(mailbox.messages[0]))
            async with opened(served, f"{link.path}?{link.query}") as (page, _):
                await page.get_by_label("New password").fill("correct horse battery")
                await page.get_by_role("button", name="Set password").click()
                await expect(page.get_by_role("status")).to_have_text(
                    "Your password was changed. You can now sign in with the new password."
                )
            told = httpx.post(f"{served.url}/graphql", json={"query": VERIFY}, headers=headers, timeout=30).json()
            assert told["data"]["verifyPassword"] == {"valid": True, "errors": []}

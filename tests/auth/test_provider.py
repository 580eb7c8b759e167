"""The service with an OpenID provider: discovery, RSA and EC keys, rotation of keys, and an outage."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from app.domain.identifiers import subject_key
from app.domain.times import now
from app.domain.users import Identity, User
from app.store.database import Database, new_id
from app.store.embedded.instance import find_url
from app.store.users import to_document
from tests.provider import AUDIENCE, application_token, free_port, provider, user_token
from tests.serving import Served, eventually, serve

QUERY = "{ caller { kind tenant } viewer { userId } }"


def issuers(issuer: str, alg: str, **more: Any) -> str:
    settings = {"audience": AUDIENCE, "tenant": "acme", "algorithms": [alg], "typ": "at+jwt"}
    return json.dumps([{"issuer": issuer, **settings, "application_claim": {"name": "idtyp", "value": "app"}, **more}])


def ask(served: Served, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{served.url}/graphql", json={"query": QUERY}, headers=headers, timeout=30)


async def add_google_user(data_dir: Path, account: str) -> None:
    url = find_url(data_dir)
    assert url
    database = Database.connect(url, "profiles")
    connection = {"tenant": "acme", "name": "google", "strategy": "google-oauth2"}
    settings = {"import_mode": False, "sync_root_attributes": "ON_EACH_LOGIN"}
    await database["connections"].insert_one({**connection, **settings})
    user = User(
        id=new_id(),
        tenant="acme",
        user_id=f"google-oauth2|{account}",
        name="Grace",
        identities=(Identity(provider="google-oauth2", connection="google", user_id=account, is_social=True),),
        created_at=now(),
        updated_at=now(),
    )
    document = to_document(user)
    assert subject_key("google-oauth2", "google", account) in document["keys"]
    await database["users"].insert_one(document)
    database.close()


@pytest.mark.parametrize(
    ("alg", "key"), [("RS256", RSAKey.generate_key(2048, {"kid": "r"})), ("ES256", ECKey.generate_key("P-256"))]
)
async def test_discovered_issuer_maps_sub_through_its_connection(tmp_path: Path, alg: str, key: Any) -> None:
    with (
        provider(free_port(), alg, [key]) as issuer,
        serve(tmp_path, PROFILE_API_ISSUERS=issuers(issuer, alg, connection="google")) as served,
    ):
        await add_google_user(tmp_path, "10769150350006150715113082367")
        tool = await asyncio.to_thread(ask, served, application_token(issuer))
        assert tool.json()["data"]["caller"] == {"kind": "APPLICATION", "tenant": "acme"}
        user = await asyncio.to_thread(ask, served, user_token(issuer, "10769150350006150715113082367"))
        assert user.json() == {
            "data": {
                "caller": {"kind": "USER", "tenant": "acme"},
                "viewer": {"userId": "google-oauth2|10769150350006150715113082367"},
            }
        }
        # A user without a login by this connection has no profile.
        other = await asyncio.to_thread(ask, served, user_token(issuer, "google-oauth2|1076915035"))
        assert other.json()["data"]["viewer"] is None


def test_new_key_is_found_and_removed_key_is_forgotten(tmp_path: Path) -> None:
    port = free_port()
    old, new = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("old", "new"))
    with provider(port, "ES256", [old]) as issuer:
        first = application_token(issuer)
    with serve(tmp_path, PROFILE_API_ISSUERS=issuers(issuer, "ES256")) as served:
        # The provider is down since before the service started, so its keys are unknown. The service says so.
        refused = ask(served, first)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        with provider(port, "ES256", [old]):
            eventually(lambda: ask(served, first).status_code == 200, "the issuer's keys")
            unseen = application_token(issuer)
        # The provider is down: tokens with a known key are accepted, also when the service sees them for the first time.
        assert ask(served, first).status_code == 200
        assert ask(served, unseen).status_code == 200
        with provider(port, "ES256", [new]):
            rotated = application_token(issuer)
            eventually(lambda: ask(served, rotated).status_code == 200, "the new key")
            refused = ask(served, first)
            assert refused.status_code == 401
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert ask(served, rotated).status_code == 200

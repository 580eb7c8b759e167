"""The development issuer opens on a machine of one's own, and nowhere else."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.auth.development import check_development, development_issuer, load_key, mint
from app.auth.tokens import Tokens
from app.cli import _mint_token
from app.composition.web import mint_for_page
from app.domain.principals import ActorKind
from app.settings import ConfigurationError, Issuer, Settings

ISSUER = Issuer(issuer="https://id/", audience="a", tenant="t", jwks={"keys": []})
URL = "mongodb://db/?replicaSet=rs0"


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("url", [None, URL])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("issuers", [None, [ISSUER]])
def test_the_door(issuers: list[Issuer] | None, host: str, url: str | None, demo: bool) -> None:
    settings = Settings(issuers=issuers, host=host, mongodb_url=url)
    if issuers is not None:
        assert check_development(settings, demo) is False
    elif host == "127.0.0.1" and (url is None or demo):
        assert check_development(settings, demo) is True
    else:
        with pytest.raises(ConfigurationError, match="PROFILE_API_ISSUERS"):
            check_development(settings, demo)


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: load_key(tmp_path).thumbprint(), range(8)))
    assert len(set(made)) == 1
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_is_minted_is_taken(tmp_path: Path) -> None:
    token = mint(tmp_path, "auth0|john", "web", ["read:users"], 60)
    found = await Tokens([development_issuer(tmp_path)]).verify(token)
    assert (found.tenant, found.subject, found.client_id) == ("dev", "auth0|john", "web")
    assert found.auth_time is not None


@pytest.mark.parametrize(
    ("mint_token", "kind"),
    [
        (lambda data_dir: _mint_token(data_dir, None, "support", None, "dev", 60), ActorKind.APPLICATION),
        (lambda data_dir: _mint_token(data_dir, None, None, None, "dev", 60), ActorKind.USER),
        (lambda data_dir: _mint_token(data_dir, "support@clients", None, None, "dev", 60), ActorKind.USER),
        (lambda data_dir: mint_for_page(data_dir, "support@clients"), ActorKind.APPLICATION),
        (lambda data_dir: mint_for_page(data_dir, "auth0|john.doe"), ActorKind.USER),
    ],
    ids=["token --client", "token", "token --user", "GraphiQL as an application", "GraphiQL as a user"],
)
async def test_development_tokens_have_the_kind_asked_for(
    tmp_path: Path, mint_token: Callable[[Path], str], kind: ActorKind
) -> None:
    assert (await Tokens([development_issuer(tmp_path)]).verify(mint_token(tmp_path))).kind is kind

"""The development issuer: when it is allowed, its key, its secret and its tokens."""

import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.auth.development import (
    AUDIENCE,
    TENANT_CLAIM,
    check_development,
    check_key,
    development_issuer,
    load_key,
    load_secret,
    mint,
)
from app.auth.tokens import Tokens
from app.cli import _mint_token
from app.composition.web import mint_for_page
from app.domain.principals import ActorKind
from app.settings import ConfigurationError, Issuer, Settings

ISSUER = Issuer(issuer="https://id/", audience="a", tenant="t", jwks={"keys": []})
URL = "mongodb://db/?replicaSet=rs0"
NO_ISSUERS = (
    "PROFILE_API_ISSUERS is not set, but PROFILE_API_MONGODB_URL is: set the issuers of tokens, or serve with"
    " --demo to accept tokens of the development issuer."
)
NOT_LOOPBACK = "The development issuer serves loopback only, not 0.0.0.0: set PROFILE_API_ISSUERS first."


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("url", [None, URL])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("issuers", [None, [ISSUER]])
def test_development_issuer_needs_loopback_and_no_issuers(
    issuers: list[Issuer] | None, host: str, url: str | None, demo: bool
) -> None:
    settings = Settings(issuers=issuers, host=host, mongodb_url=url)
    if issuers is not None:
        assert check_development(settings, demo) is False
    elif host == "127.0.0.1" and (url is None or demo):
        assert check_development(settings, demo) is True
    else:
        with pytest.raises(ConfigurationError) as refused:
            check_development(settings, demo)
        assert str(refused.value) == (NO_ISSUERS if url and not demo else NOT_LOOPBACK)


def test_key_is_created_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: load_key(tmp_path).thumbprint(), range(8)))
    assert len(set(made)) == 1
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_minted_token_is_accepted(tmp_path: Path) -> None:
    token = mint(tmp_path, "auth0|john", "web", ["read:users"], 60)
    found = await Tokens([development_issuer(tmp_path)]).verify(token)
    assert (found.tenant, found.subject, found.client_id) == ("dev", "auth0|john", "web")
    assert found.auth_time is not None


def test_minted_token_has_the_claims_of_an_access_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.9)
    token = mint(tmp_path, "auth0|john", "web", ["read:users", "read:roles"], 60, "acme")
    decoded = jwt.decode(token, load_key(tmp_path), algorithms=["ES256"])
    assert decoded.header == {"alg": "ES256", "kid": "development", "typ": "at+jwt"}
    assert decoded.claims == {
        "iss": "urn:profile-api:development",
        "aud": AUDIENCE,
        "sub": "auth0|john",
        "azp": "web",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
        "auth_time": 1_800_000_000,
        "scope": "read:users read:roles",
        TENANT_CLAIM: "acme",
    }


def test_issuer_publishes_no_private_key(tmp_path: Path) -> None:
    issuer = development_issuer(tmp_path)
    assert issuer.jwks
    [key] = issuer.jwks["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid"}
    assert issuer.algorithms == ["ES256"]


def test_missing_key_is_reported_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as missing:
        check_key(tmp_path)
    assert str(missing.value).startswith(f"There is no development key in {tmp_path}. ")
    assert str(missing.value).endswith(", or set PROFILE_API_DATA_DIR to its data directory.")
    assert list(tmp_path.iterdir()) == []
    load_key(tmp_path)
    check_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x" * 15, b"\xff" * 3])
def test_secret_that_is_too_short_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "development-secret"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_secret(tmp_path)
    problem = "does not contain a secret: restore it from a backup: stored values need it."
    assert str(refused.value) == f"PROFILE_API_DATA_DIR: {path} {problem}"


@pytest.mark.parametrize(
    "content",
    [
        b"no key",
        ECKey.generate_key("P-256").as_pem(private=False),
        ECKey.generate_key("P-384").as_pem(private=True),
        RSAKey.generate_key(2048).as_pem(private=True),
    ],
    ids=["garbage", "public", "another curve", "RSA"],
)
def test_file_without_a_private_key_for_es256_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "development-key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_key(tmp_path)
    problem = "is not a private key for ES256: delete it, and the next start creates a new key."
    assert str(refused.value) == f"PROFILE_API_DATA_DIR: {path} {problem}"
    assert path.read_bytes() == content


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "development-key.pem"
    path.mkdir()
    with pytest.raises(ConfigurationError) as refused:
        load_key(tmp_path)
    problem = "cannot be read (Is a directory): check its owner and mode."
    assert str(refused.value) == f"PROFILE_API_DATA_DIR: {path} {problem}"


def test_secret_is_created_once_and_readable_by_owner_only(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) >= 43
    assert load_secret(tmp_path) == secret
    path = tmp_path / "development-secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"x" * 16)
    assert load_secret(tmp_path) == "x" * 16


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

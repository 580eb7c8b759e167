"""The keys of an issuer: which keys are used, when they are fetched, and what happens when fetching fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.auth.keys import REFRESH_SECONDS, RETRY_SECONDS, IssuerKeys, usable_keys
from app.domain.errors import Unavailable
from app.settings import ConfigurationError, Issuer

ISSUER = "https://id.example.com"
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER = ECKey.generate_key("P-256", {"kid": "other"})


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


class Server:
    """Serves an issuer's two documents and counts the requests. `status` and `body` replace the answer with the JWKS."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.asked: list[str] = []
        self.discovery: Any = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.status = 200
        self.body: bytes | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        self.last = request
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.discovery)
        headers = {"location": f"{ISSUER}/elsewhere"} if self.status == 302 else {}
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        return httpx.Response(self.status, content=body, headers=headers)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def keys_of(server: Server, clock: Clock, **more: Any) -> IssuerKeys:
    issuer = Issuer(issuer=ISSUER, audience="a", tenant="t", **more)
    return IssuerKeys(issuer, clock, httpx.MockTransport(server))


async def find(keys: IssuerKeys, kid: str | None = "ec", alg: str = "ES256") -> Any:
    found = await keys.find({"alg": alg} if kid is None else {"alg": alg, "kid": kid})
    return found.kid if found else None


async def test_keys_are_fetched_as_json_with_a_time_limit() -> None:
    server = Server(public(EC))
    assert await find(keys_of(server, Clock())) == "ec"
    assert (server.last.method, server.last.headers["accept"]) == ("GET", "application/json")
    assert set(server.last.extensions["timeout"].values()) == {5.0}


async def test_issuer_may_end_with_slashes() -> None:
    server = Server(public(EC))
    server.discovery["issuer"] = f"{ISSUER}//"
    issuer = Issuer(issuer=f"{ISSUER}//", audience="a", tenant="t")
    assert await find(IssuerKeys(issuer, Clock(), httpx.MockTransport(server))) == "ec"
    assert server.asked[0] == "/.well-known/openid-configuration"


@pytest.mark.parametrize(("size", "found"), [(500_000, True), (500_001, False)])
async def test_document_of_keys_has_a_maximum_size(size: int, found: bool) -> None:
    body = json.dumps({"keys": [public(EC)]}).encode()
    parts = [body[:10], body[10:], b" " * (size - len(body))]

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    keys = IssuerKeys(
        Issuer(issuer=ISSUER, audience="a", tenant="t", jwks_uri=f"{ISSUER}/keys"),
        Clock(),
        httpx.MockTransport(lambda _: httpx.Response(200, content=stream())),
    )
    if found:
        assert await find(keys) == "ec"
    else:
        with pytest.raises(Unavailable):
            await find(keys)


async def test_issuer_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("app.auth.keys._TIMEOUT_SECONDS", 0.01)
    keys = IssuerKeys(Issuer(issuer=ISSUER, audience="a", tenant="t"), Clock(), httpx.MockTransport(hang))
    with pytest.raises(Unavailable, match=r"^The issuer of the token does not answer. Try again later.$"):
        await find(keys)


async def test_next_fetch_is_due_after_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    server, clock = Server(public(EC)), Clock()
    keys = keys_of(server, clock)
    assert keys.stale_at <= clock.now
    await find(keys)
    assert keys.stale_at == clock.now + REFRESH_SECONDS
    assert caplog.messages == []
    clock.now += REFRESH_SECONDS
    server.status = 500
    keys.refresh_when_old()
    assert keys._fetching
    await keys._fetching
    assert keys.stale_at == clock.now + RETRY_SECONDS
    assert caplog.messages == [f"the keys of {ISSUER} cannot be fetched: ValueError"]


async def test_discovered_keys_are_fetched_once_and_cached() -> None:
    server, clock = Server(public(EC)), Clock()
    keys = keys_of(server, clock)
    assert await asyncio.gather(*(find(keys) for _ in range(20))) == ["ec"] * 20
    assert server.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_jwks_uri_needs_no_discovery() -> None:
    server = Server(public(EC))
    assert await find(keys_of(server, Clock(), jwks_uri=f"{ISSUER}/certs")) == "ec"
    assert server.asked == ["/certs"]


async def test_unknown_key_is_fetched_at_a_limited_rate() -> None:
    server, clock = Server(public(EC)), Clock()
    keys = keys_of(server, clock)
    await find(keys)
    clock.now += RETRY_SECONDS - 0.1
    for _ in range(50):
        assert await find(keys, "made up") is None
    assert server.asked.count("/keys") == 1
    clock.now += 0.2
    server.keys = [public(EC), public(OTHER)]
    assert await find(keys, "other") == "other"
    for _ in range(50):
        assert await find(keys, "made up") is None
    assert server.asked.count("/keys") == 2


async def test_old_keys_are_refreshed_in_the_background() -> None:
    server, clock = Server(public(EC), public(OTHER)), Clock()
    keys = keys_of(server, clock)
    await find(keys)
    before = keys.generation
    server.keys = [public(EC)]
    clock.now += REFRESH_SECONDS
    # This request does not wait for the new keys: the cached keys are used.
    assert await find(keys, "other") == "other"
    await keys._fetching  # type: ignore[misc]
    assert not keys.contains(OTHER.thumbprint())
    assert keys.contains(EC.thumbprint())
    assert keys.generation == before + 1
    clock.now += REFRESH_SECONDS
    keys.refresh_when_old()
    await keys._fetching  # type: ignore[misc]
    assert keys.generation == before + 1


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_tokens_of_cached_keys_are_valid_during_an_outage(status: int) -> None:
    server, clock = Server(public(EC)), Clock()
    keys = keys_of(server, clock)
    await find(keys)
    server.status = status
    for _ in range(3):
        clock.now += REFRESH_SECONDS
        assert await find(keys) == "ec"
        with pytest.raises(Unavailable):
            await find(keys, "unknown")
    server.status = 200
    clock.now += RETRY_SECONDS
    server.keys.append(public(OTHER))
    assert await find(keys, "other") == "other"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 1}',
        b'{"keys": []}',
        b'{"keys": [1, null, {"kty": "EC"}]}',
        b"[" * 100_000,
        b'{"keys": [' + b" " * 600_000 + b"]}",
        b"\xff",
    ],
)
async def test_document_that_is_no_key_set_is_unavailable(body: bytes) -> None:
    server, clock = Server(), Clock()
    server.body = body
    with pytest.raises(Unavailable):
        await find(keys_of(server, clock))


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://else.example.com", "jwks_uri": f"{ISSUER}/keys"},
        {"jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://id.example.com/keys"},
        {"issuer": ISSUER, "jwks_uri": 1},
        {"issuer": ISSUER, "jwks_uri": "https://[/"},
        ["no object"],
    ],
)
async def test_discovery_document_must_match_issuer_and_use_https(discovery: Any) -> None:
    server = Server(public(EC))
    server.discovery = discovery
    with pytest.raises(Unavailable):
        await find(keys_of(server, Clock()))
    assert "/keys" not in server.asked


async def test_close_ends_a_fetch_that_hangs() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    issuer = Issuer(issuer=ISSUER, audience="a", tenant="t")
    keys = IssuerKeys(issuer, Clock(), httpx.MockTransport(hang))
    asked = asyncio.create_task(find(keys))
    await asyncio.sleep(0)
    await keys.close()
    assert keys._fetching
    assert keys._fetching.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await asked


@pytest.mark.filterwarnings("ignore:Key size")
def test_unsupported_keys_are_ignored() -> None:
    weak = RSAKey.generate_key(1024)
    jwks = {
        "keys": [
            public(EC),
            {"kty": "unknown", "kid": "new"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            public(OTHER, use="enc"),
            public(OTHER, key_ops=["encrypt"]),
            OctKey.generate_key(256).as_dict(),
            public(weak),
            "text",
        ]
    }
    assert [each.kid for each in usable_keys(jwks).values()] == ["ec"]


@pytest.mark.parametrize(
    ("keys", "kid", "alg", "found"),
    [
        # The key has the token's key id and the right type.
        ([public(EC), public(OTHER)], "other", "ES256", True),
        ([public(EC), public(OTHER)], "third", "ES256", False),
        ([public(EC)], "ec", "RS256", False),
        ([public(EC)], "ec", "ES384", False),
        ([public(EC, alg="ES384")], "ec", "ES256", False),
        ([public(EC, alg="ES256")], "ec", "ES256", True),
        # The token has no key id: the only key that fits is used.
        ([public(EC)], None, "ES256", True),
        ([public(EC), public(OKPKey.generate_key("Ed25519"))], None, "ES256", True),
        ([public(EC), public(OTHER)], None, "ES256", False),
        # The issuer's key has no key id.
        ([public(ECKey.generate_key("P-256"))], "any", "ES256", True),
    ],
)
async def test_key_is_found_by_id_type_and_algorithm(keys: list[Any], kid: str | None, alg: str, found: bool) -> None:
    issuer = Issuer(issuer="i", audience="a", tenant="t", jwks={"keys": keys})
    header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
    assert (await IssuerKeys(issuer).find(header) is not None) is found


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"issuer": "name"}, "https"),
        ({"issuer": "http://id.example.com"}, "https"),
        ({"issuer": ISSUER, "jwks_uri": "http://id.example.com/keys"}, "https"),
        ({"issuer": "https://"}, "https"),
        ({"issuer": ISSUER, "jwks": {"keys": []}}, "no public key"),
        ({"issuer": ISSUER, "jwks": {"keys": [{"kty": "unknown"}]}}, "no public key"),
        ({"issuer": ISSUER, "jwks": {}}, "no public key"),
        ({"issuer": ISSUER, "jwks": {"keys": [EC.as_dict(private=True)]}}, "private"),
        ({"issuer": ISSUER, "jwks": {"keys": [OctKey.generate_key(256).as_dict()]}}, "private"),
    ],
)
def test_unsafe_key_source_is_a_configuration_error(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        IssuerKeys(Issuer(audience="a", tenant="t", **settings))


def test_http_is_allowed_for_loopback_only() -> None:
    for issuer in ("http://127.0.0.1:9000", "http://localhost/", "http://[::1]:1"):
        IssuerKeys(Issuer(issuer=issuer, audience="a", tenant="t"))

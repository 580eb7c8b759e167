"""Tokens of configured issuers: which are accepted or refused, the principal, and the cache."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.auth import tokens as module
from app.auth.keys import REFRESH_SECONDS
from app.auth.tokens import MAX_REMEMBERED, MAX_TOKEN_BYTES, REMEMBERED_SECONDS, Tokens
from app.domain.errors import Unauthenticated
from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.settings import Ceiling, ConfigurationError, Issuer

NOW = 1_800_000_000
RSA, EC, ED, OTHER = (
    RSAKey.generate_key(2048, {"kid": "rsa"}),
    ECKey.generate_key("P-256", {"kid": "ec"}),
    OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    RSAKey.generate_key(2048, {"kid": "rsa"}),
)
KEYS = [each.as_dict(private=False) for each in (RSA, EC, ED)]
ISSUER = Issuer(issuer="https://id/", audience="profiles", tenant="acme", jwks={"keys": KEYS})
CLAIMS = {"iss": "https://id/", "aud": "profiles", "sub": "auth0|john", "exp": NOW + 60, "scope": "read:users a"}


class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def sign(key: Any = RSA, alg: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    content = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    return jwt.encode({"alg": alg, **(header or {})}, content, key, algorithms=[alg])


async def verify(token: str, issuer: Issuer = ISSUER) -> Principal:
    return await Tokens([issuer], clock=Clock()).verify(token)


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
@pytest.mark.parametrize("with_kid", [True, False])
async def test_valid_token_becomes_a_principal(key: Any, alg: str, with_kid: bool) -> None:
    header = {"kid": key.kid} if with_kid else {}
    issuer = ISSUER if with_kid else ISSUER.model_copy(update={"jwks": {"keys": [key.as_dict(private=False)]}})
    found = await verify(sign(key, alg, header), issuer)
    assert found == Principal(
        "acme", "auth0|john", ActorKind.USER, frozenset({"read:users", "a"}), issuer=ISSUER.issuer
    )


async def test_audience_may_be_in_a_list() -> None:
    assert (await verify(sign(aud=["else", "profiles"]))).subject == "auth0|john"


def forged(header: dict[str, Any], signature: str = "") -> str:
    parts = [urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (header, CLAIMS)]
    return ".".join([*parts, signature])


def hmac_with_public_key(material: bytes) -> str:
    signed = forged({"alg": "HS256", "kid": "rsa"}).rpartition(".")[0]
    signature = hmac.digest(material, signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


NO_JWT = "The token is not a JSON Web Token."
WRONG_ALGORITHM = "The token is signed with an algorithm that is not configured for its issuer."
BAD_SIGNATURE = "The signature of the token is not valid."
NO_KEY = "The issuer of the token has no key that fits the token."
WRONG_AUDIENCE = "The token is for another audience."
UNKNOWN_ISSUER = "The issuer of the token is not configured in this service."
NO_SUBJECT = "The token has no valid sub."
BAD_SCOPES = "scope or permissions of the token has an invalid format."
FROM_THE_FUTURE = "The token was issued in the future."
REFUSED = {
    "no token": ("x", NO_JWT),
    "empty parts": ("..", NO_JWT),
    "no json": ("a.b.c", NO_JWT),
    "alg none": (forged({"alg": "none"}), WRONG_ALGORITHM),
    "alg None": (forged({"alg": "None"}), WRONG_ALGORITHM),
    "no alg": (forged({}), NO_JWT),
    "hmac with the public PEM": (hmac_with_public_key(RSA.as_pem(private=False)), WRONG_ALGORITHM),
    "hmac with the public JWK": (hmac_with_public_key(json.dumps(KEYS[0]).encode()), WRONG_ALGORITHM),
    "another key": (sign(OTHER, header={"kid": "rsa"}), BAD_SIGNATURE),
    "unknown kid": (sign(header={"kid": "nobody"}), NO_KEY),
    "an algorithm that is not the issuer's": (sign(alg="RS512"), WRONG_ALGORITHM),
    "expired": (sign(exp=NOW - LEEWAY_SECONDS), "The token has expired."),
    "not valid yet": (sign(nbf=NOW + LEEWAY_SECONDS + 1), "The token is not valid yet."),
    "no exp": (sign(exp=...), "exp of the token is missing or is not a NumericDate."),
    "exp is text": (sign(exp=str(NOW + 60)), "exp of the token is missing or is not a NumericDate."),
    "exp is true": (sign(exp=True), "exp of the token is missing or is not a NumericDate."),
    "issued in the future": (sign(iat=NOW + LEEWAY_SECONDS + 1), FROM_THE_FUTURE),
    "issued a fraction too late": (sign(iat=NOW + LEEWAY_SECONDS + 0.5), FROM_THE_FUTURE),
    "iat is text": (sign(iat="now"), "iat of the token is missing or is not a NumericDate."),
    "iat is true": (sign(iat=True), "iat of the token is missing or is not a NumericDate."),
    "iat is null": (sign(iat=None), "iat of the token is missing or is not a NumericDate."),
    "another audience": (sign(aud="else"), WRONG_AUDIENCE),
    "no audience": (sign(aud=...), WRONG_AUDIENCE),
    "another issuer": (sign(iss="https://else/"), UNKNOWN_ISSUER),
    "no issuer": (sign(iss=...), UNKNOWN_ISSUER),
    "issuer is a list": (sign(iss=["https://id/"]), UNKNOWN_ISSUER),
    "empty sub": (sign(sub=""), NO_SUBJECT),
    "no sub": (sign(sub=...), NO_SUBJECT),
    "sub is a number": (sign(sub=1), NO_SUBJECT),
    "scope is a number": (sign(scope=1), BAD_SCOPES),
    "permissions are text": (sign(permissions="read:users"), BAD_SCOPES),
    "too long": (sign(pad="x" * MAX_TOKEN_BYTES), "The token is too long."),
    "not ascii": (sign() + "é", NO_JWT),
    "lone surrogate": (sign() + "\ud800", NO_JWT),
}


@pytest.mark.parametrize(("token", "message"), REFUSED.values(), ids=REFUSED)
async def test_invalid_token_is_refused(token: str, message: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await verify(token)
    assert (refused.value.error, refused.value.message) == ("invalid_token", message)


async def test_signature_with_one_changed_bit_is_refused() -> None:
    head, claims, signature = sign().split(".")
    turned = ("B" if signature[0] == "A" else "A") + signature[1:]
    with pytest.raises(Unauthenticated):
        await verify(f"{head}.{claims}.{turned}")


async def test_leeway_applies_to_exp_and_nbf() -> None:
    assert (await verify(sign(exp=NOW - LEEWAY_SECONDS + 1, nbf=NOW + LEEWAY_SECONDS))).subject


async def test_key_of_one_issuer_is_not_valid_for_another() -> None:
    second = Issuer(
        issuer="https://two/", audience="profiles", tenant="two", jwks={"keys": [OTHER.as_dict(private=False)]}
    )
    both = Tokens([ISSUER, second], clock=Clock())
    assert (await both.verify(sign(OTHER, iss="https://two/"))).tenant == "two"
    for token in (sign(OTHER), sign(RSA, iss="https://two/")):
        with pytest.raises(Unauthenticated):
            await both.verify(token)


@pytest.mark.parametrize(
    ("typ", "good"), [("at+jwt", True), ("application/at+jwt", True), ("AT+JWT", True), ("JWT", False), (None, False)]
)
async def test_type_is_required_when_the_issuer_is_configured_so(typ: str | None, good: bool) -> None:
    token = sign(header={"typ": typ} if typ else {})
    strict = ISSUER.model_copy(update={"typ": "at+jwt"})
    assert (await verify(token)).subject
    if good:
        assert (await verify(token, strict)).subject
    else:
        with pytest.raises(Unauthenticated):
            await verify(token, strict)


USER, APPLICATION = ActorKind.USER, ActorKind.APPLICATION


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({}, USER),
        ({"azp": "web"}, USER),
        ({"gty": "client-credentials"}, APPLICATION),
        ({"gty": "client_credentials", "azp": "web"}, APPLICATION),
        ({"gty": "password"}, USER),
        ({"gty": ["client-credentials"]}, USER),
        ({"sub": "abc@clients", "azp": "abc"}, APPLICATION),
        # A user could choose this text as `sub`.
        ({"azp": "auth0|john"}, USER),
        ({"client_id": "auth0|john"}, USER),
        ({"azp": "web", "client_id": "auth0|john"}, USER),
        ({"sub": "auth0|evil@clients"}, USER),
        ({"sub": "auth0|evil@clients", "azp": ""}, USER),
        ({"sub": "auth0|evil@clients", "azp": None}, USER),
        ({"sub": "auth0|evil@clients", "azp": "web"}, USER),
        ({"sub": "auth0|evil@clients", "client_id": "auth0|evil"}, USER),
        ({"sub": "@clients", "azp": ""}, USER),
        ({"sub": "@clients"}, USER),
        ({"sub": "abc@clients", "azp": ["abc"]}, USER),
        ({"sub": "abc@clients", "azp": "abc", "gty": "authorization_code"}, USER),
        ({"sub": "ABC@clients", "azp": "abc"}, USER),
        ({"sub": "abc@clients@clients", "azp": "abc"}, USER),
    ],
)
async def test_claims_distinguish_applications_from_users(claims: dict[str, Any], kind: ActorKind) -> None:
    assert (await verify(sign(**claims))).kind is kind


@pytest.mark.parametrize(
    ("value", "claims", "kind"),
    [
        ("app", {"idtyp": "app"}, APPLICATION),
        ("app", {"idtyp": ["user", "app"]}, APPLICATION),
        ("app", {"idtyp": "user"}, USER),
        ("app", {"idtyp": "application"}, USER),
        ("app", {"idtyp": []}, USER),
        ("app", {"idtyp": {"app": "app"}}, USER),
        ("app", {"idtyp": None}, USER),
        ("app", {}, USER),
        (True, {"idtyp": True}, APPLICATION),
        (True, {"idtyp": 1}, USER),
        (True, {"idtyp": "true"}, USER),
        (1, {"idtyp": 1}, APPLICATION),
        (1, {"idtyp": True}, USER),
        # The other two claims also mark an application.
        ("app", {"gty": "client-credentials"}, APPLICATION),
        ("app", {"sub": "abc@clients", "azp": "abc"}, APPLICATION),
        ("app", {"sub": "auth0|evil@clients", "idtyp": "user"}, USER),
    ],
)
async def test_configured_claim_marks_an_application(value: Any, claims: dict[str, Any], kind: ActorKind) -> None:
    issuer = Issuer(**ISSUER.model_dump() | {"application_claim": {"name": "idtyp", "value": value}})
    assert (await verify(sign(**claims), issuer)).kind is kind
    # For an issuer without this setting, the claim has no meaning.
    without = {name: each for name, each in claims.items() if name == "idtyp"}
    assert (await verify(sign(**without))).kind is USER


async def test_permissions_replace_scope() -> None:
    assert (await verify(sign(permissions=["p"]))).scopes == {"p"}
    assert (await verify(sign(permissions=[]))).scopes == frozenset()
    assert (await verify(sign(scope=...))).scopes == frozenset()


async def test_equal_scopes_of_two_tokens_share_one_object() -> None:
    first, second = await verify(sign(scope="a b")), await verify(sign(scope="b a", azp="web"))
    assert first.scopes is second.scopes


async def test_maximum_scopes_depend_on_the_kind_of_caller() -> None:
    issuer = ISSUER.model_copy(update={"scopes": Ceiling(user=["a"], application=[])})
    assert (await verify(sign(), issuer)).scopes == {"a"}
    assert (await verify(sign(permissions=["a", "b"]), issuer)).scopes == {"a"}
    assert (await verify(sign(gty="client-credentials"), issuer)).scopes == frozenset()


async def test_principal_has_connection_client_and_auth_time() -> None:
    issuer = ISSUER.model_copy(update={"connection": "partner"})
    found = await verify(sign(azp="web", auth_time=NOW), issuer)
    assert (found.connection, found.client_id, found.auth_time) == ("partner", "web", NOW)


@pytest.mark.parametrize("value", ["now", "1", True, None, [], {}, 2**53, -(2**53), 10**400, -(10**400)])
async def test_invalid_auth_time_is_unknown(value: Any) -> None:
    token = signed({"alg": "EdDSA"}, json.dumps({**CLAIMS, "auth_time": value}).encode())
    assert (await verify(token)).auth_time is None


async def test_invalid_client_id_is_unknown() -> None:
    assert (await verify(sign(azp=["web"]))).client_id is None


async def test_times_may_have_a_fraction() -> None:
    found = await verify(sign(iat=NOW + 0.25, auth_time=NOW - 0.5, nbf=NOW - 0.5, exp=NOW + 0.5))
    assert (found.issued_at, found.auth_time) == (NOW + 0.25, NOW - 0.5)


async def test_iat_may_be_in_the_future_within_the_leeway() -> None:
    assert (await verify(sign(iat=NOW + LEEWAY_SECONDS))).issued_at == NOW + LEEWAY_SECONDS


async def test_tenant_is_that_of_the_issuer_not_of_the_token() -> None:
    tenant: dict[str, Any] = {"urn:profile-api:tenant": "other"}
    token = sign(tenant="other", **tenant)
    assert (await verify(token)).tenant == "acme"
    assert (await Tokens([ISSUER], "urn:profile-api:tenant", Clock()).verify(token)).tenant == "other"


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    verified = module._verify_signature

    def counted(token: str, *more: Any) -> Any:
        seen.append(token)
        return verified(token, *more)

    monkeypatch.setattr(module, "_verify_signature", counted)
    return seen


async def test_verified_token_is_cached_for_a_limited_time(verifications: list[str]) -> None:
    clock = Clock()
    tokens, token = Tokens([ISSUER], ticks=clock, clock=Clock()), sign(exp=NOW + 10_000)
    for _ in range(3):
        await tokens.verify(token)
    assert len(verifications) == 1
    clock.now += REMEMBERED_SECONDS - 1
    await tokens.verify(token)
    assert len(verifications) == 1
    clock.now += 1
    await tokens.verify(token)
    assert len(verifications) == 2


async def test_cache_time_ignores_a_clock_that_is_set_back(verifications: list[str]) -> None:
    wall, ticks = Clock(), Clock()
    ticks.now += NOW
    issuer = ISSUER.model_copy(update={"jwks": None, "jwks_uri": "https://id/keys"})
    tokens, token = Tokens([issuer], clock=wall, ticks=ticks), sign(exp=NOW + 10_000)
    keys, known = tokens._trusted[issuer.issuer].keys, {"keys": KEYS}
    keys._transport = httpx.MockTransport(lambda _: httpx.Response(200, json=known))
    for _ in range(2):
        await tokens.verify(token)
    assert len(verifications) == 1
    wall.now -= 86_400
    ticks.now += REMEMBERED_SECONDS
    await tokens.verify(token)
    assert len(verifications) == 2
    assert keys._fetching
    await keys._fetching
    # The removal of a key is noticed after the usual time.
    known["keys"] = KEYS[1:]
    ticks.now += REFRESH_SECONDS
    await tokens.verify(token)
    await keys._fetching
    with pytest.raises(Unauthenticated):
        await tokens.verify(token)


async def test_caller_has_the_ip_address_and_client_of_the_request() -> None:
    tokens, token = Tokens([ISSUER], clock=Clock()), sign()
    requests = [("192.0.2.1", "a"), ("192.0.2.1", "a"), ("192.0.2.2", "a"), ("192.0.2.2", "b"), (None, None)]
    for ip, user_agent in requests:
        found = await tokens.verify(token, ip, user_agent)
        assert (found.subject, found.ip, found.user_agent) == ("auth0|john", ip, user_agent)
    assert (tokens.hits, tokens.misses) == (4, 1)


async def test_cache_hits_and_misses_are_counted() -> None:
    tokens = Tokens([ISSUER], clock=Clock())
    for subject in ("a", "b", "a", "a"):
        await tokens.verify(sign(ED, "EdDSA", sub=subject))
    assert (tokens.hits, tokens.misses, len(tokens)) == (2, 2, 2)
    [remembered, _] = tokens._remembered.values()
    assert remembered.generation == tokens._trusted[ISSUER.issuer].keys.generation


async def test_cached_token_expires() -> None:
    clock = Clock()
    tokens, token = Tokens([ISSUER], clock=clock), sign(exp=NOW + 20)
    await tokens.verify(token)
    clock.now += 20 + LEEWAY_SECONDS
    with pytest.raises(Unauthenticated, match="expired"):
        await tokens.verify(token)


async def test_cache_compares_the_whole_token() -> None:
    tokens, token = Tokens([ISSUER], clock=Clock()), sign()
    await tokens.verify(token)
    with pytest.raises(Unauthenticated):
        await tokens.verify(token.rpartition(".")[0] + ".")


async def test_cache_is_bounded_and_stores_no_failures(
    verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    tokens = Tokens([ISSUER], clock=Clock())
    bad = sign(OTHER)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await tokens.verify(bad)
    assert len(verifications) == 2
    good = [sign(sub=f"u{number}") for number in range(3)]
    for each in (*good, *good[1:]):
        await tokens.verify(each)
    assert len(verifications) == 5
    await tokens.verify(good[0])
    assert len(verifications) == 6
    assert MAX_REMEMBERED == 10_000


@pytest.mark.parametrize(
    "jwks",
    [{}, {"keys": []}, {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, {"keys": [{"kty": "nope"}]}, {"keys": "x"}],
)
def test_unusable_keys_are_a_configuration_error(jwks: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="https://id/") as refused:
        Tokens([ISSUER.model_copy(update={"jwks": jwks})])
    assert "c2VjcmV0" not in str(refused.value)


def signed(header: dict[str, Any], payload: bytes, key: OKPKey = ED) -> str:
    """Returns a token with a valid signature over any header and payload."""
    parts = [urlsafe_b64encode(each).decode().rstrip("=") for each in (json.dumps(header).encode(), payload)]
    private_key = key.get_op_key("sign")
    assert isinstance(private_key, Ed25519PrivateKey)
    signature = private_key.sign(".".join(parts).encode())
    return ".".join([*parts, urlsafe_b64encode(signature).decode().rstrip("=")])


async def assert_refused(token: str, issuer: Issuer = ISSUER, message: str = "") -> None:
    with pytest.raises(Unauthenticated) as refused:
        await verify(token, issuer)
    assert refused.value.error == "invalid_token"
    assert refused.value.message.endswith(message)


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["x"], "x": 1},
        {"crit": 5},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"kid": []},
        {"kid": {"a": 1}},
        {"kid": 5},
        {"kid": True},
        {"kid": ""},
        {"typ": []},
        {"x5c": 5},
    ],
)
async def test_unsupported_header_is_refused_even_when_signed(more: dict[str, Any]) -> None:
    await assert_refused(signed({"alg": "EdDSA", **more}, json.dumps(CLAIMS).encode()))


@pytest.mark.parametrize("header", [{}, {"typ": None}, {"typ": ""}, {"typ": "xxxx"}])
async def test_token_without_the_issuers_type_is_refused(header: dict[str, Any]) -> None:
    strict = ISSUER.model_copy(update={"typ": "at+jwt"})
    content = json.dumps(CLAIMS).encode()
    assert await verify(signed({"alg": "EdDSA", "typ": "at+jwt"}, content), strict)
    await assert_refused(signed({"alg": "EdDSA", **header}, content), strict, "The token is not of type at+jwt.")


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'"x"', b"1", b"null", b"\xff\xfe", b"[" * 9000, b'{"iss":' + b"9" * 5000 + b"}"]
)
async def test_payload_that_is_not_an_object_is_refused(payload: bytes) -> None:
    await assert_refused(signed({"alg": "EdDSA"}, payload), message=NO_JWT)


async def test_subject_that_is_no_valid_text_is_refused() -> None:
    for subject in ('""', '"\\ud800"', "1", "null", '["a"]'):
        await assert_refused(
            signed({"alg": "EdDSA"}, json.dumps({**CLAIMS, "sub": 0}).replace(": 0", f": {subject}").encode())
        )


@pytest.mark.parametrize("claim", ["azp", "client_id"])
async def test_client_with_a_lone_surrogate_is_refused(claim: str) -> None:
    token = signed({"alg": "EdDSA"}, json.dumps({**CLAIMS, claim: "\ud800"}).encode())
    await assert_refused(token, message="The client id of the token contains invalid Unicode.")


async def test_cached_token_is_forgotten_with_its_key() -> None:
    tokens = Tokens([ISSUER], clock=Clock())
    token = sign()
    await tokens.verify(token)
    assert (await tokens.verify(token), tokens.hits)[1] == 1
    keys = tokens._trusted[ISSUER.issuer].keys
    keys.generation += 1
    # The key set has changed but still contains the key.
    assert (await tokens.verify(token), tokens.hits)[1] == 2
    [remembered] = tokens._remembered.values()
    assert remembered.generation == keys.generation
    keys.generation += 1
    keys._by_thumbprint = {}
    with pytest.raises(Unauthenticated):
        await tokens.verify(token)


async def test_invalid_key_id_does_not_select_the_only_key() -> None:
    nameless = OKPKey.generate_key("Ed25519")
    issuer = ISSUER.model_copy(update={"jwks": {"keys": [nameless.as_dict(private=False)]}})
    content = json.dumps(CLAIMS).encode()
    await verify(signed({"alg": "EdDSA", "kid": "any"}, content, nameless), issuer)
    message = "The header of the token has a critical extension or an invalid kid."
    await assert_refused(signed({"alg": "EdDSA", "kid": 5}, content, nameless), issuer, message)


async def test_key_inside_the_token_is_ignored() -> None:
    mine = OKPKey.generate_key("Ed25519", {"kid": "ed"})
    await assert_refused(sign(mine, "EdDSA", {"jwk": mine.as_dict(private=False), "kid": "ed"}))
    await assert_refused(sign(mine, "EdDSA", {"jwk": mine.as_dict(private=False), "jku": "https://evil.example/"}))


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=["RSA", "EC", "Ed25519"])
@pytest.mark.parametrize("claimed", ["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"])
async def test_hmac_with_a_public_key_is_refused(key: Any, claimed: str) -> None:
    content = forged({"alg": claimed, "kid": key.kid}).rpartition(".")[0]
    hash_ = f"sha{claimed[2:]}" if claimed.startswith("HS") else "sha256"
    for secret in (
        key.as_pem(private=False),
        key.as_der(private=False),
        json.dumps(key.as_dict(private=False)).encode(),
    ):
        mac = hmac.digest(secret, content.encode(), hash_)
        await assert_refused(f"{content}.{urlsafe_b64encode(mac).decode().rstrip('=')}")


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
async def test_every_bit_of_a_signature_is_verified(key: Any, alg: str) -> None:
    content, _, signature = sign(key, alg).rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    for place in (0, len(raw) // 2, len(raw) - 1):
        for bit in (0, 7):
            turned = bytearray(raw)
            turned[place] ^= 1 << bit
            await assert_refused(f"{content}.{urlsafe_b64encode(turned).decode().rstrip('=')}")
    for wrong in (b"", raw[:-1], raw + b"\0", bytes(len(raw))):
        await assert_refused(f"{content}.{urlsafe_b64encode(wrong).decode().rstrip('=')}", message=BAD_SIGNATURE)


async def test_token_has_a_maximum_size(monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign(pad="x" * 1000)
    monkeypatch.setattr(module, "MAX_TOKEN_BYTES", len(token))
    assert (await verify(token)).subject
    monkeypatch.setattr(module, "MAX_TOKEN_BYTES", len(token) - 1)
    await assert_refused(token)


@pytest.mark.parametrize("claims", [{}, {"gty": "client_credentials"}])
async def test_empty_permissions_give_no_scopes(claims: dict[str, Any]) -> None:
    issuer = ISSUER.model_copy(update={"scopes": Ceiling(user=["a"], application=["a"])})
    assert (await verify(sign(permissions=["a"], **claims), issuer)).scopes == {"a"}
    assert (await verify(sign(permissions=[], **claims), issuer)).scopes == frozenset()


async def test_expired_cached_token_is_not_verified_again(verifications: list[str]) -> None:
    clock = Clock()
    tokens, token = Tokens([ISSUER], clock=clock), sign(exp=NOW + 20)
    await tokens.verify(token)
    clock.now += 20 + LEEWAY_SECONDS - 0.001
    await tokens.verify(token)
    clock.now += 0.001
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="expired"):
            await tokens.verify(token)
    assert len(verifications) == 1


async def test_early_token_is_accepted_after_its_nbf() -> None:
    clock = Clock()
    tokens, token = Tokens([ISSUER], clock=clock), sign(nbf=NOW + 30)
    with pytest.raises(Unauthenticated, match="not valid yet"):
        await tokens.verify(token)
    assert not tokens._remembered
    clock.now += 30 - LEEWAY_SECONDS
    assert (await tokens.verify(token)).subject


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["large", "small"])
async def test_time_out_of_range_is_refused(claim: str, value: int) -> None:
    await assert_refused(signed({"alg": "EdDSA"}, json.dumps({**CLAIMS, claim: value}).encode()))


@pytest.mark.parametrize(
    ("claim", "text"), [("exp", "NaN"), ("exp", "Infinity"), ("exp", "1e400"), ("nbf", "NaN"), ("iat", "NaN")]
)
async def test_time_that_is_not_finite_is_refused(claim: str, text: str) -> None:
    payload = json.dumps({**CLAIMS, claim: 0}).replace(f'"{claim}": 0', f'"{claim}": {text}')
    await assert_refused(signed({"alg": "EdDSA"}, payload.encode()))


@pytest.mark.parametrize("claims", [{"exp": True}, {"exp": 60, "nbf": True}, {"exp": 60, "nbf": False}])
async def test_boolean_is_no_time(claims: dict[str, Any]) -> None:
    tokens = Tokens([ISSUER], clock=lambda: 0.0)
    numbers: dict[str, Any] = {name: int(value) for name, value in claims.items()}
    assert (await tokens.verify(sign(**numbers))).subject
    with pytest.raises(Unauthenticated, match="is missing or is not"):
        await tokens.verify(sign(**claims))

"""The keys of an issuer: configured, or fetched from its JWK Set (RFC 7517) and fetched again when they are old."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, RSAKey

from app.domain.errors import Unavailable
from app.domain.hosts import is_loopback
from app.settings import ConfigurationError, Issuer

# How long a key that has left the JWKS may still be taken.
REFRESH_SECONDS = 60.0
# Between two fetches, whatever key ids callers think up.
RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
_MAX_BYTES = 500_000
_MIN_RSA_BITS = 2048
# RFC 7518, RFC 8037: what signs with an algorithm; of elliptic curves the curve too.
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

logger = logging.getLogger("profile_api")


class IssuerKeys:
    """Kept while the issuer is down; fetched again when they grow old, and at a bounded rate for a key not known.

    `generation` moves when the set of keys does; at `stale_at`, by `clock`, they are old. `clock` never goes back: with
    the wall clock set back a day, a removed key would be good for a day more.
    """

    def __init__(
        self,
        issuer: Issuer,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """ConfigurationError where the issuer is configured with keys, or with a URL of keys, that cannot be used."""
        self.generation = 0
        self._issuer = issuer
        self._clock = clock
        self._transport = transport
        self._by_thumbprint: dict[str, Key] = {}
        self._jwks_uri = issuer.jwks_uri
        self._fetching: asyncio.Task[None] | None = None
        self._not_before = self.stale_at = float("-inf")
        self._reached = False
        if issuer.jwks is not None:
            self._by_thumbprint = _configured_keys(issuer, issuer.jwks)
            self._not_before = self.stale_at = float("inf")
            self._reached = True
        else:
            _check_url(issuer, issuer.jwks_uri or issuer.issuer)

    async def find(self, header: Mapping[str, Any]) -> Key | None:
        """The key that a token's header names; where it names none, the only one that fits its algorithm.

        Unavailable where that is not known and the issuer does not answer.
        """
        self.refresh_when_old()
        found = self._fitting(header)
        if found is None and await self._refresh():
            found = self._fitting(header)
        if found is None and not self._reached:
            raise Unavailable("The token's issuer does not answer now. Try again.")
        return found

    def holds(self, thumbprint: str) -> bool:
        """Whether the key of this thumbprint (RFC 7638) is one of the issuer's still."""
        return thumbprint in self._by_thumbprint

    def refresh_when_old(self) -> None:
        """Nobody waits for it."""
        if self._clock() >= self.stale_at:
            self._start_fetching()

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fitting(self, header: Mapping[str, Any]) -> Key | None:
        kid, alg = header.get("kid"), str(header["alg"])
        fitting = [each for each in self._by_thumbprint.values() if _fits(each, alg)]
        named = [each for each in fitting if each.kid == kid] if kid is not None else fitting
        if not named and len(fitting) == 1 and fitting[0].kid is None:
            named = fitting
        return named[0] if len(named) == 1 else None

    async def _refresh(self) -> bool:
        """Waits for a fetch, one for all who wait. False where it is too early for another."""
        if not self._start_fetching():
            return False
        assert self._fetching
        await asyncio.shield(self._fetching)
        return True

    def _start_fetching(self) -> bool:
        if self._fetching is not None and not self._fetching.done():
            return True
        if self._clock() < self._not_before:
            return False
        self._fetching = asyncio.create_task(self._fetch())
        return True

    async def _fetch(self) -> None:
        try:
            keys = await asyncio.wait_for(self._fetched(), 2 * _TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            logger.warning("the keys of %s can't be fetched: %s", self._issuer.issuer, type(error).__name__)
            self._jwks_uri, self._reached = self._issuer.jwks_uri, False
            self._not_before = self.stale_at = self._clock() + RETRY_SECONDS
            return
        if keys.keys() != self._by_thumbprint.keys():
            self.generation += 1
        self._by_thumbprint, self._reached = keys, True
        self._not_before, self.stale_at = self._clock() + RETRY_SECONDS, self._clock() + REFRESH_SECONDS

    async def _fetched(self) -> dict[str, Key]:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, transport=self._transport) as client:
            if self._jwks_uri is None:
                self._jwks_uri = await self._discovered(client)
            jwks = await _get(client, self._jwks_uri)
        keys = usable_keys(jwks)
        if not keys:
            raise ValueError("no usable key")
        return keys

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        """OpenID Connect Discovery 1.0, section 4: the document must say that it is this issuer's."""
        url = self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await _get(client, url)
        uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer.issuer or not isinstance(uri, str) or not _is_safe(uri):
            raise ValueError("another issuer's document, or no jwks_uri")
        return uri


def usable_keys(jwks: Mapping[str, Any]) -> dict[str, Key]:
    """Public keys that verify signatures, by thumbprint. What is not understood is passed over (RFC 7517)."""
    given = jwks.get("keys")
    keys = [_usable(each) for each in given] if isinstance(given, list) else []
    return {each.thumbprint(): each for each in keys if each is not None}


def _usable(given: Any) -> Key | None:
    if not isinstance(given, dict) or given.get("kty") not in _KEY_TYPES.values() or given.get("use", "sig") != "sig":
        return None
    operations = given.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return None
    try:
        key = JWKRegistry.import_key(given)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS:
        return None
    return key


def _fits(key: Key, alg: str) -> bool:
    if key.key_type != _KEY_TYPES[alg[:2]] or (key.alg is not None and key.alg != alg):
        return False
    return not isinstance(key, ECKey) or key.curve_name == _CURVES.get(alg)


def _configured_keys(issuer: Issuer, jwks: Mapping[str, Any]) -> dict[str, Key]:
    given = jwks.get("keys")
    if isinstance(given, list) and any(isinstance(each, dict) and ("d" in each or "k" in each) for each in given):
        problem = "it holds a private or secret key; only public keys belong here"
        raise ConfigurationError(f"PROFILE_API_ISSUERS: the jwks of {issuer.issuer} can't be used: {problem}.")
    keys = usable_keys(jwks)
    if not keys:
        raise ConfigurationError(f"PROFILE_API_ISSUERS: the jwks of {issuer.issuer} holds no public key to verify by.")
    return keys


def _check_url(issuer: Issuer, url: str) -> None:
    if not _is_safe(url):
        raise ConfigurationError(
            f"PROFILE_API_ISSUERS: the keys of {issuer.issuer} need a jwks, a jwks_uri, or an issuer with discovery,"
            " at an https URL."
        )


def _is_safe(url: str) -> bool:
    """https; http on loopback only, where nobody stands between."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """A JSON object. ValueError for anything else; a redirect is none."""
    body = b""
    async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
        if response.status_code != 200:
            raise ValueError("not answered with 200")
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _MAX_BYTES:
                raise ValueError("too large")
    content = json.loads(body)
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    return content

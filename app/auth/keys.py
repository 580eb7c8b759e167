"""Keys of an issuer: configured, or fetched from its JWK Set (RFC 7517) and refreshed while the service runs."""

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

# The maximum time for which a key is accepted after the issuer removed it from its JWK Set, while the issuer answers.
REFRESH_SECONDS = 60.0
# The minimum time between two fetches. Callers choose the key ids of their tokens, so unknown key ids alone must not
# make this service send many requests to the issuer.
RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
_MAX_BYTES = 500_000
_MIN_RSA_BITS = 2048
# The key type, and for elliptic curves the curve, of each algorithm (RFC 7518, RFC 8037).
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

logger = logging.getLogger("profile_api")


class IssuerKeys:
    """The keys of one issuer. They stay valid while the issuer does not answer.

    They are fetched again after REFRESH_SECONDS, and for a token with an unknown key at most every RETRY_SECONDS.
    `generation` increases whenever the set of keys changes. `stale_at` is when the keys must be fetched again.
    `stale_at` is a time of `clock`, which never goes back.
    """

    # `clock` is not the wall clock: if that were set back by a day, a removed key would be accepted for one more day.

    def __init__(
        self,
        issuer: Issuer,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises ConfigurationError when the configured keys, or the configured URL of keys, cannot be used."""
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
        """Returns the key that the header of a token names by `kid`.

        Without `kid`, it returns the only key that fits the algorithm. Returns None when no key, or more than one key,
        fits. Raises Unavailable when the key is not known and the issuer does not answer.
        """
        self.refresh_when_old()
        found = self._fitting(header)
        if found is None and await self._refresh():
            found = self._fitting(header)
        if found is None and not self._reached:
            # The token may be valid, so this must not be reported as an invalid token.
            raise Unavailable("The issuer of the token does not answer. Try again later.")
        return found

    def contains(self, thumbprint: str) -> bool:
        """Returns whether the issuer still has the key with this thumbprint (RFC 7638)."""
        return thumbprint in self._by_thumbprint

    def refresh_when_old(self) -> None:
        """Starts a fetch in the background when the keys are old. It does not wait for the fetch."""
        if self._clock() >= self.stale_at:
            self._start_fetching()

    async def close(self) -> None:
        """Stops a fetch that is still running."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fitting(self, header: Mapping[str, Any]) -> Key | None:
        kid, alg = header.get("kid"), str(header["alg"])
        fitting = [each for each in self._by_thumbprint.values() if _fits(each, alg)]
        named = [each for each in fitting if each.kid == kid] if kid is not None else fitting
        # Some issuers publish one key without an id. Only then may the id of the token be ignored.
        if not named and len(fitting) == 1 and fitting[0].kid is None:
            named = fitting
        return named[0] if len(named) == 1 else None

    async def _refresh(self) -> bool:
        """Waits for a fetch. Returns False when it is too early for another fetch."""
        if not self._start_fetching():
            return False
        assert self._fetching
        # All requests that wait share one fetch, so a request that is cancelled must not cancel the fetch.
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
            keys = await asyncio.wait_for(self._fetch_keys(), 2 * _TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            # Only the type: the message of an error can contain text that the issuer sent.
            logger.warning("the keys of %s cannot be fetched: %s", self._issuer.issuer, type(error).__name__)
            # A discovered URL is discovered again, because the issuer may have moved its keys.
            self._jwks_uri, self._reached = self._issuer.jwks_uri, False
            self._not_before = self.stale_at = self._clock() + RETRY_SECONDS
            return
        if keys.keys() != self._by_thumbprint.keys():
            self.generation += 1
        self._by_thumbprint, self._reached = keys, True
        self._not_before, self.stale_at = self._clock() + RETRY_SECONDS, self._clock() + REFRESH_SECONDS

    async def _fetch_keys(self) -> dict[str, Key]:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, transport=self._transport) as client:
            if self._jwks_uri is None:
                self._jwks_uri = await self._discover(client)
            jwks = await _get(client, self._jwks_uri)
        keys = usable_keys(jwks)
        # An empty set would invalidate every token. It is more likely a fault of the issuer than its intention.
        if not keys:
            raise ValueError("no usable key")
        return keys

    async def _discover(self, client: httpx.AsyncClient) -> str:
        """Returns the `jwks_uri` of the issuer's discovery document (OpenID Connect Discovery 1.0, section 4).

        Raises ValueError when the document names another issuer or has no usable `jwks_uri`.
        """
        url = self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await _get(client, url)
        uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer.issuer or not isinstance(uri, str) or not _is_safe(uri):
            raise ValueError("the document names another issuer, or has no jwks_uri")
        return uri


def usable_keys(jwks: Mapping[str, Any]) -> dict[str, Key]:
    """Returns the public keys that verify signatures, by thumbprint. Keys that it cannot use are ignored (RFC 7517)."""
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
    # `d` is the private part of a key and `k` is a symmetric key. Who can read the configuration could sign tokens.
    if isinstance(given, list) and any(isinstance(each, dict) and ("d" in each or "k" in each) for each in given):
        problem = "it contains a private or secret key: configure public keys only"
        raise ConfigurationError(f"PROFILE_API_ISSUERS: the jwks of {issuer.issuer} cannot be used: {problem}.")
    keys = usable_keys(jwks)
    if not keys:
        raise ConfigurationError(f"PROFILE_API_ISSUERS: the jwks of {issuer.issuer} has no public key for signatures.")
    return keys


def _check_url(issuer: Issuer, url: str) -> None:
    if not _is_safe(url):
        raise ConfigurationError(
            f"PROFILE_API_ISSUERS: {issuer.issuer} needs a jwks, a jwks_uri with https, or an issuer that is an https"
            " URL with a discovery document."
        )


def _is_safe(url: str) -> bool:
    """Returns whether keys may be fetched from this URL: with https, or with http on loopback."""
    # Who can change the answer of an http URL can replace the keys. On loopback no other machine is involved.
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Returns a JSON object. Raises ValueError for any other answer, including a redirect."""
    # A redirect could lead to a URL that `_is_safe` refuses, so it is never followed.
    body = b""
    async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
        if response.status_code != 200:
            raise ValueError("the status is not 200")
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _MAX_BYTES:
                raise ValueError("the answer is too large")
    content = json.loads(body)
    if not isinstance(content, dict):
        raise ValueError("the answer is not a JSON object")
    return content

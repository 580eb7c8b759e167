"""Bearer tokens: verifies them as RFC 8725 recommends, caches the result, and turns each into a Principal."""

import json
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key

from app.auth.keys import IssuerKeys
from app.domain.errors import Unauthenticated
from app.domain.metadata import is_well_formed
from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.settings import Issuer

# RFC 9864 deprecates the algorithm name EdDSA of RFC 8037, but issuers still use it.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

# Larger numbers have no exact value as a JSON number, and are no realistic times.
_MAX_TIME = 1 << 53
REMEMBERED_SECONDS = 300
MAX_REMEMBERED = 10_000
# A larger token is refused before it is decoded. No known issuer creates a token of this size.
MAX_TOKEN_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class _Trusted:
    """An issuer and its keys."""

    issuer: Issuer
    keys: IssuerKeys


@dataclass(slots=True)
class _Remembered:
    """A token that was verified. `thumbprint` names the key that signed it.

    `generation` is the generation of the issuer's keys when this key was last found among them. `not_before` and
    `expires` are times of the wall clock. `until`, when the token is forgotten, is a time of the monotonic clock.
    """

    principal: Principal
    keys: IssuerKeys
    thumbprint: str
    generation: int
    not_before: float
    expires: float
    until: float

    def is_still_signed(self) -> bool:
        """Returns whether the issuer still has the key that signed the token."""
        if self.generation != self.keys.generation:
            if not self.keys.contains(self.thumbprint):
                return False
            self.generation = self.keys.generation
        return True


class Tokens:
    """Verifies tokens of the given issuers. `clock` returns seconds since 1970, `ticks` seconds that never go back.

    A verified token is remembered by the SHA-256 of the complete token, for at most REMEMBERED_SECONDS and while the
    issuer has its key. `exp` and `nbf` are checked for every request. Failures are not remembered. `hits` counts the
    tokens that were remembered, `misses` the others.
    """

    # Failures are not remembered, because a caller could send many invalid tokens and so remove all valid ones.

    def __init__(
        self,
        issuers: list[Issuer],
        tenant_claim: str | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tenant_claim` is for the development issuer only: otherwise the issuer determines the tenant."""
        self._tenant_claim = tenant_claim
        self.hits = self.misses = 0
        self._trusted = {each.issuer: _Trusted(each, IssuerKeys(each, ticks)) for each in issuers}
        self._clock, self._ticks = clock, ticks
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def __len__(self) -> int:
        """Returns the number of remembered tokens."""
        return len(self._remembered)

    async def verify(self, token: str, ip: str | None = None, user_agent: str | None = None) -> Principal:
        """Returns the caller that the token describes. `ip` and `user_agent` are those of the request.

        Raises Unauthenticated with `invalid_token` and the reason when the token is not valid. Raises Unavailable when
        the keys of its issuer are not known and the issuer does not answer.
        """
        # The hash covers the signature too: a token with the same claims and a forged signature is not remembered.
        digest = sha256(token.encode("utf-8", "replace")).digest()
        known = self._remembered.get(digest)
        now, ticks = self._clock(), self._ticks()
        if known is not None and ticks < known.until and known.is_still_signed():
            self.hits += 1
            if ticks >= known.keys.stale_at:
                known.keys.refresh_when_old()
            if not known.not_before <= now < known.expires:
                _check_times(known.not_before, known.expires, now)
            principal = known.principal
            if principal.ip != ip or principal.user_agent != user_agent:
                principal = known.principal = replace(principal, ip=ip, user_agent=user_agent)
            return principal
        self.misses += 1
        claims, trusted, key = await self._verify(token)
        expires, not_before = _require_time(claims, "exp"), _require_time(claims, "nbf", 0.0)
        _check_times(not_before, expires, now)
        if _require_time(claims, "iat", 0.0) > now + LEEWAY_SECONDS:
            raise _invalid("The token was issued in the future.")
        principal = replace(to_principal(claims, trusted.issuer), ip=ip, user_agent=user_agent)
        if self._tenant_claim is not None:
            principal = replace(principal, tenant=_text(claims, self._tenant_claim) or principal.tenant)
        keys, until = trusted.keys, ticks + REMEMBERED_SECONDS
        self._remember(
            digest, _Remembered(principal, keys, key.thumbprint(), keys.generation, not_before, expires, until)
        )
        return principal

    async def close(self) -> None:
        """Stops the fetches of keys that are still running."""
        for each in self._trusted.values():
            await each.keys.close()

    async def _verify(self, token: str) -> tuple[Mapping[str, Any], _Trusted, Key]:
        """Returns the verified claims, the issuer and the key. Raises what `verify` raises."""
        header, unverified = _peek(token)
        trusted = self._trusted.get(_text(unverified, "iss"))
        if trusted is None:
            raise _invalid("The issuer of the token is not configured in this service.")
        issuer = trusted.issuer
        # The configuration decides which algorithms are accepted, never the token: otherwise a caller could choose
        # `none`, or HMAC with the public key as its secret (RFC 8725, section 2.1).
        if header.get("alg") not in issuer.algorithms:
            raise _invalid("The token is signed with an algorithm that is not configured for its issuer.")
        # RFC 7515, section 4.1.11: a token with a critical extension that is not understood must be refused.
        if "crit" in header or not isinstance(header.get("kid", ""), str):
            raise _invalid("The header of the token has a critical extension or an invalid kid.")
        # Without this check, an ID token of the same issuer could be used as an access token (RFC 8725, section 3.11).
        if issuer.typ is not None and _media_type(header.get("typ")) != _media_type(issuer.typ):
            raise _invalid(f"The token is not of type {issuer.typ}.")
        key = await trusted.keys.find(header)
        if key is None:
            raise _invalid("The issuer of the token has no key that fits the token.")
        claims = _verify_signature(token, key, issuer)
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _invalid("The token is for another audience.")
        return claims, trusted, key

    def _remember(self, digest: bytes, remembered: _Remembered) -> None:
        self._remembered[digest] = remembered
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def to_principal(claims: Mapping[str, Any], issuer: Issuer) -> Principal:
    """Returns the caller that verified claims describe. Raises Unauthenticated when they do not describe a caller."""
    subject = _text(claims, "sub")
    if not subject or not is_well_formed(subject):
        raise _invalid("The token has no valid sub.")
    client_id = claims.get("azp") or claims.get("client_id")
    if isinstance(client_id, str) and not is_well_formed(client_id):
        raise _invalid("The client id of the token contains invalid Unicode.")
    kind = ActorKind.APPLICATION if _is_application(claims, issuer) else ActorKind.USER
    return Principal(
        tenant=issuer.tenant,
        subject=subject,
        kind=kind,
        scopes=_scopes(claims, issuer, kind),
        client_id=client_id if isinstance(client_id, str) else None,
        connection=issuer.connection,
        auth_time=_time(claims, "auth_time"),
        issuer=issuer.issuer,
        issued_at=_time(claims, "iat"),
    )


def _is_application(claims: Mapping[str, Any], issuer: Issuer) -> bool:
    """Returns whether the caller is an application.

    Auth0 adds `gty` to the token of a client credentials grant, and its `sub` is `azp` followed by `@clients`. This
    form of `sub` has no effect when `gty` names another grant.
    """
    # `sub` alone never decides, because some issuers let users choose their `sub`. `client_id` (RFC 9068) does not
    # replace `azp`, because tokens of users have a `client_id` too.
    if _has_application_claim(claims, issuer):
        return True
    grant, client = claims.get("gty"), _text(claims, "azp")
    if grant is not None:
        return grant in ("client-credentials", "client_credentials")
    return client != "" and claims["sub"] == f"{client}@clients"


def _has_application_claim(claims: Mapping[str, Any], issuer: Issuer) -> bool:
    wanted = issuer.application_claim
    if wanted is None or wanted.name not in claims:
        return False
    found = claims[wanted.name]
    values = found if isinstance(found, list) else [found]
    # In Python True equals 1. In JSON they are different values.
    return any(type(each) is type(wanted.value) and each == wanted.value for each in values)


def _scopes(claims: Mapping[str, Any], issuer: Issuer, kind: ActorKind) -> frozenset[str]:
    """Returns the scopes of the caller: `permissions`, or `scope` without them, limited to the issuer's maximum.

    Raises Unauthenticated when they are not a list of texts.
    """
    # Auth0 puts the rights that a user really has into `permissions`; `scope` has what the application requested.
    permissions, scope = claims.get("permissions"), claims.get("scope", "")
    given = permissions if permissions is not None else scope.split() if isinstance(scope, str) else scope
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise _invalid("scope or permissions of the token has an invalid format.")
    maximum = issuer.scopes.user if kind is ActorKind.USER else issuer.scopes.application
    return _share(frozenset(given) if maximum is None else frozenset(given) & frozenset(maximum))


@lru_cache(maxsize=1024)
def _share(scopes: frozenset[str]) -> frozenset[str]:
    """Returns the same object for equal sets of scopes."""
    # Sets of scopes are most of the memory of remembered tokens, and many tokens have the same scopes.
    return scopes


def _peek(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Returns the header and the claims of a token that is not verified: only for choosing the issuer and the key.

    Raises Unauthenticated when the token is not a JSON Web Token (RFC 7519).
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise _invalid("The token is too long.")
    try:
        found = jws.extract_compact(token.encode("ascii"))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, RecursionError):
        raise _invalid("The token is not a JSON Web Token.") from None
    if not isinstance(claims, dict):
        raise _invalid("The token is not a JSON Web Token.")
    return found.headers(), claims


def _verify_signature(token: str, key: Key, issuer: Issuer) -> Mapping[str, Any]:
    try:
        return jwt.decode(token, key, algorithms=list(issuer.algorithms)).claims
    except (JoseError, ValueError, TypeError):
        raise _invalid("The signature of the token is not valid.") from None


def _check_times(not_before: float, expires: float, now: float) -> None:
    if now >= expires + LEEWAY_SECONDS:
        raise _invalid("The token has expired.")
    if now < not_before - LEEWAY_SECONDS:
        raise _invalid("The token is not valid yet.")


def _require_time(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """Returns a NumericDate, or `default` without one. Raises Unauthenticated when it is invalid or required."""
    # A claim that is invalid is never replaced by the default: a broken `nbf` must not make a token valid.
    value = _time(claims, name) if name in claims else default
    if value is None:
        raise _invalid(f"{name} of the token is missing or is not a NumericDate.")
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """Returns a NumericDate (RFC 7519), which may have a fraction, or None when the claim is missing or invalid."""
    value = claims.get(name)
    # Every comparison with NaN is false, and infinity is later than any time: such a token would never expire.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MAX_TIME < value < _MAX_TIME:
        return None
    return float(value)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _media_type(typ: object) -> str:
    """Returns the media type in lower case without `application/`, which `typ` may omit (RFC 7515)."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def _invalid(message: str) -> Unauthenticated:
    return Unauthenticated(message, "invalid_token")

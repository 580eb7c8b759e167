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

# RFC 9864 renames it; issuers sign with the name of RFC 8037 all the same.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

_FAR = 1 << 53
REMEMBERED_SECONDS = 300
MAX_REMEMBERED = 10_000
# More than any issuer writes; larger ones are not worth the look.
MAX_TOKEN_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class _Trusted:
    """An issuer with its keys at hand."""

    issuer: Issuer
    keys: IssuerKeys


@dataclass(slots=True)
class _Remembered:
    """`generation` of its issuer's keys when `thumbprint` was last found among them.

    `not_before` and `expires` are by the wall clock, `until` is by the monotonic clock.
    """

    principal: Principal
    keys: IssuerKeys
    thumbprint: str
    generation: int
    not_before: float
    expires: float
    until: float

    def is_still_signed(self) -> bool:
        """Whether the key that signed it is its issuer's still."""
        if self.generation != self.keys.generation:
            if not self.keys.holds(self.thumbprint):
                return False
            self.generation = self.keys.generation
        return True


class Tokens:
    """Verifies tokens of the given issuers. `clock` gives seconds since 1970, `ticks` seconds that never go back.

    A verified token is remembered by the SHA-256 of the whole of it, its times looked at each time, until its key
    leaves the issuer's JWKS. Failures are not. `hits` and `misses` count what was remembered and what was not.
    """

    def __init__(
        self,
        issuers: list[Issuer],
        tenant_claim: str | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tenant_claim` is for the development issuer: elsewhere the issuer alone says the tenant."""
        self._tenant_claim = tenant_claim
        self.hits = self.misses = 0
        self._trusted = {each.issuer: _Trusted(each, IssuerKeys(each, ticks)) for each in issuers}
        self._clock, self._ticks = clock, ticks
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._remembered)

    async def verify(self, token: str, ip: str | None = None, user_agent: str | None = None) -> Principal:
        """Unauthenticated with `invalid_token` for every token that is no good; the message says why.

        `ip` and `user_agent` are where it came from.

        Unavailable where its issuer's keys are not known and can't be had.
        """
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
        claims, trusted, key = await self._claims(token)
        expires, not_before = _number(claims, "exp"), _number(claims, "nbf", 0.0)
        _check_times(not_before, expires, now)
        if _number(claims, "iat", 0.0) > now + LEEWAY_SECONDS:
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
        for each in self._trusted.values():
            await each.keys.close()

    async def _claims(self, token: str) -> tuple[Mapping[str, Any], _Trusted, Key]:
        """What the issuer signed, checked against what it was set up to sign."""
        header, unverified = _peek(token)
        trusted = self._trusted.get(_text(unverified, "iss"))
        if trusted is None:
            raise _invalid("The token is of an issuer that is not known here.")
        issuer = trusted.issuer
        # The list is the issuer's, never the token's own word: no `none`, no HMAC with a public key.
        if header.get("alg") not in issuer.algorithms:
            raise _invalid("The token is signed with an algorithm that its issuer is not set up for.")
        # RFC 7515, section 4.1.11: an extension that is not understood is no detail to be passed over.
        if "crit" in header or not isinstance(header.get("kid", ""), str):
            raise _invalid("The token's header is not understood.")
        if issuer.typ is not None and _media_type(header.get("typ")) != _media_type(issuer.typ):
            raise _invalid(f"The token is not of type {issuer.typ}.")
        key = await trusted.keys.find(header)
        if key is None:
            raise _invalid("The token names no key that its issuer has.")
        claims = _verified(token, key, issuer)
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _invalid("The token is for another audience.")
        return claims, trusted, key

    def _remember(self, digest: bytes, remembered: _Remembered) -> None:
        self._remembered[digest] = remembered
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def to_principal(claims: Mapping[str, Any], issuer: Issuer) -> Principal:
    """The caller that verified claims describe. Unauthenticated where they describe none."""
    subject = _text(claims, "sub")
    if not subject or not is_well_formed(subject):
        raise _invalid("The token names no subject.")
    client_id = claims.get("azp") or claims.get("client_id")
    if isinstance(client_id, str) and not is_well_formed(client_id):
        raise _invalid("The token names a client that is no Unicode text.")
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
    """Whether the token speaks for an application. A `sub` alone never says so: some issuers let users choose theirs.

    Auth0 gives `gty` to the tokens of a client credentials grant, and their `sub` is `azp` and `@clients`. That form of
    `sub` does not count where `gty` names another grant. `client_id` (RFC 9068) does not stand in for `azp`.
    """
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
    # Python takes True for 1, JSON does not.
    return any(type(each) is type(wanted.value) and each == wanted.value for each in values)


def _scopes(claims: Mapping[str, Any], issuer: Issuer, kind: ActorKind) -> frozenset[str]:
    """`permissions` stand instead of `scope`; then the issuer's ceiling applies."""
    permissions, scope = claims.get("permissions"), claims.get("scope", "")
    given = permissions if permissions is not None else scope.split() if isinstance(scope, str) else scope
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise _invalid("The token's scopes can't be read.")
    ceiling = issuer.scopes.user if kind is ActorKind.USER else issuer.scopes.application
    return _shared(frozenset(given) if ceiling is None else frozenset(given) & frozenset(ceiling))


@lru_cache(maxsize=1024)
def _shared(scopes: frozenset[str]) -> frozenset[str]:
    """Returns the same object for equal sets of scopes, because they are most of the memory of a remembered token."""
    return scopes


def _peek(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims before anything is verified: only to find out whose keys to take."""
    if len(token) > MAX_TOKEN_BYTES:
        raise _invalid("The token is too long.")
    try:
        found = jws.extract_compact(token.encode("ascii"))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, RecursionError):
        raise _invalid("The token is no JSON Web Token.") from None
    if not isinstance(claims, dict):
        raise _invalid("The token is no JSON Web Token.")
    return found.headers(), claims


def _verified(token: str, key: Key, issuer: Issuer) -> Mapping[str, Any]:
    try:
        return jwt.decode(token, key, algorithms=list(issuer.algorithms)).claims
    except (JoseError, ValueError, TypeError):
        raise _invalid("The token's signature does not verify.") from None


def _check_times(not_before: float, expires: float, now: float) -> None:
    if now >= expires + LEEWAY_SECONDS:
        raise _invalid("The token has expired.")
    if now < not_before - LEEWAY_SECONDS:
        raise _invalid("The token is not valid yet.")


def _number(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = _time(claims, name) if name in claims else default
    if value is None:
        raise _invalid(f"The token's {name} is missing or no time.")
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519), which may have a fraction. None for a claim that is missing or no such number."""
    value = claims.get(name)
    # NaN and infinity compare with no time as a time does.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_FAR < value < _FAR:
        return None
    return float(value)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _media_type(typ: object) -> str:
    """RFC 7515: without regard to case, `application/` may be left out."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def _invalid(message: str) -> Unauthenticated:
    return Unauthenticated(message, "invalid_token")

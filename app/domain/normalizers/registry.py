"""The normalizer of each strategy."""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain.claims import Claims
from app.domain.normalizers import (
    ad,
    amazon,
    apple,
    auth0,
    email,
    facebook,
    github,
    google_oauth2,
    linkedin,
    oidc,
    samlp,
    sms,
    twitter,
    waad,
    windowslive,
)

Normalizer = Callable[[Mapping[str, Any]], Claims]

# AD FS (adfs) sends the same attributes as SAML, and Okta sends standard OpenID Connect.
NORMALIZERS: Mapping[str, Normalizer] = {
    "ad": ad.normalize,
    "adfs": samlp.normalize,
    "amazon": amazon.normalize,
    "apple": apple.normalize,
    "auth0": auth0.normalize,
    "auth0-adldap": ad.normalize,
    "custom": auth0.normalize,
    "email": email.normalize,
    "facebook": facebook.normalize,
    "github": github.normalize,
    "google-oauth2": google_oauth2.normalize,
    "linkedin": linkedin.normalize,
    "oidc": oidc.normalize,
    "okta": oidc.normalize,
    "samlp": samlp.normalize,
    "sms": sms.normalize,
    "twitter": twitter.normalize,
    "waad": waad.normalize,
    "windowslive": windowslive.normalize,
}


def normalize(strategy: str, raw: Mapping[str, Any]) -> Claims:
    """Returns the claims of a raw profile. A strategy that is not in the registry is read as OpenID Connect."""
    return NORMALIZERS.get(strategy, oidc.normalize)(raw)

"""Reads users of Google: OpenID Connect, or the older format with `id` and `verified_email`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.domain.claims import Claims, boolean, unstated
from app.domain.normalizers import oidc


def normalize(raw: Mapping[str, Any]) -> Claims:
    claims = oidc.normalize(raw)
    if claims.email and "email_verified" not in raw:
        verified = boolean(raw.get("verified_email"))
        assumed = claims.assumed - {"email_verified"} | unstated(email_verified=verified)
        return replace(claims, email_verified=verified or False, assumed=assumed)
    return claims

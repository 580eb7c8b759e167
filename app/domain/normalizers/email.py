"""Reads users of passwordless login by e-mail."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.domain.claims import Claims
from app.domain.normalizers import auth0


def normalize(raw: Mapping[str, Any]) -> Claims:
    claims = auth0.normalize(raw)
    user_id = claims.user_id.removeprefix("email|") if claims.user_id else None
    # The user received the code by e-mail, so the e-mail address is verified.
    return replace(claims, user_id=user_id, email_verified=True if claims.email else None)

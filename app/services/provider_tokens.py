"""Tokens of identity providers: encrypts them, and encrypts stored tokens again after the secret was changed."""

from dataclasses import replace
from typing import Any

from app.domain.users import PROVIDER_TOKENS, Identity, User
from app.services.login_reports import invalid
from app.store.token_cipher import SecretMissing, TokenCipher


def encrypt_token(cipher: TokenCipher, token: str | None, name: str) -> str | None:
    """Returns the encrypted token. Raises Refused with INVALID_INPUT when this service has no secret.

    `name` is the field of the input.
    """
    if token is None:
        return None
    try:
        return cipher.encrypt(token)
    except SecretMissing:
        # Tokens are never stored in plain text, and are never dropped silently either.
        message = "Tokens are stored encrypted, and this service has no PROFILE_API_SECRET. Leave them out."
        raise invalid(message, name) from None


def renew_tokens(cipher: TokenCipher, user: User) -> User:
    """Returns the profile with the tokens that need the previous secret encrypted with the present secret."""

    def renew(identity: Identity) -> Identity:
        stored = {name: token for name in PROVIDER_TOKENS if (token := getattr(identity, name)) is not None}
        tokens: dict[str, Any] = {name: cipher.renew(token) or token for name, token in stored.items()}
        return replace(identity, **tokens)

    return replace(user, identities=tuple(renew(each) for each in user.identities))

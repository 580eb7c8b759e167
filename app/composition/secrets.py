"""Builds the verification of tokens, and the encryption of the stored tokens of identity providers."""

from app.auth.development import TENANT_CLAIM, development_issuer, load_secret
from app.auth.tokens import Tokens
from app.settings import Settings
from app.store.token_cipher import TokenCipher


def build_tokens(settings: Settings, development: bool) -> Tokens:
    # In production, tokens of the development issuer must never be accepted: everybody who can read the data directory
    # can sign them.
    if development:
        return Tokens([development_issuer(settings.data_dir)], tenant_claim=TENANT_CLAIM)
    return Tokens(settings.issuers or [])


def build_token_cipher(settings: Settings, development: bool) -> TokenCipher:
    """Returns the cipher. In development without PROFILE_API_SECRET, it uses a secret from the data directory.

    In production without PROFILE_API_SECRET it cannot encrypt: then a login with provider tokens is refused.
    """
    if settings.secret is not None:
        previous = settings.secret_previous
        return TokenCipher(settings.secret.get_secret_value(), previous.get_secret_value() if previous else None)
    return TokenCipher(load_secret(settings.data_dir) if development else None)

"""Finds mistakes in files, keys and URLs early, before the import of the GraphQL engine, which takes a second."""

from app.composition.locations import build_locations
from app.composition.login_rules import find_rules
from app.composition.outbox import build_smtp_server
from app.composition.secrets import build_token_cipher, build_tokens
from app.composition.trusted_documents import build_trust
from app.settings import Settings


def check_parts(settings: Settings, development: bool) -> None:
    """Builds the parts once. Raises ConfigurationError for a part that cannot be built."""
    build_tokens(settings, development)
    build_token_cipher(settings, development)
    build_smtp_server(settings)
    build_locations(settings)
    build_trust(settings)
    find_rules()

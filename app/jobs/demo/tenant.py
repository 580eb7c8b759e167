"""The connections and roles of the demo tenant, and the function that makes the ids of all demo data."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from app.domain.connections import AuthConnection, SyncRootAttributes
from app.domain.identifiers import fold
from app.domain.ids import Key
from app.store.database import to_key

DATABASE = "Username-Password-Authentication"
API = "https://shop.example.com/api"
_SYNC = SyncRootAttributes

# Connection, strategy, sync setting, and the name of the demo user of the connection.
CONNECTIONS: tuple[tuple[str, str, SyncRootAttributes, str], ...] = (
    (DATABASE, "auth0", _SYNC.ON_EACH_LOGIN, "John Doe"),
    ("imported-users", "custom", _SYNC.ON_EACH_LOGIN, "Ines Moreau"),
    ("legacy-users", "custom", _SYNC.ON_EACH_LOGIN, "Otto Lang"),
    ("email", "email", _SYNC.ON_EACH_LOGIN, "Emil Novak"),
    ("sms", "sms", _SYNC.ON_EACH_LOGIN, "Sanna Berg"),
    ("google-oauth2", "google-oauth2", _SYNC.ON_EACH_LOGIN, "Grace Okafor"),
    ("facebook", "facebook", _SYNC.ON_EACH_LOGIN, "Felipe Santos"),
    ("github", "github", _SYNC.ON_FIRST_LOGIN, "Gita Rao"),
    ("apple", "apple", _SYNC.ON_EACH_LOGIN, "Ada Lindqvist"),
    ("windowslive", "windowslive", _SYNC.ON_EACH_LOGIN, "Wen Zhang"),
    ("linkedin", "linkedin", _SYNC.ON_EACH_LOGIN, "Lina Haddad"),
    ("twitter", "twitter", _SYNC.NEVER, "Tomas Kral"),
    ("amazon", "amazon", _SYNC.ON_EACH_LOGIN, "Aiko Tanaka"),
    ("acme-waad", "waad", _SYNC.ON_EACH_LOGIN, "Walter Adler"),
    ("acme-okta", "okta", _SYNC.ON_EACH_LOGIN, "Olga Petrova"),
    ("partner-oidc", "oidc", _SYNC.ON_EACH_LOGIN, "Oisin Kelly"),
    ("acme-saml", "samlp", _SYNC.ON_EACH_LOGIN, "Samira Nasser"),
    ("acme-adfs", "adfs", _SYNC.ON_EACH_LOGIN, "Adam Fischer"),
    ("acme-ad", "ad", _SYNC.ON_EACH_LOGIN, "Agnes Dubois"),
)
ROLES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("Customer", "Buys products", (("read:orders", "See orders"),)),
    ("Editor", "Writes the catalogue", (("read:catalogue", "See drafts"), ("update:catalogue", "Change articles"))),
    ("Support", "Helps customers", (("read:orders", "See orders"), ("update:orders", "Refund an order"))),
)


def demo_key(*parts: str) -> Key:
    """Returns the id of the demo object with this name. It is the same in every process."""
    key = to_key(sha256("/".join(("demo", *parts)).encode()).hexdigest()[:24])
    assert key
    return key


def make_connections(tenant: str) -> Iterator[AuthConnection]:
    for name, strategy, sync, _ in CONNECTIONS:
        yield AuthConnection(tenant, name, strategy, name == "imported-users", sync, id=demo_key("connection", name))


def make_roles(tenant: str) -> Iterator[dict[str, Any]]:
    for name, description, permissions in ROLES:
        yield {
            "_id": demo_key("role", name),
            "tenant": tenant,
            "role_id": f"rol_{name.lower()}",
            "name": name,
            "name_folded": fold(name),
            "description": description,
            "permissions": [{"api": API, "name": each, "description": what} for each, what in permissions],
        }

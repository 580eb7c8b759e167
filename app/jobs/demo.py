"""Demo data: John Doe, a user of each kind of connection, roles and history, over a few hundred generated users.

Ids come from names, so that two that fill in at once write the same documents.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from app.domain.connections import AuthConnection, AuthConnectionKind, SyncRootAttributes, kind_of
from app.domain.devices import Device, DeviceType
from app.domain.enrollments import Enrollment, masked
from app.domain.grants import Grant
from app.domain.identifiers import fold
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.principals import ActorKind
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.times import now
from app.domain.users import AttributeSource, Identity, Provenance, User
from app.store.database import Database, to_key
from app.store.demo import fill_in, is_filled_in

GENERATED = 300
_DATABASE = "Username-Password-Authentication"
_API = "https://shop.example.com/api"
_SYNC = SyncRootAttributes

# Connection, strategy, sync setting, and the user who comes in by it.
_CONNECTIONS: tuple[tuple[str, str, SyncRootAttributes, str], ...] = (
    (_DATABASE, "auth0", _SYNC.ON_EACH_LOGIN, "John Doe"),
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
_ROLES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("Customer", "Buys things", (("read:orders", "See one's own orders"),)),
    ("Editor", "Writes the catalogue", (("read:catalogue", "See drafts"), ("update:catalogue", "Change articles"))),
    ("Support", "Answers customers", (("read:orders", "See one's own orders"), ("update:orders", "Refund an order"))),
)
_GIVEN = [
    "Alex",
    "Bea",
    "Carl",
    "Dora",
    "Erik",
    "Fatima",
    "Goran",
    "Hana",
    "Igor",
    "Jana",
    "Kofi",
    "Lea",
    "Mika",
    "Nora",
    "Omar",
    "Pia",
    "Quentin",
    "Rosa",
    "Sven",
    "Tara",
]
_FAMILY = [
    "Abe",
    "Brandt",
    "Costa",
    "Dietz",
    "Eriksen",
    "Ferrari",
    "Garcia",
    "Hoang",
    "Ivanov",
    "Jensen",
    "Klein",
    "Lopez",
    "Meyer",
    "Nagy",
    "Olsen",
    "Perez",
]
_LANGUAGES = ("de", "en", "es", "fr", "ja")
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def ensure_demo_data(database: Database, tenant: str) -> None:
    """Fills a tenant in once; what was changed or removed since then stays so."""
    if await is_filled_in(database):
        return
    at = now()
    users = [replace(each, tenant=tenant) for each in (*_one_each(at), *_generated(at))]
    await fill_in(
        database,
        list(_connections(tenant)),
        list(_roles(tenant)),
        users,
        list(_history(users[0], at)),
        list(_devices(users[0], at)),
        list(_grants(users[0], at)),
        list(_enrollments(users[0], at)),
    )


def demo_callers() -> Iterator[dict[str, str]]:
    """Whose tokens a page may offer: a user of each connection, and an internal tool."""
    for user in _one_each(now()):
        yield {"subject": user.user_id, "name": f"{user.name} ({user.identities[0].connection})"}
    yield {"subject": "support@clients", "name": "Support, an internal application with every scope"}


def _key(*parts: str) -> Any:
    return to_key(sha256("/".join(("demo", *parts)).encode()).hexdigest()[:24])


def _connections(tenant: str) -> Iterator[AuthConnection]:
    for name, strategy, sync, _ in _CONNECTIONS:
        yield AuthConnection(tenant, name, strategy, name == "imported-users", sync, id=_key("connection", name))


def _roles(tenant: str) -> Iterator[dict[str, Any]]:
    for name, description, permissions in _ROLES:
        yield {
            "_id": _key("role", name),
            "tenant": tenant,
            "role_id": f"rol_{name.lower()}",
            "name": name,
            "name_folded": fold(name),
            "description": description,
            "permissions": [{"api": _API, "name": each, "description": what} for each, what in permissions],
        }


def _one_each(at: datetime) -> Iterator[User]:
    for index, (connection, strategy, _, name) in enumerate(_CONNECTIONS):
        yield _user(connection, strategy, name, at - timedelta(days=90 - index), at - timedelta(hours=3 + index))


def _generated(at: datetime) -> Iterator[User]:
    dice = Random(20260101)  # noqa: S311 - the same users every time, nothing secret
    for number in range(GENERATED):
        name = f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}"
        created = at - timedelta(days=dice.randint(91, 900), seconds=number)
        yield _user(_DATABASE, "auth0", name, created, at - timedelta(minutes=dice.randint(1, 10**5)), number, dice)


def _user(
    connection: str,
    strategy: str,
    name: str,
    created: datetime,
    seen: datetime,
    number: int | None = None,
    dice: Random | None = None,
) -> User:
    given, family = name.split()
    handle = f"{given}.{family}".lower() + ("" if number is None else f".{number}")
    kind = kind_of(strategy)
    enterprise = kind is AuthConnectionKind.ENTERPRISE
    account = f"{handle}@{connection}.example.com" if enterprise else handle
    key = _key("user", connection, handle)
    source = AttributeSource.IDP if kind in (AuthConnectionKind.SOCIAL, AuthConnectionKind.ENTERPRISE) else None
    provenance = Provenance(source or AttributeSource.USER, created, connection if source else None)
    has_email = strategy != "sms"
    return User(
        id=key,
        tenant="",
        user_id=f"{strategy}|{connection}|{account}" if enterprise else f"{strategy}|{account}",
        name=name,
        given_name=given,
        family_name=family,
        nickname=handle,
        provenance={name: provenance for name in ROOT_ATTRIBUTES if name != "picture"},
        email=f"{handle}@example.com" if has_email else None,
        email_verified=True if has_email else None,
        phone_number=None if has_email else "+491701234567",
        phone_verified=None if has_email else True,
        user_metadata=_preferences(dice),
        app_metadata={
            "plan": "free" if dice is None else dice.choice(("free", "pro", "team")),
            "terms": {"version": 3},
        },
        identities=(_identity(strategy, connection, account, name, handle, kind),),
        role_ids=_role_ids(handle, dice),
        permissions=({"api": _API, "name": "export:orders"},) if handle == "john.doe" else (),
        blocked=dice is not None and dice.random() < 0.02,
        created_at=created,
        updated_at=created,
        last_login=seen,
        last_ip="203.0.113.7",
        logins_count=12 if dice is None else dice.randint(1, 400),
    )


def _preferences(dice: Random | None) -> dict[str, Any]:
    if dice is None:
        return {
            "salutation": "Mx",
            "language": "en",
            "color": "green",
            "address": {"city": "Berlin", "country": "DE"},
            "interests": ["cycling", "maps"],
        }
    return {"language": dice.choice(_LANGUAGES), "newsletter": dice.random() < 0.5}


def _identity(
    strategy: str, connection: str, account: str, name: str, handle: str, kind: AuthConnectionKind
) -> Identity:
    profile_data = f'{{"name":"{name}","email":"{handle}@example.com","email_verified":true,"locale":"en"}}'
    is_social = kind is AuthConnectionKind.SOCIAL
    return Identity(
        provider=strategy, connection=connection, user_id=account, is_social=is_social, profile_data=profile_data
    )


def _role_ids(handle: str, dice: Random | None) -> tuple[Any, ...]:
    if handle == "john.doe":
        return (_key("role", "Customer"), _key("role", "Editor"))
    chance = 0 if dice is None else dice.random()
    return (_key("role", "Customer"),) if chance < 0.7 else (_key("role", "Support"),) if chance > 0.95 else ()


def _devices(john: User, at: datetime) -> Iterator[Device]:
    """Where John Doe stays signed in. Their credentials were never told to anybody."""
    phone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
        " Mobile/15E148 Safari/604.1"
    )
    for name, user_agent, hours in (("Firefox on Linux", _BROWSER, 3), ("Mobile Safari on iOS", phone, 30)):
        yield Device(
            id=_key("device", name),
            tenant=john.tenant,
            user=john.id,
            user_id=john.user_id,
            device_id=str(_key("device-id", name)),
            type=DeviceType.ROTATING_REFRESH_TOKEN,
            name=name,
            client_id="web-shop",
            client_name="Web shop",
            created_at=at - timedelta(days=40),
            last_used_at=at - timedelta(hours=hours),
            last_ip="203.0.113.7",
            user_agent=user_agent,
        )


def _grants(john: User, at: datetime) -> Iterator[Grant]:
    """What John Doe allowed applications."""
    for client_id, client_name, audience, scopes in (
        ("web-shop", "Web shop", _API, ("read:orders", "create:orders")),
        ("newsletter", "Newsletter", "https://mail.example.com/api", ("read:profile",)),
    ):
        yield Grant(
            id=_key("grant", client_id),
            tenant=john.tenant,
            user=john.id,
            client_id=client_id,
            client_name=client_name,
            audience=audience,
            scopes=scopes,
            granted_at=at - timedelta(days=40),
        )


def _enrollments(john: User, at: datetime) -> Iterator[Enrollment]:
    """John Doe's second factors."""
    for type_, name in (("totp", None), ("phone", masked("+49 170 1234567"))):
        yield Enrollment(
            id=_key("enrollment", type_),
            tenant=john.tenant,
            user=john.id,
            enrollment_id=type_,
            type=type_,
            name=name,
            status="confirmed",
            enrolled_at=at - timedelta(days=30),
            last_used_at=at - timedelta(hours=3) if type_ == "totp" else None,
        )


def _history(john: User, at: datetime) -> Iterator[LogEvent]:
    """John Doe's past days: what he did, and what was done for him."""
    support = Actor(ActorKind.APPLICATION, "support-dashboard@clients", None)
    color = FieldChange("user_metadata.color", "blue", "green")
    plan = FieldChange("app_metadata.plan", "trial", "free")
    kinds = LogEventType
    told: tuple[tuple[float, LogEventType, dict[str, Any]], ...] = (
        (90 * 24, kinds.SIGNUP_SUCCEEDED, {"user_version": 1}),
        (52, kinds.LOGIN_SUCCEEDED, {}),
        (26, kinds.LOGIN_FAILED_WRONG_PASSWORD, {}),
        (25.9, kinds.LOGIN_SUCCEEDED, {}),
        (25, kinds.USER_METADATA_UPDATED, {"changes": (color,)}),
        (8, kinds.APP_METADATA_UPDATED, {"changes": (plan,), "actor": support, "reason": "Trial is over"}),
        (3, kinds.LOGIN_SUCCEEDED, {}),
    )
    for hours, type_, more in told:
        date = at - timedelta(hours=hours)
        login: dict[str, Any] = {"connection": _DATABASE, "strategy": "auth0", "is_mobile": False}
        yield LogEvent(
            id=_key("event", str(hours)),
            tenant=john.tenant,
            type=type_,
            date=date,
            recorded_at=at,
            user=john.id,
            user_id=john.user_id,
            user_name=john.name,
            client_id="web-shop",
            client_name="Web shop",
            ip="203.0.113.7",
            user_agent=_BROWSER,
            **({} if "changes" in more else login),
            **more,
        )

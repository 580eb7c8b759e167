"""The users of the demo: one of each connection, and a few hundred generated users."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.users import AttributeSource, Identity, Provenance, User
from app.jobs.demo.tenant import API, CONNECTIONS, DATABASE, demo_key

GENERATED = 300
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


def make_one_of_each_connection(at: datetime) -> Iterator[User]:
    for index, (connection, strategy, _, name) in enumerate(CONNECTIONS):
        yield _user(connection, strategy, name, at - timedelta(days=90 - index), at - timedelta(hours=3 + index))


def make_generated_users(at: datetime) -> Iterator[User]:
    # The fixed seed makes the same users each time, so an interrupted insertion can be continued.
    dice = Random(20260101)  # noqa: S311 - nothing secret depends on it
    for number in range(GENERATED):
        name = f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}"
        created = at - timedelta(days=dice.randint(91, 900), seconds=number)
        yield _user(DATABASE, "auth0", name, created, at - timedelta(minutes=dice.randint(1, 10**5)), number, dice)


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
    key = demo_key("user", connection, handle)
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
        permissions=({"api": API, "name": "export:orders"},) if handle == "john.doe" else (),
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
        return (demo_key("role", "Customer"), demo_key("role", "Editor"))
    chance = 0 if dice is None else dice.random()
    return (demo_key("role", "Customer"),) if chance < 0.7 else (demo_key("role", "Support"),) if chance > 0.95 else ()

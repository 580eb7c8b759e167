"""Identifiers of a user in their folded form. Lookup and uniqueness use the same form."""

import unicodedata
from collections.abc import Iterable, Iterator

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.ids import Key
from app.domain.users import User

NAMED_BY_IDENTIFIER = (
    AuthConnectionKind.DATABASE,
    AuthConnectionKind.CUSTOM_DATABASE,
    AuthConnectionKind.PASSWORDLESS,
)


def fold(text: str) -> str:
    """For comparing without regard to case: NFKC, casefold, NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def subject_key(provider: str, connection: str, user_id: str) -> str:
    """A social provider's account is one, through whichever connection; any other's belongs to its connection."""
    where = "" if kind_of(provider) is AuthConnectionKind.SOCIAL else connection
    return f"sub:{provider}:{where}:{user_id}"


def subject_prefix(provider: str, connection: str) -> str:
    """How `subject_key` begins for every account of this connection."""
    return subject_key(provider, connection, "")


def email_key(connection: str, email: str) -> str:
    return f"email:{connection}:{fold(email)}"


def username_key(connection: str, username: str) -> str:
    return f"username:{connection}:{fold(username)}"


def phone_key(connection: str, phone_number: str) -> str:
    return f"phone:{connection}:{phone_number}"


def user_id_key(user_id: str) -> str:
    """Of an account that is linked: a token of it is its primary's."""
    return f"user_id:{user_id}"


def keys_of(user: User) -> list[str]:
    """Every key that finds this user, and that no other user of the tenant may have.

    Of one that is linked to another: one that finds nobody.
    """
    if user.linked_to is not None:
        return [f"linked:{user.id}"]
    return sorted(set(_keys(user)))


def _keys(user: User) -> Iterator[str]:
    for identity in user.identities:
        yield subject_key(identity.provider, identity.connection, identity.user_id)
        if identity.origin_user_id is not None:
            yield user_id_key(identity.origin_user_id)
        yield from identity.keys
    yield from identifier_keys(user)


def identifier_keys(user: User) -> Iterator[str]:
    """Of the address, name and number that the account itself goes by."""
    if not user.identities:
        return
    primary = user.identities[0].connection
    # Elsewhere an address is what a provider says, and two of its accounts may say the same.
    if kind_of(user.identities[0].provider) not in NAMED_BY_IDENTIFIER:
        return
    if user.email:
        yield email_key(primary, user.email)
    if user.username:
        yield username_key(primary, user.username)
    if user.phone_number:
        yield phone_key(primary, user.phone_number)


def is_named(user: User, subject: str, connection: str | None) -> bool:
    """Whether a token with this `sub` is certainly a token of this profile. `connection` is the token issuer's."""
    if connection is None:
        return subject in (user.user_id, *(each.origin_user_id for each in user.identities))
    return any((each.connection, each.user_id) == (connection, subject) for each in user.identities)


def account_named(user: User, keys: Iterable[str]) -> Key:
    """The `_id` of the account that one of these keys names: the profile's own, or one that is linked to it."""
    named = set(keys)
    origins = (each.origin for each in user.identities if named & set(each.keys))
    return next((each for each in origins if each is not None), user.id)

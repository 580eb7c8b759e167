"""The keys of users: their identifiers in the form that lookups and the unique index use."""

import unicodedata
from collections.abc import Iterable, Iterator

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.ids import Key
from app.domain.users import User

# Users of these kinds of connections log in with an e-mail address, username or phone number.
KINDS_WITH_IDENTIFIERS = (
    AuthConnectionKind.DATABASE,
    AuthConnectionKind.CUSTOM_DATABASE,
    AuthConnectionKind.PASSWORDLESS,
)


def fold(text: str) -> str:
    """Returns the text in the form for comparisons that ignore case: NFKC, casefold, NFKC."""
    # The second NFKC is necessary, because casefold can return a text that is not normalized.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def subject_key(provider: str, connection: str, user_id: str) -> str:
    """Returns the key of an account with an identity provider."""
    # An account with a social provider is the same in every connection. Other accounts belong to one connection.
    where = "" if kind_of(provider) is AuthConnectionKind.SOCIAL else connection
    return f"sub:{provider}:{where}:{user_id}"


def subject_prefix(provider: str, connection: str) -> str:
    """Returns the beginning of `subject_key` for every account of this connection."""
    return subject_key(provider, connection, "")


def email_key(connection: str, email: str) -> str:
    return f"email:{connection}:{fold(email)}"


def username_key(connection: str, username: str) -> str:
    return f"username:{connection}:{fold(username)}"


def phone_key(connection: str, phone_number: str) -> str:
    return f"phone:{connection}:{phone_number}"


def user_id_key(user_id: str) -> str:
    """Returns the key of a linked account's own user id."""
    # With this key, a token that was issued for the linked account finds the primary profile.
    return f"user_id:{user_id}"


def keys_of(user: User) -> list[str]:
    """Returns all keys of a user. No other user of the tenant may have one of them."""
    # The keys of a linked profile belong to its primary profile. It gets a key that no lookup asks for.
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
    """Yields the keys of the e-mail address, username and phone number, if users log in with them."""
    if not user.identities:
        return
    primary = user.identities[0].connection
    # The e-mail address from a social or enterprise provider is no identifier: two accounts may have the same one.
    if kind_of(user.identities[0].provider) not in KINDS_WITH_IDENTIFIERS:
        return
    if user.email:
        yield email_key(primary, user.email)
    if user.username:
        yield username_key(primary, user.username)
    if user.phone_number:
        yield phone_key(primary, user.phone_number)


def has_subject(user: User, subject: str, connection: str | None) -> bool:
    """Whether a token with this `sub` belongs to the user. `connection` is the connection of the token's issuer."""
    # Without a connection, `sub` is a user id.
    if connection is None:
        return subject in (user.user_id, *(each.origin_user_id for each in user.identities))
    return any((each.connection, each.user_id) == (connection, subject) for each in user.identities)


def find_account(user: User, keys: Iterable[str]) -> Key:
    """Returns the `_id` of the linked profile that has one of these keys, else the `_id` of the user's own profile."""
    # Each linked account keeps its own password, so the password must be looked up under the right `_id`.
    wanted = set(keys)
    origins = (each.origin for each in user.identities if wanted & set(each.keys))
    return next((each for each in origins if each is not None), user.id)

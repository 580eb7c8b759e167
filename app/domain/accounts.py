"""Accounts that this service creates: which identifiers each kind of connection requires and allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.claims import MAX_USERNAME, Claims
from app.domain.connections import CONNECTION_GONE, AuthConnection, AuthConnectionKind, owned_by_provider
from app.domain.errors import ErrorCode, Refused
from app.domain.refusals import Refusal, RefusalCode
from app.domain.rows import to_camel

MAX_SIGN_UP_FIELDS = 10
MAX_SIGN_UP_TEXT = 500
# Auth0 allows these characters in a username, besides ASCII letters and digits.
_USERNAME_CHARACTERS = frozenset("@^$.!`-#+'~_")
# Users of other kinds of connections get their account from an identity provider.
_CREATABLE_KINDS = (AuthConnectionKind.DATABASE, AuthConnectionKind.CUSTOM_DATABASE, AuthConnectionKind.PASSWORDLESS)
_NAMES = {"email": "e-mail address", "username": "username", "phone_number": "phone number"}
# The fields of AccountIdentifiers and of User, in the order in which they are checked.
IDENTIFIERS = tuple(_NAMES)
# For each strategy: the identifiers of which a user needs at least one, and the identifiers that a user may have.
_DATABASE = (("email", "username"), IDENTIFIERS)
_BY_STRATEGY = {"email": (("email",), ("email",)), "sms": (("phone_number",), ("phone_number", "email"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentifiers:
    """The identifiers of an account, normalized: the e-mail address in lower case, the phone number in E.164."""

    email: str | None = None
    username: str | None = None
    phone_number: str | None = None


def check_creatable(connection: AuthConnection) -> None:
    """Raises Refused with NOT_EDITABLE when an identity provider creates the accounts of this connection."""
    if connection.kind not in _CREATABLE_KINDS:
        message = f"Users of the connection {connection.name} are created at their first login, not by this mutation."
        raise Refused(ErrorCode.NOT_EDITABLE, message, ("connection",))


def why_not_changeable(connection: AuthConnection | None, name: str) -> Refusal | None:
    """Returns None when users of the connection have this identifier and it may be changed in this service."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and not connection.import_mode:
        return owned_by_provider(connection, f"stores the {_NAMES[name]}")
    if connection.kind not in _CREATABLE_KINDS:
        return owned_by_provider(connection, f"owns the {_NAMES[name]}")
    if name not in _BY_STRATEGY.get(connection.strategy, _DATABASE)[1]:
        return Refusal(RefusalCode.CONNECTION_FORBIDS, f"Accounts of {connection.name} have no {_NAMES[name]}.")
    return None


def why_no_mail(email: str | None) -> Refusal | None:
    """Returns None when there is an e-mail address to send mail to."""
    return None if email else Refusal(RefusalCode.NOTHING_THERE, "The profile has no e-mail address.")


def why_not_verifiable(email: str | None, verified: bool | None) -> Refusal | None:
    """Returns None when there is an e-mail address that is not verified yet."""
    if verified and email:
        return Refusal(RefusalCode.ALREADY_SO, "The e-mail address is already verified.")
    return why_no_mail(email)


def check_identifiers(connection: AuthConnection, identifiers: AccountIdentifiers) -> None:
    """Checks the identifiers of a new account.

    Raises Refused with INVALID_INPUT when an identifier that the connection requires is missing, or when there is an
    identifier that its users cannot have.
    """
    required, allowed = _BY_STRATEGY.get(connection.strategy, _DATABASE)
    if all(getattr(identifiers, name) is None for name in required):
        names = " or ".join(map(to_camel, required))
        message = f"Users of the connection {connection.name} need {names}."
        raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(required[0]),))
    for name in _DATABASE[1]:
        if getattr(identifiers, name) is not None and name not in allowed:
            message = f"Users of the connection {connection.name} cannot have {to_camel(name)}."
            raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(name),))


def check_username(username: str) -> str:
    """Returns the username in lower case.

    Raises Refused with INVALID_INPUT when it has other characters than Auth0 allows, does not have 1 to MAX_USERNAME
    characters, or looks like an e-mail address.
    """
    is_valid = 1 <= len(username) <= MAX_USERNAME and all(
        (each.isascii() and each.isalnum()) or each in _USERNAME_CHARACTERS for each in username
    )
    # A username that looks like an e-mail address could be taken for the e-mail address of another user.
    local, at, domain = username.rpartition("@")
    if not is_valid or (at and local and "." in domain):
        message = (
            f"A username must have 1 to {MAX_USERNAME} characters: unaccented letters, digits and @^$.!`-#+'~_."
            " It must not be an e-mail address."
        )
        raise Refused(ErrorCode.INVALID_INPUT, message, ("username",))
    return username.lower()


def to_claims(identifiers: AccountIdentifiers) -> Claims:
    """Returns the identifiers as claims, so that a new profile gets the same defaults as after a login."""
    return Claims(email=identifiers.email, username=identifiers.username, phone_number=identifiers.phone_number)


def check_sign_up_metadata(document: Any) -> None:
    """Checks user_metadata of a sign-up. Raises Refused with INVALID_INPUT or TOO_LARGE.

    At most MAX_SIGN_UP_FIELDS fields, each a text of at most MAX_SIGN_UP_TEXT characters, as in Auth0.
    """
    # Anybody can sign up without a token, so the limits are lower than for other mutations.
    for name, value in (document or {}).items() if isinstance(document, Mapping) else ():
        if not isinstance(value, str):
            message = "At a sign-up, every value in userMetadata must be a text."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("userMetadata", name))
        if len(value) > MAX_SIGN_UP_TEXT:
            message = f"At a sign-up, a value in userMetadata can have at most {MAX_SIGN_UP_TEXT} characters."
            raise Refused(ErrorCode.TOO_LARGE, message, ("userMetadata", name))
    if isinstance(document, Mapping) and len(document) > MAX_SIGN_UP_FIELDS:
        message = f"At a sign-up, userMetadata can have at most {MAX_SIGN_UP_FIELDS} fields."
        raise Refused(ErrorCode.TOO_LARGE, message, ("userMetadata",))

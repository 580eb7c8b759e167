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
# Auth0's: alphanumerics without accents, and these.
_USERNAME_SIGNS = frozenset("@^$.!`-#+'~_")
_OURS = (AuthConnectionKind.DATABASE, AuthConnectionKind.CUSTOM_DATABASE, AuthConnectionKind.PASSWORDLESS)
_WORDS = {"email": "e-mail address", "username": "username", "phone_number": "phone number"}
# The fields of AccountIdentifiers and of User, in the order in which errors name them.
IDENTIFIERS = tuple(_WORDS)
# What names a user, one of them at least, and what a user may have.
_DATABASE = (("email", "username"), IDENTIFIERS)
_BY_STRATEGY = {"email": (("email",), ("email",)), "sms": (("phone_number",), ("phone_number", "email"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentifiers:
    """What names the account, in its one form: the e-mail address in lower case, the number as E.164."""

    email: str | None = None
    username: str | None = None
    phone_number: str | None = None


def check_creatable(connection: AuthConnection) -> None:
    """Refused where the accounts of this connection are made by its provider."""
    if connection.kind not in _OURS:
        message = f"Users of connection {connection.name} are created by their first login, by its provider's word."
        raise Refused(ErrorCode.NOT_EDITABLE, message, ("connection",))


def why_not_changeable(connection: AuthConnection | None, name: str) -> Refusal | None:
    """Returns None when the connection's users have such an identifier and this service keeps it."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and not connection.import_mode:
        return owned_by_provider(connection, f"keeps the {_WORDS[name]} itself")
    if connection.kind not in _OURS:
        return owned_by_provider(connection, f"owns the {_WORDS[name]}")
    if name not in _BY_STRATEGY.get(connection.strategy, _DATABASE)[1]:
        return Refusal(RefusalCode.CONNECTION_FORBIDS, f"Accounts of {connection.name} have no {_WORDS[name]}.")
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
    """Refused where what the connection goes by is missing, or something is there that its users do not have."""
    naming, taken = _BY_STRATEGY.get(connection.strategy, _DATABASE)
    if all(getattr(identifiers, name) is None for name in naming):
        wanted = " or ".join(map(to_camel, naming))
        message = f"Users of connection {connection.name} are named by {wanted}."
        raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(naming[0]),))
    for name in _DATABASE[1]:
        if getattr(identifiers, name) is not None and name not in taken:
            message = f"Users of connection {connection.name} have no {to_camel(name)}."
            raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(name),))


def check_username(username: str) -> str:
    """In lower case. Refused with INVALID_INPUT: Auth0's signs only, 1 to 128, and nothing that reads as an address."""
    is_made_well = 1 <= len(username) <= MAX_USERNAME and all(
        (each.isascii() and each.isalnum()) or each in _USERNAME_SIGNS for each in username
    )
    local, at, domain = username.rpartition("@")
    if not is_made_well or (at and local and "." in domain):
        message = f"A username takes 1 to {MAX_USERNAME} letters, digits and @^$.!`-#+'~_, and is no e-mail address."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("username",))
    return username.lower()


def to_claims(identifiers: AccountIdentifiers) -> Claims:
    """For the defaults of what was not given."""
    return Claims(email=identifiers.email, username=identifiers.username, phone_number=identifiers.phone_number)


def check_sign_up_metadata(document: Any) -> None:
    """Refused with INVALID_INPUT, TOO_LARGE: Auth0's limits of what anybody may store before they are known."""
    for name, value in (document or {}).items() if isinstance(document, Mapping) else ():
        if not isinstance(value, str):
            raise Refused(ErrorCode.INVALID_INPUT, "userMetadata of a sign-up holds text.", ("userMetadata", name))
        if len(value) > MAX_SIGN_UP_TEXT:
            message = f"A value takes at most {MAX_SIGN_UP_TEXT} characters."
            raise Refused(ErrorCode.TOO_LARGE, message, ("userMetadata", name))
    if isinstance(document, Mapping) and len(document) > MAX_SIGN_UP_FIELDS:
        message = f"userMetadata of a sign-up has at most {MAX_SIGN_UP_FIELDS} fields."
        raise Refused(ErrorCode.TOO_LARGE, message, ("userMetadata",))

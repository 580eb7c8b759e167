"""E-mail addresses, usernames and phone numbers: parses them with libraries, finds their user, and changes them."""

from collections.abc import Callable, Mapping
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.domain.accounts import IDENTIFIERS, AccountIdentifiers, check_identifiers, check_username, why_not_changeable
from app.domain.commits import Changes
from app.domain.connections import AuthConnection, unknown_connection
from app.domain.errors import ErrorCode, Refused
from app.domain.identifiers import email_key, phone_key, username_key
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rows import to_camel
from app.domain.rules import CHANGE_PHONE_NUMBER, CHANGE_USERNAME, Rule
from app.domain.users import User
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.connections import ConnectionStore


def read_email(text: str) -> str:
    """Returns the e-mail address in lower case, with its domain in IDNA form. It sends no network request.

    Raises Refused with INVALID_INPUT.
    """
    try:
        # Domains for testing, such as `test`, are accepted, because test environments use them.
        found = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise Refused(ErrorCode.INVALID_INPUT, f"This is not a valid e-mail address. {error}", ("email",)) from None
    return found.normalized.lower()


def read_phone_number(text: str) -> str:
    """Returns the phone number in E.164 form.

    Raises Refused with INVALID_INPUT for a number that is not possible, or has no country code.
    """
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        message = "A phone number must have the E.164 form: + and the country code first, for example +14155550123."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("phoneNumber",))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def keys_of_typed(connection: str, typed: str) -> list[str]:
    """Returns the keys that find a user by a typed e-mail address, username or phone number."""
    return [make(connection, typed) for make in (email_key, username_key, phone_key)]


async def named_connection(connections: ConnectionStore, tenant: str, name: str) -> AuthConnection:
    """Returns the connection with this name. Raises Refused with NOT_FOUND."""
    found = await connections.find(tenant, name)
    if found is None:
        raise unknown_connection()
    return found


async def primary_connection(connections: ConnectionStore, user: User) -> AuthConnection | None:
    """Returns the connection of the user's primary identity."""
    # It is read from the database and not from a snapshot, so that a setting that was just changed has effect.
    return await connections.find(user.tenant, user.identities[0].connection) if user.identities else None


def check_changeable(connection: AuthConnection | None, name: str) -> AuthConnection:
    """Returns the connection. Raises Refused with NOT_EDITABLE when its users cannot change this identifier."""
    refusal = why_not_changeable(connection, name)
    if refusal:
        raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, (to_camel(name),))
    assert connection
    return connection


class Identifiers:
    """Changes usernames and phone numbers at once. Only an e-mail address is first confirmed by a ticket."""

    def __init__(self, writes: Writes, connections: ConnectionStore) -> None:
        self._writes = writes
        self._connections = connections

    @requires(CHANGE_USERNAME)
    async def change_username(
        self, principal: Principal | None, rule: Rule, target: Target, username: str | None
    ) -> User:
        """Sets the username; None removes it. Raises what `Writes.commit` raises, and Refused with INVALID_INPUT,
        NOT_EDITABLE, ALREADY_EXISTS.
        """
        given = {"username": None if username is None else check_username(username)}
        return await self._change(principal, target, rule, LogEventType.USERNAME_CHANGED, lambda _: given)

    @requires(CHANGE_PHONE_NUMBER)
    async def change_phone_number(
        self, principal: Principal | None, rule: Rule, target: Target, phone_number: str | None, verified: bool | None
    ) -> User:
        """Sets the phone number; None removes it. Raises what `change_username` raises.

        When `verified` is None, the same number stays as verified as it was, and another number is not verified.
        """
        number = None if phone_number is None else read_phone_number(phone_number)

        def given(user: User) -> Mapping[str, Any]:
            was_verified = bool(user.phone_verified) and number == user.phone_number
            is_verified = was_verified if verified is None else verified
            return {"phone_number": number, "phone_verified": None if number is None else is_verified}

        return await self._change(principal, target, rule, LogEventType.PHONE_NUMBER_CHANGED, given)

    async def _change(
        self,
        principal: Principal | None,
        target: Target,
        rule: Rule,
        type_: LogEventType,
        to_fields: Callable[[User], Mapping[str, Any]],
    ) -> User:
        opened = await self._writes.begin(principal, rule, target, temporary=False)
        connection = await primary_connection(self._connections, opened.user)

        def decide(user: User) -> Changes:
            given = to_fields(user)
            checked = check_changeable(connection, next(iter(given)))
            wanted = {name: given.get(name, getattr(user, name)) for name in IDENTIFIERS}
            check_identifiers(checked, AccountIdentifiers(**wanted))
            return Changes(type_, given)

        # Refuses first what a new sign-in would not change, so that users do not sign in again for nothing.
        decide(opened.user)
        return await self._writes.commit(opened, decide)

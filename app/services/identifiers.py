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
    """In lower case, its domain as IDNA has it. Refused with INVALID_INPUT. Nothing is asked of the network."""
    try:
        # Addresses for testing are addresses.
        found = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise Refused(ErrorCode.INVALID_INPUT, f"That is no e-mail address. {error}", ("email",)) from None
    return found.normalized.lower()


def read_phone_number(text: str) -> str:
    """E.164. Refused with INVALID_INPUT for what is no number with its country's."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        message = "A phone number is written as E.164 has it: + and the country's number first."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("phoneNumber",))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def keys_of_typed(connection: str, typed: str) -> list[str]:
    """Which keys find the user that somebody typed an address, a name or a number of."""
    return [make(connection, typed) for make in (email_key, username_key, phone_key)]


async def named_connection(connections: ConnectionStore, tenant: str, name: str) -> AuthConnection:
    """The connection of an input. Refused with NOT_FOUND."""
    found = await connections.find(tenant, name)
    if found is None:
        raise unknown_connection()
    return found


async def primary_connection(connections: ConnectionStore, user: User) -> AuthConnection | None:
    """As it is now: a setting that was just changed counts."""
    return await connections.find(user.tenant, user.identities[0].connection) if user.identities else None


def check_changeable(connection: AuthConnection | None, name: str) -> AuthConnection:
    """Refused with NOT_EDITABLE, with the reason."""
    refusal = why_not_changeable(connection, name)
    if refusal:
        raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, (to_camel(name),))
    assert connection
    return connection


class Identifiers:
    """Usernames and phone numbers, changed at once: there is no mail that could show whose they are."""

    def __init__(self, writes: Writes, connections: ConnectionStore) -> None:
        self._writes = writes
        self._connections = connections

    @requires(CHANGE_USERNAME)
    async def change_username(
        self, principal: Principal | None, rule: Rule, target: Target, username: str | None
    ) -> User:
        """None takes it away. Raises what `Writes.apply` does; Refused with NOT_EDITABLE, ALREADY_EXISTS."""
        given = {"username": None if username is None else check_username(username)}
        return await self._change(principal, target, rule, LogEventType.USERNAME_CHANGED, lambda _: given)

    @requires(CHANGE_PHONE_NUMBER)
    async def change_phone_number(
        self, principal: Principal | None, rule: Rule, target: Target, phone_number: str | None, verified: bool | None
    ) -> User:
        """Likewise. `verified` None: as it was for the same number, not verified for another."""
        number = None if phone_number is None else read_phone_number(phone_number)

        def given(user: User) -> Mapping[str, Any]:
            kept = bool(user.phone_verified) and number == user.phone_number
            known = kept if verified is None else verified
            return {"phone_number": number, "phone_verified": None if number is None else known}

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
            ours = check_changeable(connection, next(iter(given)))
            wanted = {name: given.get(name, getattr(user, name)) for name in IDENTIFIERS}
            check_identifiers(ours, AccountIdentifiers(**wanted))
            return Changes(type_, given)

        # Refuses what a new sign-in would not change.
        decide(opened.user)
        return await self._writes.commit(opened, decide)

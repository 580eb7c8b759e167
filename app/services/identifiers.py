"""E-mail addresses and phone numbers, as libraries that know their rules read them."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.domain.errors import ErrorCode, Refused


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

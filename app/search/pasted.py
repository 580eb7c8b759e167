"""Texts that support staff paste: an e-mail address, a phone number in any notation, a user ID or an IP address.

The grammar of queries would misread them: `(030) 123-456` has a group, `+49` an operator, and `fe80::1` a field.
"""

import re

from app.domain.filters import Eq, Filter, Wildcard
from app.domain.hosts import canonical_ip
from app.domain.search_terms import TERMS, to_term
from app.search.clauses import any_of, in_person
from app.search.values import Pattern

_EMAIL = re.compile(r"(?![-+])[^\s@\"*?:()\[\]{}<>]+@[^\s@\"*?:()\[\]{}<>]+\.[^\s@\"*?:()\[\]{}<>.]+")
_PHONE = re.compile(r"(?!-)(?=.*[+()/ -]|0)\+?[\d\s()./-]+", re.ASCII)
_USER_ID = re.compile(r"[A-Za-z0-9][\w.-]{1,63}\|[^\s*?\"]+")
# Fewer digits are more likely a house number, a year or a part of a name.
_MIN_PHONE_DIGITS = 6


def read_pasted(text: str) -> Filter | None:
    """The filter for a text that is as a whole one of these, or None for any other text."""
    return _ip(text) or _email(text) or _user_id(text) or _phone(text)


def _email(text: str) -> Filter | None:
    if not _EMAIL.fullmatch(text):
        return None
    return any_of([Eq(TERMS, to_term(path, text)) for path in ("email", "username", "identities.user_id")])


def _user_id(text: str) -> Filter | None:
    if not _USER_ID.fullmatch(text):
        return None
    return in_person(Pattern((text,)))


def _ip(text: str) -> Filter | None:
    try:
        return Eq(TERMS, to_term("last_ip", canonical_ip(text)))
    except ValueError:
        return None


def _phone(text: str) -> Filter | None:
    if not _PHONE.fullmatch(text):
        return None
    # A number without its country begins with a 0 that E.164 does not have, and 00 replaces the plus sign.
    digits = re.sub(r"\D", "", text.replace("(0)", "")).lstrip("0")
    if len(digits) < _MIN_PHONE_DIGITS:
        return None
    return Wildcard(("phone_number",), ("", digits, ""))

"""What the inputs of mutations have in common."""

from collections.abc import Iterable
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.rows import to_camel
from app.services.changes import Target
from app.services.tenant_changes import Condition

__all__ = ["IF_VERSION", "REASON", "USER_ID", "Target", "given_fields", "to_condition", "to_target"]

USER_ID = "Whose profile; the caller's own when left out. An application says whose."
IF_VERSION = "Write only if the current version is still this one; null is refused, leave it out to write anyway."
REASON = "Why, for the history: at most 500 characters."


def to_target(input: Any) -> Target:
    """Whose profile a write is about, and its condition. Refused for `ifVersion: null`."""
    condition = to_condition(input)
    return Target(input.user_id, condition.if_version, condition.reason)


def to_condition(input: Any) -> Condition:
    """Refused for `ifVersion: null`: a lost variable must not write over what it was to guard."""
    if_version = input.if_version
    if if_version is not None and if_version.value is None:
        message = "ifVersion is a number; leave it out to write whatever the version is."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("ifVersion",))
    return Condition(None if if_version is None else if_version.value, input.reason)


def given_fields(input: Any, names: Iterable[str], nullable: Iterable[str] = ()) -> dict[str, Any]:
    """The values of these fields that the caller sent. Refused with INVALID_INPUT for a null that can not be kept."""
    given = {name: some.value for name in names if (some := getattr(input, name)) is not None}
    for name, value in given.items():
        if value is None and name not in nullable:
            message = f"{to_camel(name)} can not be null. Leave it out to keep it as it is."
            raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(name),))
    return given

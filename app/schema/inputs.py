"""What the inputs of mutations have in common."""

from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.services.changes import Target

__all__ = ["IF_VERSION", "REASON", "USER_ID", "Target", "to_target"]

USER_ID = "Whose profile; the caller's own when left out. An application says whose."
IF_VERSION = "Write only if the profile still has this version; null is refused, leave it out to write anyway."
REASON = "Why, for the history: at most 500 characters."


def to_target(input: Any) -> Target:
    """Refused for `ifVersion: null`: a lost variable must not write over what it was to guard."""
    if_version = input.if_version
    if if_version is not None and if_version.value is None:
        message = "ifVersion is a number; leave it out to write whatever the version is."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("ifVersion",))
    return Target(input.user_id, None if if_version is None else if_version.value, input.reason)

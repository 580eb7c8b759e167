"""viewerActions: reads the state of a user, from which policy decides which mutations the caller may run."""

import time

from app.domain.principals import Principal
from app.domain.rows import Row
from app.policy.actions import TargetState, UserAction, actions


class Actions:
    """Lists the actions on a user. `can_mail` is true when the service can send mail.

    A sign-in is recent for `max_age` seconds.
    """

    def __init__(self, max_age: int, can_mail: bool = True) -> None:
        self._max_age = max_age
        self._can_mail = can_mail

    def of(self, principal: Principal, row: Row) -> list[UserAction]:
        """Returns the actions on the user in `row`, which must have been read with `viewer_actions`."""
        record, joined = row.record, row.joined
        target = TargetState(
            connection=joined["connection"],
            email=record.get("email"),
            email_verified=bool(record.get("email_verified")),
            linked=sum(1 for each in record.get("identities", ()) if each.get("origin") is not None),
            is_self=principal.is_self(record["_id"]),
            blocked=bool(record.get("blocked")),
            locked_out=bool(joined["locked_out"]),
            roles=len(record.get("role_ids", ())),
            permissions=len(record.get("permissions", ())),
            can_mail=self._can_mail,
        )
        return actions(principal, target, time.time(), self._max_age)

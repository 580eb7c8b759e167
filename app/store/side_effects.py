"""Writes the side effects of a commit in its transaction. Each type of side effect has one function."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.domain.commits import SideEffect
from app.domain.devices import PutDevice, RevokeDevices, UnlinkDevice
from app.domain.enrollments import PutEnrollment, RemoveEnrollments
from app.domain.grants import DeleteGrant, PutGrant
from app.domain.logins import ForgetFailures, PutIdempotencyRecord
from app.domain.mail import SendMail
from app.domain.passwords import SetPassword
from app.domain.tickets import ConsumeTicket, PutTicket, RevokeTickets
from app.domain.users import User
from app.store.database import Database
from app.store.devices import put_device, revoke_devices, unlink_device
from app.store.enrollments import put_enrollment, remove_enrollments
from app.store.grants import delete_grant, put_grant
from app.store.logins import forget_failures, put_idempotency_record
from app.store.outbox import put_mail
from app.store.passwords import set_password
from app.store.tickets import consume_ticket, put_ticket, revoke_tickets

_WRITERS: Mapping[type[SideEffect], Callable[[Database, Any, User, Any], Awaitable[None]]] = {
    ConsumeTicket: consume_ticket,
    DeleteGrant: delete_grant,
    ForgetFailures: forget_failures,
    PutDevice: put_device,
    PutEnrollment: put_enrollment,
    PutGrant: put_grant,
    PutIdempotencyRecord: put_idempotency_record,
    PutTicket: put_ticket,
    RemoveEnrollments: remove_enrollments,
    RevokeDevices: revoke_devices,
    SendMail: put_mail,
    RevokeTickets: revoke_tickets,
    SetPassword: set_password,
    UnlinkDevice: unlink_device,
}


async def write_side_effects(database: Database, session: Any, user: User, side_effects: Sequence[SideEffect]) -> None:
    """Writes the side effects in their order. `user` is the profile after the change, or the deleted profile.

    Raises Conflict, Taken, Full or Gone, each with the side effect that failed.
    """
    for each in side_effects:
        await _WRITERS[type(each)](database, session, user, each)

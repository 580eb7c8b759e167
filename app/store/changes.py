"""What is written beside a profile, in its transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.domain.devices import RevokeDevices
from app.domain.enrollments import PutEnrollment, RemoveEnrollments
from app.domain.grants import DeleteGrant, PutGrant
from app.domain.mail import SendMail
from app.domain.passwords import SetPassword
from app.domain.tickets import PutTicket, SpendTicket, VoidTickets
from app.domain.users import Beside, User
from app.store.database import Database
from app.store.devices import revoke_devices
from app.store.enrollments import put_enrollment, remove_enrollments
from app.store.grants import delete_grant, put_grant
from app.store.outbox import put_mail
from app.store.passwords import set_password
from app.store.tickets import put_ticket, spend_ticket, void_tickets

_WRITERS: Mapping[type[Beside], Callable[[Database, Any, User, Any], Awaitable[None]]] = {
    DeleteGrant: delete_grant,
    PutEnrollment: put_enrollment,
    PutGrant: put_grant,
    PutTicket: put_ticket,
    RemoveEnrollments: remove_enrollments,
    RevokeDevices: revoke_devices,
    SendMail: put_mail,
    SetPassword: set_password,
    SpendTicket: spend_ticket,
    VoidTickets: void_tickets,
}


async def write_beside(database: Database, session: Any, user: User, beside: Sequence[Beside]) -> None:
    """In their order. `user` is the profile as it is being written."""
    for each in beside:
        await _WRITERS[type(each)](database, session, user, each)

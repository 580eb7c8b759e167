"""Statements of the store, each for an account: what it finds or changes depends on whose account that is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.devices import RevokeDevices
from app.domain.enrollments import PutEnrollment, RemoveEnrollments
from app.domain.filters import ALL
from app.domain.grants import DeleteGrant, PutGrant
from app.domain.mail import SendMail
from app.domain.paging import Order, PageRequest
from app.domain.passwords import SetPassword
from app.domain.tickets import PutTicket, SpendTicket, VoidTickets
from app.domain.times import now
from app.domain.users import Beside
from app.store.accounts import Accounts
from app.store.changes import write_beside
from app.store.connections import Connections
from app.store.database import Database, new_id
from app.store.devices import Devices
from app.store.enrollments import Enrollments
from app.store.grants import Grants
from app.store.identities import Identities
from app.store.logins import Logins
from app.store.outbox import Outbox
from app.store.passwords import Passwords
from app.store.records import Owners, Records
from app.store.roles import Roles
from app.store.snapshots import Snapshots
from app.store.tickets import Tickets
from app.store.users import Users
from tests.store.accounts import Account, an_event

Run = Callable[[Database, Account], Awaitable[Any]]
# What another user of the tenant asks is about that user too; the others name documents by unique names.
BY_TENANT: dict[str, Run] = {}
BY_USER: dict[str, Run] = {}
# Names a thing that may not be there.
BY_NAME: dict[str, Run] = {}
# Finds what belongs to the linked account, for the profile that it is linked to.
OF_LINKED: dict[str, Run] = {}


def operation(*tables: dict[str, Run]) -> Callable[[Run], Run]:
    """Its result is empty when it found nothing."""

    def add(run: Run) -> Run:
        for each in (BY_TENANT, *tables):
            each[run.__name__] = run
        return run

    return add


def beside(name: str, make: Callable[[Account], Beside], *tables: dict[str, Run]) -> None:
    async def run(database: Database, account: Account) -> None:
        async with database.transaction() as session:
            await write_beside(database, session, account.user, [make(account)])

    run.__name__ = name
    operation(*tables)(run)


# ---------------------------------------------------------------- profiles


@operation(BY_USER)
async def replace_a_user(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="x")
    return await Users(database).replace(account.user, after, an_event(after))


@operation(BY_USER)
async def replace_a_user_by_nothing_new(database: Database, account: Account) -> bool:
    return await Users(database).replace(account.user, account.user, an_event(account.user))


@operation(BY_USER)
async def write_two_profiles(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="x")
    return await Identities(database).write([(account.user, after)], [])


@operation(BY_USER)
async def write_a_login(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="x")
    return await Logins(database).write(account.user, after, an_event(after), None, None)


@operation(BY_NAME)
async def write_a_device_with_a_login(database: Database, account: Account) -> Any:
    """With the same user and names: the device of the other tenant is another one."""
    identity = replace(account.user.identities[0], user_id=str(new_id()))
    stored = replace(account.user, id=new_id(), user_id=f"auth0|{new_id()}", email=None, identities=(identity,))
    await Connections(database).write(None, account.connection, an_event(account.user))
    device = replace(account.device, id=new_id(), user_id="changed")
    await Logins(database).write(None, stored, an_event(stored), device, None)


@operation(BY_USER)
async def delete_an_account(database: Database, account: Account) -> bool:
    return await Accounts(database).delete(account.user, an_event(account.user), erase=False)


# ---------------------------------------------------------------- reading


@operation(BY_USER)
async def find_pages(database: Database, account: Account) -> Any:
    owners, order = Owners(USER, "user", [account.user.id]), Order("date", -1)
    request, tenant = PageRequest(5), account.tenant
    found = await Records(database).find_pages(owners, LOG_EVENT, tenant, ALL, order, request, ["date"])
    return found.get(account.user.id)


@operation(BY_USER)
async def count_each(database: Database, account: Account) -> Any:
    owners = Owners(USER, "user", [account.user.id])
    found = await Records(database).count_each(owners, LOG_EVENT, account.tenant, ALL, 5)
    return found.get(account.user.id)


@operation()
async def snapshot_of_roles(database: Database, account: Account) -> Any:
    return await Snapshots(Records(database)).roles(account.tenant)


@operation()
async def snapshot_of_connections(database: Database, account: Account) -> Any:
    return await Snapshots(Records(database)).connections(account.tenant)


# ---------------------------------------------------------------- logins


@operation(BY_NAME)
async def answered_login(database: Database, account: Account) -> Any:
    return await Logins(database).answered(account.tenant, "app", account.key)


@operation(BY_USER, BY_NAME)
async def count_a_failure(database: Database, account: Account) -> int:
    """How many there were before."""
    return await Logins(database).count_failure(account.tenant, account.user.id, account.ip, now()) - 1


@operation(BY_USER, BY_NAME)
async def failures(database: Database, account: Account) -> int:
    return await Logins(database).failures(account.tenant, account.user.id, account.ip)


@operation(BY_USER)
async def forget_failures(database: Database, account: Account) -> bool:
    return await Logins(database).forget_failures(account.tenant, account.user.id)


@operation(BY_USER, BY_NAME)
async def forget_failures_of_an_ip(database: Database, account: Account) -> bool:
    return await Logins(database).forget_failures(account.tenant, account.user.id, account.ip)


# ---------------------------------------------------------------- roles and connections


@operation(BY_NAME)
async def find_roles(database: Database, account: Account) -> Any:
    return await Roles(database).find(account.tenant, [account.role.role_id])


@operation(BY_NAME)
async def names_of_roles(database: Database, account: Account) -> Any:
    return await Roles(database).names(account.tenant, [account.role.id])


@operation(BY_USER, BY_NAME)
async def is_a_role_held(database: Database, account: Account) -> bool:
    return await Roles(database).is_held(account.role, [account.user.id])


@operation(BY_NAME)
async def replace_a_role(database: Database, account: Account) -> bool:
    return await Roles(database).replace(account.role, replace(account.role, name="B"), an_event(account.user))


@operation(BY_NAME)
async def delete_a_role(database: Database, account: Account) -> bool:
    return await Roles(database).delete(account.role, an_event(account.user))


@operation(BY_NAME)
async def clear_a_deleted_role(database: Database, account: Account) -> None:
    await database["deleted_roles"].insert_one({"tenant": account.tenant, "role": account.role.id})
    await Roles(database).clear()


@operation(BY_NAME)
async def find_a_connection(database: Database, account: Account) -> Any:
    return await Connections(database).find(account.tenant, account.connection.name)


@operation(BY_NAME)
async def change_a_connection(database: Database, account: Account) -> bool:
    after = replace(account.connection, allows_sign_up=True, version=2)
    return await Connections(database).write(account.connection, after, an_event(account.user))


@operation(BY_NAME)
async def delete_a_connection(database: Database, account: Account) -> bool:
    return await Connections(database).delete(account.unused, an_event(account.user))


@operation()
async def enabled_rules(database: Database, account: Account) -> Any:
    return await Connections(database).enabled_rules(account.tenant)


@operation(BY_NAME)
async def disable_a_rule(database: Database, account: Account) -> bool:
    event = an_event(account.user)
    return await Connections(database).write_rule(account.tenant, account.rule, (True, 1), (False, 2), event)


# ---------------------------------------------------------------- devices, grants, second factors


@operation(BY_NAME)
async def standing_device(database: Database, account: Account) -> Any:
    assert account.device.token_hash
    return await Devices(database).standing(account.tenant, account.device.token_hash)


@operation(BY_USER, OF_LINKED, BY_NAME)
async def remove_a_device(database: Database, account: Account) -> bool:
    own, event = account.user.own(), an_event(account.user)
    return await Devices(database).remove(account.tenant, own, account.device.device_id, event)


beside("revoke_devices", lambda _: RevokeDevices(), BY_USER, OF_LINKED)
beside(
    "revoke_devices_of_a_client", lambda account: RevokeDevices(account.device.client_id), BY_USER, OF_LINKED, BY_NAME
)


@operation(BY_USER, OF_LINKED, BY_NAME)
async def find_a_grant(database: Database, account: Account) -> Any:
    return await Grants(database).find(account.user, str(account.grant.id))


@operation(BY_USER, BY_NAME)
async def find_a_grant_of_a_client(database: Database, account: Account) -> Any:
    return await Grants(database).find_of(account.user, account.grant.client_id, account.grant.audience)


beside("put_a_grant", lambda account: PutGrant(replace(account.grant, id=new_id(), scopes=["y"])), BY_USER, BY_NAME)
beside("delete_a_grant", lambda account: DeleteGrant(account.grant.id), BY_NAME)


@operation(BY_USER, BY_NAME)
async def find_an_enrollment(database: Database, account: Account) -> Any:
    return await Enrollments(database).find(account.user, account.enrollment.enrollment_id)


@operation(BY_USER, OF_LINKED)
async def find_all_enrollments(database: Database, account: Account) -> Any:
    return await Enrollments(database).find_all(account.user)


@operation(BY_NAME)
async def touch_an_enrollment(database: Database, account: Account) -> None:
    later = now() + timedelta(days=1)
    await Enrollments(database).touch(replace(account.enrollment, last_used_at=later))


beside(
    "put_an_enrollment",
    lambda account: PutEnrollment(replace(account.enrollment, id=new_id(), status="changed")),
    BY_USER,
    BY_NAME,
)
beside("remove_enrollments", lambda account: RemoveEnrollments((account.enrollment.id,)), BY_USER, OF_LINKED, BY_NAME)


# ---------------------------------------------------------------- passwords, tickets, mails


@operation(BY_USER)
async def find_a_credential(database: Database, account: Account) -> Any:
    return await Passwords(database).find(account.tenant, account.user.id)


@operation()
async def any_bcrypt(database: Database, account: Account) -> Any:
    return await Passwords(database).any_bcrypt(account.tenant)


@operation(BY_USER)
async def upgrade_a_hash(database: Database, account: Account) -> None:
    await Passwords(database).upgrade(account.tenant, account.user.id, "$2b$old", "new")


@operation(BY_NAME)
async def count_a_try(database: Database, account: Account) -> int:
    """How many there were before."""
    return await Passwords(database).count_try(account.tenant, account.key, now()) - 1


@operation(BY_USER)
async def count_a_change(database: Database, account: Account) -> int:
    """How many there were before."""
    return await Passwords(database).count_change(account.tenant, account.user.id, now()) - 1


@operation(BY_NAME)
async def forget_tries(database: Database, account: Account) -> None:
    await Passwords(database).forget_tries(account.tenant, [account.key])


beside("set_a_password", lambda _: SetPassword("new", 1), BY_USER)
beside("set_a_first_password", lambda _: SetPassword("new", 0), BY_USER)


@operation(BY_NAME)
async def arm_a_ticket(database: Database, account: Account) -> Any:
    return await Tickets(database).arm(account.tenant, account.ticket.id, f"new-{new_id()}")


beside("put_a_ticket", lambda account: PutTicket(replace(account.ticket, id=new_id(), hash=None)), BY_USER, BY_NAME)
beside("spend_a_ticket", lambda account: SpendTicket(account.ticket.id), BY_NAME)
beside("void_tickets", lambda _: VoidTickets(), BY_USER)


beside(
    "send_a_mail",
    lambda account: SendMail(replace(account.mail, id=new_id(), recorded_at=now() + timedelta(days=365))),
    BY_USER,
)


@operation(BY_NAME)
async def remove_a_mail(database: Database, account: Account) -> None:
    await Outbox(database).remove(account.mail)


@operation(BY_NAME)
async def put_a_mail_off(database: Database, account: Account) -> None:
    await Outbox(database).put_off(account.mail, account.mail.recorded_at + timedelta(hours=1))


@operation(BY_NAME)
async def release_a_mail(database: Database, account: Account) -> None:
    await Outbox(database).release(account.mail, 0, account.mail.recorded_at + timedelta(hours=1))

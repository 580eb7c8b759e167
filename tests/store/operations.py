"""Operations of the store. What each of them finds or changes depends on the account that it gets."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.commits import SideEffect
from app.domain.devices import PutDevice, RevokeDevices, UnlinkDevice
from app.domain.enrollments import PutEnrollment, RemoveEnrollments
from app.domain.filters import ALL
from app.domain.grants import DeleteGrant, PutGrant
from app.domain.kinds import Order
from app.domain.logins import ForgetFailures, IdempotencyRecord, PutIdempotencyRecord
from app.domain.mail import SendMail
from app.domain.paging import PageRequest
from app.domain.passwords import SetPassword
from app.domain.tickets import ConsumeTicket, PutTicket, RevokeTickets
from app.domain.times import now
from app.store.connections import ConnectionStore
from app.store.database import Database, new_id
from app.store.devices import DeviceStore
from app.store.enrollments import EnrollmentStore
from app.store.grants import GrantStore
from app.store.logins import LoginStore
from app.store.outbox import Outbox
from app.store.passwords import CredentialStore
from app.store.records import Owners, Records
from app.store.roles import RoleStore
from app.store.side_effects import write_side_effects
from app.store.snapshots import Snapshots
from app.store.tickets import TicketStore
from tests.store.accounts import Account, is_written, new_event, write

Run = Callable[[Database, Account], Awaitable[Any]]
# Operations on the documents of a tenant, and operations on the documents of one user.
BY_TENANT: dict[str, Run] = {}
BY_USER: dict[str, Run] = {}
# Operations that name an object, which may not exist.
BY_NAME: dict[str, Run] = {}
# Operations on the profile that also find documents of the linked account.
OF_LINKED: dict[str, Run] = {}


def operation(*tables: dict[str, Run]) -> Callable[[Run], Run]:
    """Registers an operation. It must return a false value when it found nothing."""

    def add(run: Run) -> Run:
        for each in (BY_TENANT, *tables):
            each[run.__name__] = run
        return run

    return add


def side_effect(name: str, make: Callable[[Account], SideEffect], *tables: dict[str, Run]) -> None:
    async def run(database: Database, account: Account) -> None:
        async with database.transaction() as session:
            await write_side_effects(database, session, account.user, [make(account)])

    run.__name__ = name
    operation(*tables)(run)


# ---------------------------------------------------------------- profiles


@operation(BY_USER)
async def change_a_user(database: Database, account: Account) -> bool:
    return await write(database, account.user, replace(account.user, version=2, name="x"))


@operation(BY_USER)
async def commit_a_user_without_change(database: Database, account: Account) -> bool:
    return await write(database, account.user, account.user)


@operation(BY_USER)
async def count_a_login(database: Database, account: Account) -> bool:
    after = replace(account.user, logins_count=1, last_login=now())
    return await write(database, account.user, after, increments={"logins_count": 1}, maximum=("last_login",))


@operation(BY_USER)
async def delete_an_account(database: Database, account: Account) -> bool:
    return await write(database, account.user, None)


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
async def find_an_idempotency_record(database: Database, account: Account) -> Any:
    return await LoginStore(database).find_record(account.tenant, "app", account.key)


@operation(BY_USER, BY_NAME)
async def count_a_failure(database: Database, account: Account) -> int:
    """Returns the count before this call."""
    return await LoginStore(database).count_failure(account.tenant, account.user.id, account.ip, now()) - 1


@operation(BY_USER, BY_NAME)
async def count_failures(database: Database, account: Account) -> int:
    return await LoginStore(database).count_failures(account.tenant, account.user.id, account.ip)


@operation(BY_USER)
async def count_failures_of_all(database: Database, account: Account) -> int:
    return await LoginStore(database).count_failures(account.tenant, account.user.id)


side_effect("forget_failures", lambda _: ForgetFailures(), BY_USER)
side_effect("forget_failures_of_an_ip", lambda account: ForgetFailures(account.ip), BY_USER, BY_NAME)
side_effect("put_a_device", lambda account: PutDevice(replace(account.device, id=new_id(), user_id="changed")), BY_NAME)


@operation()
async def put_an_idempotency_record(database: Database, account: Account) -> None:
    record = IdempotencyRecord(account.tenant, "app", "new", "hash", account.owner, True, new_id(), now())
    async with database.transaction() as session:
        await write_side_effects(database, session, account.user, [PutIdempotencyRecord(record)])


# ---------------------------------------------------------------- roles and connections


@operation(BY_NAME)
async def find_roles(database: Database, account: Account) -> Any:
    return await RoleStore(database).find(account.tenant, [account.role.role_id])


@operation(BY_NAME)
async def names_of_roles(database: Database, account: Account) -> Any:
    return await RoleStore(database).names(account.tenant, [account.role.id])


@operation(BY_USER, BY_NAME)
async def is_a_role_assigned(database: Database, account: Account) -> bool:
    return await RoleStore(database).is_assigned(account.role, [account.user.id])


@operation(BY_NAME)
async def replace_a_role(database: Database, account: Account) -> bool:
    return await is_written(
        RoleStore(database).replace(account.role, replace(account.role, name="B"), new_event(account.user))
    )


@operation(BY_NAME)
async def delete_a_role(database: Database, account: Account) -> bool:
    return await is_written(RoleStore(database).delete(account.role, new_event(account.user)))


@operation(BY_NAME)
async def clear_a_deleted_role(database: Database, account: Account) -> None:
    await database["deleted_roles"].insert_one({"tenant": account.tenant, "role": account.role.id})
    await RoleStore(database).clear()


@operation(BY_NAME)
async def find_a_connection(database: Database, account: Account) -> Any:
    return await ConnectionStore(database).find(account.tenant, account.connection.name)


@operation(BY_NAME)
async def change_a_connection(database: Database, account: Account) -> bool:
    after = replace(account.connection, allows_sign_up=True, version=2)
    return await is_written(ConnectionStore(database).write(account.connection, after, new_event(account.user)))


@operation(BY_NAME)
async def delete_a_connection(database: Database, account: Account) -> bool:
    return await is_written(ConnectionStore(database).delete(account.unused, new_event(account.user)))


@operation()
async def enabled_rules(database: Database, account: Account) -> Any:
    return await ConnectionStore(database).enabled_rules(account.tenant)


@operation(BY_NAME)
async def disable_a_rule(database: Database, account: Account) -> bool:
    event = new_event(account.user)
    rules = ConnectionStore(database)
    return await is_written(rules.write_rule(account.tenant, account.rule, (True, 1), (False, 2), event))


# ---------------------------------------------------------------- devices, grants, second factors


@operation(BY_NAME)
async def find_an_active_device(database: Database, account: Account) -> Any:
    assert account.device.token_hash
    return await DeviceStore(database).find_active(account.tenant, account.device.token_hash)


side_effect("unlink_a_device", lambda account: UnlinkDevice(account.device.device_id), BY_USER, OF_LINKED, BY_NAME)
side_effect("revoke_devices", lambda _: RevokeDevices(), BY_USER, OF_LINKED)
side_effect(
    "revoke_devices_of_a_client", lambda account: RevokeDevices(account.device.client_id), BY_USER, OF_LINKED, BY_NAME
)


@operation(BY_USER, OF_LINKED, BY_NAME)
async def find_a_grant(database: Database, account: Account) -> Any:
    return await GrantStore(database).find(account.user, str(account.grant.id))


@operation(BY_USER, BY_NAME)
async def find_a_grant_of_a_client(database: Database, account: Account) -> Any:
    return await GrantStore(database).find_of(account.user, account.grant.client_id, account.grant.audience)


side_effect(
    "put_a_grant", lambda account: PutGrant(replace(account.grant, id=new_id(), scopes=["y"])), BY_USER, BY_NAME
)
side_effect("delete_a_grant", lambda account: DeleteGrant(account.grant.id), BY_NAME)


@operation(BY_USER, BY_NAME)
async def find_an_enrollment(database: Database, account: Account) -> Any:
    return await EnrollmentStore(database).find(account.user, account.enrollment.enrollment_id)


@operation(BY_USER, OF_LINKED)
async def find_all_enrollments(database: Database, account: Account) -> Any:
    return await EnrollmentStore(database).find_all(account.user)


@operation(BY_NAME)
async def touch_an_enrollment(database: Database, account: Account) -> None:
    later = now() + timedelta(days=1)
    await EnrollmentStore(database).touch(replace(account.enrollment, last_used_at=later))


side_effect(
    "put_an_enrollment",
    lambda account: PutEnrollment(replace(account.enrollment, id=new_id(), status="changed")),
    BY_USER,
    BY_NAME,
)
side_effect(
    "remove_enrollments", lambda account: RemoveEnrollments((account.enrollment.id,)), BY_USER, OF_LINKED, BY_NAME
)


# ---------------------------------------------------------------- passwords, tickets, mails


@operation(BY_USER)
async def find_a_credential(database: Database, account: Account) -> Any:
    return await CredentialStore(database).find(account.tenant, account.user.id)


@operation()
async def find_any_bcrypt_hash(database: Database, account: Account) -> Any:
    return await CredentialStore(database).find_any_bcrypt_hash(account.tenant)


@operation(BY_USER)
async def upgrade_a_hash(database: Database, account: Account) -> None:
    await CredentialStore(database).upgrade(account.tenant, account.user.id, "$2b$old", "new")


@operation(BY_NAME)
async def count_a_try(database: Database, account: Account) -> int:
    """Returns the count before this call."""
    return await CredentialStore(database).count_attempt(account.tenant, account.key, now()) - 1


@operation(BY_USER)
async def count_a_change(database: Database, account: Account) -> int:
    """Returns the count before this call."""
    return await CredentialStore(database).count_change(account.tenant, account.user.id, now()) - 1


@operation(BY_NAME)
async def forget_attempts(database: Database, account: Account) -> None:
    await CredentialStore(database).forget_attempts(account.tenant, [account.key])


side_effect("set_a_password", lambda _: SetPassword("new", 1), BY_USER)
side_effect("set_a_first_password", lambda _: SetPassword("new", 0), BY_USER)


@operation(BY_NAME)
async def attach_a_secret(database: Database, account: Account) -> Any:
    return await TicketStore(database).attach_secret(account.tenant, account.ticket.id, f"new-{new_id()}")


side_effect(
    "put_a_ticket", lambda account: PutTicket(replace(account.ticket, id=new_id(), hash=None)), BY_USER, BY_NAME
)
side_effect("consume_a_ticket", lambda account: ConsumeTicket(account.ticket.id), BY_NAME)
side_effect("revoke_tickets", lambda _: RevokeTickets(), BY_USER)


side_effect(
    "send_a_mail",
    lambda account: SendMail(replace(account.mail, id=new_id(), recorded_at=now() + timedelta(days=365))),
    BY_USER,
)


@operation(BY_NAME)
async def remove_a_mail(database: Database, account: Account) -> None:
    await Outbox(database).remove(account.mail)


@operation(BY_NAME)
async def put_a_mail_off(database: Database, account: Account) -> None:
    await Outbox(database).postpone(account.mail, account.mail.recorded_at + timedelta(hours=1))


@operation(BY_NAME)
async def release_a_mail(database: Database, account: Account) -> None:
    await Outbox(database).release(account.mail, 0, account.mail.recorded_at + timedelta(hours=1))

"""Every statement reaches the documents of its own tenant and of its own user only, on a real mongod."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.devices import RevokeDevices
from app.domain.emails import SendMail
from app.domain.enrollments import PutEnrollment, RemoveEnrollments
from app.domain.errors import Refused
from app.domain.grants import DeleteGrant, PutGrant
from app.domain.paging import Order, Window
from app.domain.passwords import SetPassword
from app.domain.tickets import PutTicket, SpendTicket, VoidTickets
from app.domain.times import now
from app.domain.users import Beside
from app.store.accounts import Accounts
from app.store.changes import write_beside
from app.store.connections import Connections
from app.store.database import Database, new_id
from app.store.devices import Devices
from app.store.documents import Documents, put_one_of
from app.store.emails import Outbox
from app.store.enrollments import Enrollments
from app.store.grants import Grants
from app.store.identities import Identities
from app.store.logins import Logins
from app.store.passwords import Passwords
from app.store.roles import Roles
from app.store.snapshots import Snapshots
from app.store.tickets import Tickets
from app.store.users import Users, to_document
from tests.store.accounts import IP, Account, an_event, contents, stored_account

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
    owners, order = ("users", account.tenant, "user"), Order("date", -1)
    keys = [account.user.id]
    found = await Documents(database).find_pages(owners, keys, "log_events", {}, order, Window(5), ["date"])
    return found.get(account.user.id)


@operation(BY_USER)
async def count_each(database: Database, account: Account) -> Any:
    owners = ("users", account.tenant, "user")
    found = await Documents(database).count_each(owners, [account.user.id], "log_events", {}, 5)
    return found.get(account.user.id)


@operation()
async def snapshot_of_roles(database: Database, account: Account) -> Any:
    return await Snapshots(Documents(database)).roles(account.tenant)


@operation()
async def snapshot_of_connections(database: Database, account: Account) -> Any:
    return await Snapshots(Documents(database)).connections(account.tenant)


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


# ----------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What an operation returned, and what it left of the account's tenant."""

    found: bool
    left: dict[str, list[dict[str, Any]]]


async def outcome(database: Database, run: Run, account: Account, tenant: str) -> Outcome:
    try:
        found = await run(database, account)
    except Refused:
        found = None
    return Outcome(bool(found), await contents(database, tenant))


@pytest.mark.parametrize("name", BY_TENANT)
async def test_operation_stays_within_its_tenant(database: Database, name: str) -> None:
    account = await stored_account(database)
    untouched = Outcome(False, await contents(database, account.tenant))
    stray = account.in_tenant(f"{account.tenant}-other")
    assert await outcome(database, BY_TENANT[name], stray, account.tenant) == untouched
    # In its own tenant the same call does find something, or changes something.
    if name != "set_a_first_password":
        assert await outcome(database, BY_TENANT[name], account, account.tenant) != untouched


@pytest.mark.parametrize("name", BY_USER)
async def test_operation_stays_within_its_user(database: Database, name: str) -> None:
    account = await stored_account(database)
    others = await contents(database, account.tenant)
    stray = account.of_another_user()
    result = await outcome(database, BY_USER[name], stray, account.tenant)
    assert not result.found
    for collection, documents in others.items():
        for each in documents:
            assert each in result.left[collection]


@pytest.mark.parametrize("name", BY_NAME)
async def test_operation_stays_with_what_it_names(database: Database, name: str) -> None:
    account = await stored_account(database)
    others = await contents(database, account.tenant)
    result = await outcome(database, BY_NAME[name], account.of_other_names(), account.tenant)
    assert not result.found
    for collection, documents in others.items():
        for each in documents:
            assert each in result.left[collection]


@pytest.mark.parametrize("name", OF_LINKED)
async def test_linked_account_counts_as_the_profiles_own(database: Database, name: str) -> None:
    account = await stored_account(database, of_linked=True)
    untouched = Outcome(False, await contents(database, account.tenant))
    assert await outcome(database, OF_LINKED[name], account, account.tenant) != untouched


# What is kept of a user, and goes with the account. The history stays.
KEPT = ("credentials", "devices", "grants", "login_failures", "login_keys", "mails", "mfa_enrollments", "tickets")


async def add_bystander(database: Database, account: Account) -> dict[str, list[dict[str, Any]]]:
    """Another user of the tenant who has the same. Returns the documents."""
    bystander = account.of_another_user().user
    documents = {"users": [to_document(replace(bystander, email=None, identities=()))]}
    stored = await contents(database, account.tenant)
    for name in (*KEPT, "log_events"):
        [copied] = [each for each in stored[name] if each.get("user") == account.owner]
        unique = {"_id": new_id(), "key": str(bystander.id), "hash": str(bystander.id)}
        documents[name] = [copied | {"user": bystander.id} | unique]
    for name, added in documents.items():
        await database[name].insert_many(added)
    return documents


@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize("of_linked", [False, True])
async def test_deletion_takes_what_is_the_accounts(database: Database, of_linked: bool, erase: bool) -> None:
    account = await stored_account(database, of_linked)
    others = await add_bystander(database, account)
    assert await Accounts(database).delete(account.user, an_event(account.user), erase)
    left = await contents(database, account.tenant)
    for name in ("users", *KEPT):
        assert left[name] == others[name]
    assert others["log_events"][0] in left["log_events"]


@pytest.mark.parametrize("erase", [False, True])
async def test_deletion_stays_within_its_tenant(database: Database, erase: bool) -> None:
    """Even where a profile names one of another tenant as its second account."""
    account = await stored_account(database, of_linked=True)
    untouched = await contents(database, account.tenant)
    stray = replace(account.user, id=new_id(), tenant=f"{account.tenant}-other")
    await database["users"].insert_one(to_document(stray))
    assert await Accounts(database).delete(stray, an_event(stray), erase)
    assert await contents(database, account.tenant) == untouched


@pytest.mark.parametrize("of_linked", [False, True])
async def test_erasure_leaves_no_trace_of_the_person(database: Database, of_linked: bool) -> None:
    account = await stored_account(database, of_linked)
    before = (await contents(database, account.tenant))["log_events"]
    assert await Accounts(database).delete(account.user, an_event(account.user), erase=True)
    events = (await contents(database, account.tenant))["log_events"]
    # The newest is of the deletion itself, which the caller describes.
    left = str(events[:-1])
    for trace in (
        account.user.user_id,
        account.user.email,
        "old@example.com",
        "OLD@example.com",
        "John",
        IP,
        "because",
    ):
        assert str(trace) not in left
    # What happened, and when, stays.
    kept = [(each["_id"], each["type"], each["date"]) for each in before]
    assert [(each["_id"], each["type"], each["date"]) for each in events[:-1]] == kept


async def test_erasure_looks_for_names_of_the_account_only(database: Database) -> None:
    """A name that somebody else had, or that the person had in another tenant, stays."""
    account = await stored_account(database)
    for stray in (account.in_tenant(f"{account.tenant}-other"), account.of_another_user()):
        async with database.transaction() as session:
            names = await Accounts(database)._identifiers(account.user, session)
            elsewhere = await Accounts(database)._identifiers(stray.user, session)
        assert "old@example.com" in names
        assert "old@example.com" not in elsewhere


async def test_rule_that_is_disabled_is_not_enabled(database: Database) -> None:
    account, connections = await stored_account(database), Connections(database)
    assert await connections.enabled_rules(account.tenant) == {account.rule}
    assert await connections.write_rule(account.tenant, account.rule, (True, 1), (False, 2), an_event(account.user))
    assert await connections.enabled_rules(account.tenant) == set()


async def test_limit_counts_what_one_user_of_one_tenant_has(database: Database) -> None:
    """Of grants and second factors a user has at most so many."""
    tenant, unique = str(new_id()), ("tenant", "user", "name")

    async def put(user: str, name: str, tenant: str = tenant) -> bool:
        document = {"_id": new_id(), "tenant": tenant, "user": user, "name": name}
        return await put_one_of(database["things"], None, document, unique, most=2)

    assert [await put("ann", name) for name in ("a", "b", "a")] == [True] * 3
    assert [await put("bob", name) for name in ("a", "b")] == [True] * 2
    assert [await put("ann", name, f"{tenant}-other") for name in ("a", "b")] == [True] * 2
    assert not await put("ann", "c")


async def test_connection_is_kept_by_users_of_its_tenant_only(database: Database) -> None:
    account = await stored_account(database)
    stray = account.in_tenant(f"{account.tenant}-other").connection
    stray = replace(stray, id=new_id())
    connections, event = Connections(database), an_event(account.user)
    with pytest.raises(Refused):
        await connections.delete(account.connection, event)
    assert await connections.write(None, stray, replace(event, id=new_id()))
    assert await connections.delete(stray, replace(event, id=new_id()))


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_new_user_needs_a_connection_of_their_tenant(database: Database, is_elsewhere: bool) -> None:
    """One that has this name in another tenant does not count, nor does another one of the tenant."""
    account = await stored_account(database)
    identity = replace(account.user.identities[0], user_id="new", connection="db" if is_elsewhere else "other")
    tenant = f"{account.tenant}-other" if is_elsewhere else account.tenant
    stray = replace(account.user, id=new_id(), tenant=tenant, user_id="auth0|new", email=None, identities=(identity,))
    with pytest.raises(Refused):
        await Users(database).insert(stray, an_event(stray))
    with pytest.raises(Refused):
        await Logins(database).write(None, stray, an_event(stray), None, None)

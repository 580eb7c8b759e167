"""Every operation affects documents of its own tenant and user only, on a real mongod."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.devices import PutDevice
from app.domain.filters import Eq
from app.domain.tickets import PutTicket, TicketPurpose
from app.domain.times import now
from app.store.connections import ConnectionStore, guard_connection
from app.store.database import Database, new_id
from app.store.errors import Gone, StoreError, Taken
from app.store.grants import GrantStore
from app.store.inserts import upsert_within_limit
from app.store.logins import LoginStore
from app.store.side_effects import write_side_effects
from app.store.tickets import TicketStore
from app.store.users import UserStore
from tests.store.accounts import Account, contents, new_event, stored_account, write
from tests.store.operations import BY_NAME, BY_TENANT, BY_USER, OF_LINKED, Run


@dataclass(frozen=True)
class Outcome:
    """The result of an operation, and the documents of the account's tenant after it."""

    found: bool
    left: dict[str, list[dict[str, Any]]]


async def outcome(database: Database, run: Run, account: Account, tenant: str) -> Outcome:
    try:
        found = await run(database, account)
    except StoreError:
        found = None
    return Outcome(bool(found), await contents(database, tenant))


@pytest.mark.parametrize("name", BY_TENANT)
async def test_operation_stays_within_its_tenant(database: Database, name: str) -> None:
    account = await stored_account(database)
    untouched = Outcome(False, await contents(database, account.tenant))
    stray = account.in_tenant(f"{account.tenant}-other")
    assert await outcome(database, BY_TENANT[name], stray, account.tenant) == untouched
    # In its own tenant, the same call finds or changes documents.
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
async def test_operation_affects_only_the_object_that_it_names(database: Database, name: str) -> None:
    account = await stored_account(database)
    others = await contents(database, account.tenant)
    result = await outcome(database, BY_NAME[name], account.of_other_names(), account.tenant)
    assert not result.found
    for collection, documents in others.items():
        for each in documents:
            assert each in result.left[collection]


async def test_grant_is_found_by_client_and_audience(database: Database) -> None:
    account, grants = await stored_account(database), GrantStore(database)
    grant = account.grant
    for client, audience in ((grant.client_id, "urn:other"), ("other", grant.audience)):
        assert await grants.find_of(account.user, client, audience) is None
    assert await grants.find_of(account.user, grant.client_id, grant.audience) == grant


async def test_idempotency_key_belongs_to_one_client(database: Database) -> None:
    account, logins = await stored_account(database), LoginStore(database)
    assert await logins.find_record(account.tenant, "other", account.key) is None
    assert await logins.find_record(account.tenant, "app", account.key)


async def test_ticket_is_found_by_its_secret_until_it_expires(database: Database) -> None:
    account, tickets, hash = await stored_account(database), TicketStore(database), str(new_id())
    stored, expires = account.ticket, account.ticket.expires_at
    assert stored.hash
    assert await tickets.find_active("other", now()) is None
    assert await tickets.find_active(stored.hash, expires) is None
    assert await tickets.find_active(stored.hash, expires - timedelta(seconds=1)) == stored
    assert await tickets.attach_secret(account.tenant, stored.id, hash)
    # When a mail is sent again, the link of the first mail stays valid.
    for each in (hash, stored.hash):
        found = await tickets.find_active(each, now())
        assert found
        assert found.id == stored.id


async def test_new_ticket_keeps_tickets_for_other_purposes(database: Database) -> None:
    account = await stored_account(database)
    other = replace(account.ticket, id=new_id(), hash=None, purpose=TicketPurpose.VERIFY_EMAIL)
    async with database.transaction() as session:
        await write_side_effects(database, session, account.user, [PutTicket(other)])
    left = (await contents(database, account.tenant))["tickets"]
    assert {each["_id"] for each in left} == {account.ticket.id, other.id}


async def test_linked_account_is_not_found_for_writing(database: Database) -> None:
    account = await stored_account(database)
    for user, expected in ((account.user, account.user), (account.linked, None)):
        assert await UserStore(database).find(account.tenant, Eq("_id", user.id)) == expected
        assert await UserStore(database).find_with_linked(account.tenant, Eq("_id", user.id)) == user


@pytest.mark.parametrize("name", OF_LINKED)
async def test_linked_account_counts_as_the_profiles_own(database: Database, name: str) -> None:
    account = await stored_account(database, of_linked=True)
    untouched = Outcome(False, await contents(database, account.tenant))
    assert await outcome(database, OF_LINKED[name], account, account.tenant) != untouched


async def test_disabled_rule_is_not_listed_as_enabled(database: Database) -> None:
    account, connections = await stored_account(database), ConnectionStore(database)
    assert await connections.enabled_rules(account.tenant) == {account.rule}
    await connections.write_rule(account.tenant, account.rule, (True, 1), (False, 2), new_event(account.user))
    assert await connections.enabled_rules(account.tenant) == set()


async def test_limit_of_devices_counts_one_tenant(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.devices.MAX_DEVICES", 1)
    account = await stored_account(database)
    stray = account.in_tenant(f"{account.tenant}-other")
    before = await contents(database, account.tenant)
    for name in ("one", "two"):
        device = replace(stray.device, id=new_id(), device_id=name, token_hash=None)
        async with database.transaction() as session:
            await write_side_effects(database, session, stray.user, [PutDevice(device)])
    assert await contents(database, account.tenant) == before
    [kept] = (await contents(database, stray.tenant))["devices"]
    assert kept["device_id"] == "two"


async def test_limit_counts_one_user_of_one_tenant(database: Database) -> None:
    """The number of grants and of enrollments of a user is limited."""
    tenant, unique = str(new_id()), ("tenant", "user", "name")

    async def put(user: str, name: str, tenant: str = tenant) -> bool:
        document = {"_id": new_id(), "tenant": tenant, "user": user, "name": name}
        return await upsert_within_limit(database["things"], None, document, unique, limit=2)

    assert [await put("ann", name) for name in ("a", "b", "a")] == [True] * 3
    assert [await put("bob", name) for name in ("a", "b")] == [True] * 2
    assert [await put("ann", name, f"{tenant}-other") for name in ("a", "b")] == [True] * 2
    assert not await put("ann", "c")


async def test_connection_is_kept_by_users_of_its_tenant_only(database: Database) -> None:
    account = await stored_account(database)
    stray = account.in_tenant(f"{account.tenant}-other").connection
    stray = replace(stray, id=new_id())
    connections, event = ConnectionStore(database), new_event(account.user)
    with pytest.raises(Taken):
        await connections.delete(account.connection, event)
    await connections.write(None, stray, replace(event, id=new_id()))
    await connections.delete(stray, replace(event, id=new_id()))


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_new_user_needs_a_connection_of_their_tenant(database: Database, is_elsewhere: bool) -> None:
    """A connection with this name in another tenant does not count, nor does another connection of the tenant."""
    account = await stored_account(database)
    identity = replace(account.user.identities[0], user_id="new", connection="db" if is_elsewhere else "other")
    tenant = f"{account.tenant}-other" if is_elsewhere else account.tenant
    stray = replace(account.user, id=new_id(), tenant=tenant, user_id="auth0|new", email=None, identities=(identity,))
    with pytest.raises(Gone):
        await write(database, None, stray)


async def test_connection_is_guarded_by_users_of_its_tenant(database: Database) -> None:
    """A new user of one tenant does not delay the deletion of a connection with the same name in another tenant."""
    tenants = [str(new_id()) for _ in range(2)]
    for tenant in tenants:
        await database["connections"].insert_one({"tenant": tenant, "name": tenants[0]})
        async with database.transaction() as session:
            await guard_connection(database, session, tenant, tenants[0])
    guards = await database["connection_guards"].find({"connection": tenants[0]}).to_list(None)
    assert sorted(each.get("tenant") for each in guards) == sorted(tenants)

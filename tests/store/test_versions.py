"""Every write of a profile or credential compares what it read with what is stored, on a real mongod.

A write that lost to another one leaves the whole tenant as the other one left it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import ErrorCode, Refused
from app.domain.passwords import SetPassword
from app.domain.times import now
from app.store.accounts import Accounts
from app.store.changes import write_beside
from app.store.connections import Connections
from app.store.database import Database, new_id
from app.store.identities import Identities
from app.store.logins import Answered, Logins
from app.store.passwords import Passwords
from app.store.roles import Roles
from app.store.users import Users
from tests.store.accounts import Account, an_event, contents, stored_account

Write = Callable[[Database, Account], Awaitable[bool]]


async def replace_a_user(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="mine")
    return await Users(database).replace(account.user, after, an_event(after))


async def write_beside_a_user(database: Database, account: Account) -> bool:
    """A change of nothing in the profile is checked too."""
    return await Users(database).replace(account.user, account.user, an_event(account.user))


async def write_a_login(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="mine")
    answered = Answered(account.tenant, "app", "new", "hash", account.user.id, False, None, now())
    device = replace(account.device, id=new_id(), device_id="new")
    return await Logins(database).write(account.user, after, an_event(after), device, answered)


async def write_the_first_of_two(database: Database, account: Account) -> bool:
    pairs = [(each, replace(each, version=2, name="mine")) for each in (account.user, account.linked)]
    return await Identities(database).write(pairs, [an_event(account.user)])


async def write_the_second_of_two(database: Database, account: Account) -> bool:
    """The first one's write is undone."""
    pairs = [(each, replace(each, version=2, name="mine")) for each in (account.linked, account.user)]
    return await Identities(database).write(pairs, [an_event(account.user)])


async def delete_an_account(database: Database, account: Account) -> bool:
    return await Accounts(database).delete(account.user, an_event(account.user), erase=False)


async def erase_an_account(database: Database, account: Account) -> bool:
    return await Accounts(database).delete(account.user, an_event(account.user), erase=True)


WRITES: list[Write] = [
    replace_a_user,
    write_beside_a_user,
    write_a_login,
    write_the_first_of_two,
    write_the_second_of_two,
    delete_an_account,
    erase_an_account,
]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
async def test_write_of_an_outdated_version_changes_nothing(database: Database, write: Write) -> None:
    account = await stored_account(database)
    newer = replace(account.user, version=2, name="theirs")
    assert await Users(database).replace(account.user, newer, an_event(newer))
    theirs = await contents(database, account.tenant)
    assert not await write(database, account)
    assert await contents(database, account.tenant) == theirs


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
async def test_write_of_the_current_version_is_kept(database: Database, write: Write) -> None:
    account = await stored_account(database)
    before = await contents(database, account.tenant)
    assert await write(database, account)
    assert len((await contents(database, account.tenant))["log_events"]) == len(before["log_events"]) + 1


@pytest.mark.parametrize("write", [write_a_login, write_the_first_of_two, write_the_second_of_two])
async def test_write_of_a_deleted_profile_changes_nothing(database: Database, write: Write) -> None:
    account = await stored_account(database)
    assert await delete_an_account(database, account)
    theirs = await contents(database, account.tenant)
    assert not await write(database, account)
    assert await contents(database, account.tenant) == theirs


# ---------------------------------------------------------------- what belongs to a tenant


async def change_a_role(database: Database, account: Account, version: int) -> bool:
    before = replace(account.role, version=version)
    return await Roles(database).replace(
        before, replace(before, description="mine", version=version + 1), an_event(account.user)
    )


async def delete_a_role(database: Database, account: Account, version: int) -> bool:
    return await Roles(database).delete(replace(account.role, version=version), an_event(account.user))


async def change_a_connection(database: Database, account: Account, version: int) -> bool:
    before = replace(account.unused, version=version)
    return await Connections(database).write(
        before, replace(before, import_mode=True, version=version + 1), an_event(account.user)
    )


async def delete_a_connection(database: Database, account: Account, version: int) -> bool:
    return await Connections(database).delete(replace(account.unused, version=version), an_event(account.user))


async def change_a_rule(database: Database, account: Account, version: int) -> bool:
    before, after = (True, version), (False, version + 1)
    return await Connections(database).write_rule(account.tenant, account.rule, before, after, an_event(account.user))


OF_TENANT = [change_a_role, delete_a_role, change_a_connection, delete_a_connection, change_a_rule]


@pytest.mark.parametrize("write", OF_TENANT, ids=lambda write: write.__name__)
async def test_change_of_an_outdated_version_is_not_written(
    database: Database, write: Callable[[Database, Account, int], Awaitable[bool]]
) -> None:
    account = await stored_account(database)
    stored = await contents(database, account.tenant)
    for version in (0, 2):
        assert not await write(database, account, version)
        assert await contents(database, account.tenant) == stored
    assert await write(database, account, 1)
    # Now it has another version.
    assert not await write(database, account, 1)


# ---------------------------------------------------------------- passwords


async def set_password(database: Database, account: Account, given: SetPassword) -> None:
    async with database.transaction() as session:
        await write_beside(database, session, account.user, [given])


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_password_of_an_outdated_version_is_not_set(database: Database, version: int) -> None:
    account = await stored_account(database)
    await set_password(database, account, SetPassword("theirs", 1))
    theirs = await contents(database, account.tenant)
    with pytest.raises(Refused) as refused:
        await set_password(database, account, SetPassword("mine", version))
    assert refused.value.code is ErrorCode.CONTENDED
    assert await contents(database, account.tenant) == theirs


async def test_hash_is_upgraded_unless_another_one_was_set(database: Database) -> None:
    account = await stored_account(database)
    passwords, one = Passwords(database), (account.tenant, account.user.id)
    await passwords.upgrade(*one, "another", "mine")
    assert await hash_of(passwords, one) == "$2b$old"
    await passwords.upgrade(*one, "$2b$old", "mine")
    assert await hash_of(passwords, one) == "mine"


async def hash_of(passwords: Passwords, one: tuple[str, Any]) -> str | None:
    found = await passwords.find(*one)
    return found and found.hash


async def test_bcrypt_hash_is_told_from_other_hashes(database: Database) -> None:
    account = await stored_account(database)
    passwords, one = Passwords(database), (account.tenant, account.user.id)
    assert await passwords.any_bcrypt(account.tenant) == "$2b$old"
    await passwords.upgrade(*one, "$2b$old", "$argon2id$")
    assert await passwords.any_bcrypt(account.tenant) is None

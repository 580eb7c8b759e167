"""Every write of a profile or credential compares the version that it read with the stored one, on a real mongod.

A write of an outdated version changes no document of the tenant.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from app.domain.commits import Commit, ProfileWrite
from app.domain.devices import PutDevice, RevokeDevices, UnlinkDevice
from app.domain.filters import Eq
from app.domain.logins import ForgetFailures, IdempotencyRecord, PutIdempotencyRecord
from app.domain.passwords import SetPassword
from app.domain.times import now
from app.domain.users import Identity, User
from app.store.commits import Commits
from app.store.connections import ConnectionStore
from app.store.database import Database, new_id
from app.store.errors import Conflict, Gone, Taken
from app.store.passwords import CredentialStore
from app.store.roles import RoleStore
from app.store.side_effects import write_side_effects
from app.store.users import UserStore
from tests.store.accounts import Account, contents, is_written, new_event, stored_account, write

Write = Callable[[Database, Account], Awaitable[bool]]


async def change_a_user(database: Database, account: Account) -> bool:
    return await write(database, account.user, replace(account.user, version=2, name="mine"))


async def commit_a_user_without_change(database: Database, account: Account) -> bool:
    """A commit that has only side effects is checked, too."""
    return await write(database, account.user, account.user, RevokeDevices())


async def write_a_login(database: Database, account: Account) -> bool:
    after = replace(account.user, version=2, name="mine")
    record = IdempotencyRecord(account.tenant, "app", "new", "hash", account.user.id, False, new_id(), now())
    device = replace(account.device, id=new_id(), device_id="new")
    side_effects = (PutIdempotencyRecord(record), PutDevice(device), ForgetFailures())
    return await write(database, account.user, after, *side_effects, increments={"logins_count": 1})


async def write_two(database: Database, *users: User) -> bool:
    pairs = tuple(ProfileWrite(each, replace(each, version=2, name="mine")) for each in users)
    await Commits(database).execute(Commit(pairs, (new_event(users[0]),)))
    return True


async def write_the_first_of_two(database: Database, account: Account) -> bool:
    return await write_two(database, account.user, account.linked)


async def write_the_second_of_two(database: Database, account: Account) -> bool:
    """The write of the first profile is undone."""
    return await write_two(database, account.linked, account.user)


async def delete_an_account(database: Database, account: Account) -> bool:
    return await write(database, account.user, None)


async def erase_an_account(database: Database, account: Account) -> bool:
    return await write(database, account.user, None, erase=True)


WRITES: list[Write] = [
    change_a_user,
    commit_a_user_without_change,
    write_a_login,
    write_the_first_of_two,
    write_the_second_of_two,
    delete_an_account,
    erase_an_account,
]


@pytest.mark.parametrize("attempt", WRITES, ids=lambda attempt: attempt.__name__)
async def test_write_of_an_outdated_version_changes_nothing(database: Database, attempt: Write) -> None:
    account = await stored_account(database)
    assert await write(database, account.user, replace(account.user, version=2, name="theirs"))
    theirs = await contents(database, account.tenant)
    with pytest.raises(Conflict):
        await attempt(database, account)
    assert await contents(database, account.tenant) == theirs


@pytest.mark.parametrize("attempt", WRITES, ids=lambda attempt: attempt.__name__)
async def test_write_of_the_current_version_is_stored(database: Database, attempt: Write) -> None:
    account = await stored_account(database)
    before = await contents(database, account.tenant)
    assert await attempt(database, account)
    assert len((await contents(database, account.tenant))["log_events"]) == len(before["log_events"]) + 1


@pytest.mark.parametrize("attempt", WRITES, ids=lambda attempt: attempt.__name__)
async def test_write_of_a_deleted_profile_changes_nothing(database: Database, attempt: Write) -> None:
    account = await stored_account(database)
    assert await delete_an_account(database, account)
    theirs = await contents(database, account.tenant)
    with pytest.raises(Conflict):
        await attempt(database, account)
    assert await contents(database, account.tenant) == theirs


def new_profile(account: Account, handle: str) -> User:
    """Returns a profile that is not stored, of the connection of the account."""
    identity = Identity(provider="auth0", connection=account.connection.name, user_id=handle)
    own: dict[str, Any] = {"id": new_id(), "user_id": f"auth0|{handle}", "email": f"{handle}@example.com"}
    return replace(account.user, identities=(identity,), **own)


@pytest.mark.parametrize("kind", ["creation", "change", "side effects alone", "deletion"])
async def test_commit_with_a_refused_side_effect_changes_nothing(database: Database, kind: str) -> None:
    """The profile, the event and the earlier side effects are undone."""
    account = await stored_account(database)
    stored = await contents(database, account.tenant)
    before, after = {
        "creation": (None, new_profile(account, "new")),
        "change": (account.user, replace(account.user, version=2, name="mine")),
        "side effects alone": (account.user, account.user),
        "deletion": (account.user, None),
    }[kind]
    with pytest.raises(Gone):
        await write(database, before, after, RevokeDevices(), UnlinkDevice("unknown"))
    assert await contents(database, account.tenant) == stored


async def test_created_profile_is_stored_with_its_event(database: Database) -> None:
    account = await stored_account(database)
    profile = new_profile(account, "new")
    assert await write(database, None, profile)
    assert await UserStore(database).find(account.tenant, Eq("_id", profile.id)) == profile
    [event] = await database["log_events"].find({"tenant": account.tenant, "user": profile.id}).to_list(None)
    assert event["user_id"] == "auth0|new"


async def test_profile_of_a_missing_connection_is_not_created(database: Database) -> None:
    account = await stored_account(database)
    stored = await contents(database, account.tenant)
    identity = Identity(provider="auth0", connection="gone", user_id="new")
    for profile in (
        replace(new_profile(account, "new"), identities=(identity,)),
        replace(new_profile(account, "new"), tenant="other"),
    ):
        with pytest.raises(Gone):
            await write(database, None, profile)
    assert await contents(database, account.tenant) == stored


async def test_profile_with_a_key_of_another_one_is_not_written(database: Database) -> None:
    account = await stored_account(database)
    profile, other = new_profile(account, "new"), new_profile(account, "other")
    await write(database, None, other)
    stored = await contents(database, account.tenant)
    for taken in ({"email": account.user.email}, {"user_id": account.user.user_id}):
        with pytest.raises(Taken):
            await write(database, None, replace(profile, **taken))
    with pytest.raises(Taken):
        await write(database, account.user, replace(account.user, version=2, email=other.email))
    assert await contents(database, account.tenant) == stored


async def test_duplicate_of_another_kind_is_not_reported_as_taken(database: Database) -> None:
    account = await stored_account(database)
    event, after = new_event(account.user), replace(account.user, version=2, name="mine")
    with pytest.raises(DuplicateKeyError):
        await Commits(database).execute(Commit((ProfileWrite(account.user, after),), (event, event)))


async def test_concurrent_logins_are_all_counted(database: Database) -> None:
    """Both logins read the same profile, and neither changes its version."""
    account, earlier, later = await stored_account(database), now() - timedelta(hours=1), now()
    for at in (later, earlier):
        after = replace(account.user, logins_count=1, last_login=at)
        await write(database, account.user, after, increments={"logins_count": 1}, maximum=("last_login",))
    found = await UserStore(database).find(account.tenant, Eq("_id", account.user.id))
    assert found
    assert (found.logins_count, found.last_login) == (2, later)


# ---------------------------------------------------------------- what belongs to a tenant


async def change_a_role(database: Database, account: Account, version: int) -> bool:
    before = replace(account.role, version=version)
    after = replace(before, description="mine", version=version + 1)
    return await is_written(RoleStore(database).replace(before, after, new_event(account.user)))


async def delete_a_role(database: Database, account: Account, version: int) -> bool:
    return await is_written(RoleStore(database).delete(replace(account.role, version=version), new_event(account.user)))


async def change_a_connection(database: Database, account: Account, version: int) -> bool:
    before = replace(account.unused, version=version)
    after = replace(before, import_mode=True, version=version + 1)
    return await is_written(ConnectionStore(database).write(before, after, new_event(account.user)))


async def delete_a_connection(database: Database, account: Account, version: int) -> bool:
    connections, before = ConnectionStore(database), replace(account.unused, version=version)
    return await is_written(connections.delete(before, new_event(account.user)))


async def change_a_rule(database: Database, account: Account, version: int) -> bool:
    before, after = (True, version), (False, version + 1)
    connections, event = ConnectionStore(database), new_event(account.user)
    return await is_written(connections.write_rule(account.tenant, account.rule, before, after, event))


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
    # The object has another version now.
    assert not await write(database, account, 1)


# ---------------------------------------------------------------- passwords


async def set_password(database: Database, account: Account, given: SetPassword) -> None:
    async with database.transaction() as session:
        await write_side_effects(database, session, account.user, [given])


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_password_of_an_outdated_version_is_not_set(database: Database, version: int) -> None:
    account = await stored_account(database)
    await set_password(database, account, SetPassword("theirs", 1))
    theirs = await contents(database, account.tenant)
    with pytest.raises(Conflict):
        await set_password(database, account, SetPassword("mine", version))
    assert await contents(database, account.tenant) == theirs


async def test_hash_is_upgraded_unless_another_one_was_set(database: Database) -> None:
    account = await stored_account(database)
    passwords, one = CredentialStore(database), (account.tenant, account.user.id)
    await passwords.upgrade(*one, "another", "mine")
    assert await hash_of(passwords, one) == "$2b$old"
    await passwords.upgrade(*one, "$2b$old", "mine")
    assert await hash_of(passwords, one) == "mine"


async def hash_of(passwords: CredentialStore, one: tuple[str, Any]) -> str | None:
    found = await passwords.find(*one)
    return found.hash if found else None


async def test_bcrypt_hashes_are_distinguished_from_others(database: Database) -> None:
    account = await stored_account(database)
    passwords, one = CredentialStore(database), (account.tenant, account.user.id)
    assert await passwords.find_any_bcrypt_hash(account.tenant) == "$2b$old"
    await passwords.upgrade(*one, "$2b$old", "$argon2id$")
    assert await passwords.find_any_bcrypt_hash(account.tenant) is None

"""Deleting and erasing an account: which documents are removed, on a real mongod."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.commits import Commit, ProfileWrite
from app.store.commits import Commits
from app.store.database import Database, new_id
from app.store.erasure import identifiers_in_history
from app.store.users import to_document
from tests.store.accounts import IP, Account, contents, new_event, stored_account, write

# Collections with documents of a user, which are deleted with the account. The history is kept.
KEPT = (
    "credentials",
    "devices",
    "grants",
    "login_failures",
    "login_keys",
    "mails",
    "mfa_enrollments",
    "password_changes",
    "tickets",
)


async def add_bystander(database: Database, account: Account) -> dict[str, list[dict[str, Any]]]:
    """Adds another user of the tenant with the same kinds of documents. Returns the documents."""
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


async def test_event_of_an_erasure_is_erased_itself(database: Database) -> None:
    account = await stored_account(database)
    commit = Commit((ProfileWrite(account.user, None, erase=True),), (new_event(account.user, ip=IP, reason="mine"),))
    await Commits(database).execute(commit)
    stored = await database["log_events"].find_one({"_id": commit.events[0].id})
    assert set(stored) == {"_id", "tenant", "type", "date", "recorded_at", "user"}


@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize("of_linked", [False, True])
async def test_deletion_removes_the_documents_of_the_account(database: Database, of_linked: bool, erase: bool) -> None:
    account = await stored_account(database, of_linked)
    others = await add_bystander(database, account)
    assert await write(database, account.user, None, erase=erase)
    left = await contents(database, account.tenant)
    for name in ("users", *KEPT):
        assert left[name] == others[name]
    assert others["log_events"][0] in left["log_events"]


@pytest.mark.parametrize("erase", [False, True])
async def test_deletion_stays_within_its_tenant(database: Database, erase: bool) -> None:
    """This is also true when a profile names an account of another tenant as linked."""
    account = await stored_account(database, of_linked=True)
    untouched = await contents(database, account.tenant)
    stray = replace(account.user, id=new_id(), tenant=f"{account.tenant}-other")
    await database["users"].insert_one(to_document(stray))
    assert await write(database, stray, None, erase=erase)
    assert await contents(database, account.tenant) == untouched


@pytest.mark.parametrize("of_linked", [False, True])
async def test_erasure_leaves_no_trace_of_the_person(database: Database, of_linked: bool) -> None:
    account = await stored_account(database, of_linked)
    before = (await contents(database, account.tenant))["log_events"]
    assert await write(database, account.user, None, erase=True)
    events = (await contents(database, account.tenant))["log_events"]
    # The newest event is that of the deletion itself. The caller writes its content.
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
    # The type and the time of each event are kept.
    kept = [(each["_id"], each["type"], each["date"]) for each in before]
    assert [(each["_id"], each["type"], each["date"]) for each in events[:-1]] == kept


async def test_erasure_looks_for_names_of_the_account_only(database: Database) -> None:
    """Names of other users, and names of the person in another tenant, are kept."""
    account = await stored_account(database)
    for stray in (account.in_tenant(f"{account.tenant}-other"), account.of_another_user()):
        async with database.transaction() as session:
            names = await identifiers_in_history(database, session, account.user)
            elsewhere = await identifiers_in_history(database, session, stray.user)
        assert "old@example.com" in names
        assert "old@example.com" not in elsewhere

"""Profiles of an older version get the fields of search, while the service goes on writing profiles."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.domain.commits import Commit, ProfileWrite
from app.domain.filters import Eq
from app.domain.search_terms import MAX_TERMS, SEARCH_VERSION
from app.store import search_migration
from app.store.commits import Commits
from app.store.database import Database
from app.store.search_migration import count_old_profiles, is_search_complete, migrate_search
from app.store.users import UserStore, from_document, to_document
from tests.store.profiles import new_user

DERIVED = ("is_linked", "search_version", "terms", "grams")


@pytest.fixture
async def database(mongod_url: str) -> AsyncIterator[Database]:
    """An empty database of its own, because a migration updates all profiles of a database."""
    database = Database.connect(mongod_url, f"m{uuid.uuid4().hex[:12]}")
    yield database
    await database.database.client.drop_database(database.database.name)
    database.close()


async def add_old_profile(database: Database, **fields: Any) -> Any:
    """A profile as a version without search stored it. Returns its `_id`."""
    document = to_document(new_user(**fields))
    for name in DERIVED:
        document.pop(name, None)
    await database["users"].insert_one(document)
    return document["_id"]


async def stored(database: Database, key: Any) -> dict[str, Any]:
    found: dict[str, Any] = await database["users"].find_one({"_id": key})
    return found


async def test_migration_derives_what_a_write_derives(database: Database) -> None:
    key = await add_old_profile(database, user_metadata={"lang": "fr"})
    assert not await is_search_complete(database)
    assert await count_old_profiles(database) == 1
    told: list[int] = []
    assert await migrate_search(database, told.append) == 1
    assert told == [1]
    found = await stored(database, key)
    assert found == to_document(from_document(found))
    assert "user_metadata.lang\0sfr" in found["terms"]
    assert await is_search_complete(database)
    assert await migrate_search(database) == 0


async def test_migration_never_writes_terms_of_an_older_state(database: Database, monkeypatch: Any) -> None:
    key = await add_old_profile(database, user_metadata={"lang": "fr"})
    write = search_migration._write
    changes: list[dict[str, Any]] = [{"version": 2, "user_metadata": {"lang": "de"}}, {"last_ip": "203.0.113.7"}]

    async def write_late(*arguments: Any) -> int:
        """A process of the older version changes the profile after it was read."""
        if changes:
            await database["users"].update_one({"_id": key}, {"$set": changes.pop()})
        return await write(*arguments)

    monkeypatch.setattr(search_migration, "_write", write_late)
    assert await migrate_search(database) == 1
    found = await stored(database, key)
    assert {"user_metadata.lang\0sde", "last_ip\0s203.0.113.7"} <= set(found["terms"])
    assert "user_metadata.lang\0sfr" not in found["terms"]


async def test_write_of_an_old_profile_sets_every_derived_field(database: Database) -> None:
    key = await add_old_profile(database, name="Jane")
    before = await UserStore(database).find("t", Eq("_id", key))
    assert before
    assert before.search_version == 0
    after = replace(before, nickname="jj", version=before.version + 1)
    await Commits(database).execute(Commit((ProfileWrite(before, after),)))
    found = await stored(database, key)
    assert found["search_version"] == SEARCH_VERSION
    assert found == to_document(from_document(found))


async def test_profile_with_too_many_terms_is_marked(database: Database) -> None:
    document = to_document(new_user(user_metadata={"numbers": list(range(MAX_TERMS))}))
    assert document["lacks_terms"]
    assert len(document["terms"]) == MAX_TERMS
    assert "name\0sjohn strasse" in document["terms"]
    assert "lacks_terms" not in to_document(new_user(user_metadata={"numbers": list(range(100))}))


@pytest.mark.parametrize("value", [{"a": {}}, {"a": [[]]}, {"a": [None]}])
def test_empty_values_have_only_existence(value: dict[str, Any]) -> None:
    terms = to_document(new_user(user_metadata=value))["terms"]
    assert [each for each in terms if each.startswith("user_metadata")] == ["user_metadata\0e", "user_metadata.a\0e"]


def test_linked_profile_has_no_terms() -> None:
    user = new_user()
    document = to_document(new_user(linked_to=user.id))
    assert document["is_linked"]
    assert not {"terms", "grams"} & set(document)

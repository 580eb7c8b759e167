"""Reads: which objects a caller gets, and which of their fields leave the database."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.domain.attributes.devices import DEVICE
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.devices import Device, DeviceType
from app.domain.errors import Forbidden, Unauthenticated
from app.domain.filters import ALL, Eq
from app.domain.ids import Key
from app.domain.kinds import Kind, Order
from app.domain.logs import FieldChange, LogEventType
from app.domain.paging import ListQuery, Page, PageRequest
from app.domain.principals import ActorKind, Principal
from app.domain.rows import Row
from app.domain.rules import ReadableRules
from app.domain.selections import Selection
from app.domain.times import now
from app.domain.users import Identity, User
from app.services.joins import Joins
from app.services.lists import Lists
from app.services.reads import Reads
from app.services.rows import Rows
from app.store.database import new_id
from app.store.inserts import record_of
from app.store.records import Records
from app.store.snapshots import Snapshots
from app.store.token_cipher import TokenCipher
from tests.world import World

CIPHER = TokenCipher("secret")
NAME: Selection = {"name": {}}
METADATA: Selection = {"name": {}, "app_metadata": {}}
REQUEST = PageRequest(10)
USERS = ListQuery(USER, Order("created_at", -1))
EVENTS = ListQuery(LOG_EVENT, Order("date", -1))
DEVICES = ListQuery(DEVICE, Order("last_used_at", -1))


@dataclass(frozen=True)
class Stage:
    """John with a linked account, Jane, and the John of another tenant. Each of these four profiles has a device and an event."""

    reads: Reads
    lists: Lists
    world: World
    john: User
    linked: User
    jane: User
    stranger: User

    def user(self, *scopes: str, profile: User | None = None) -> Principal:
        user = self.john if profile is None else profile
        linked = tuple(each.origin for each in user.identities[1:] if each.origin)
        return Principal(user.tenant, user.user_id, ActorKind.USER, frozenset(scopes), profile=user.id, linked=linked)

    def application(self, *scopes: str) -> Principal:
        return Principal(self.world.tenant, "tool", ActorKind.APPLICATION, frozenset(scopes))

    async def row(self, principal: Principal, user: User) -> Row:
        row = await self.reads.get(principal, USER, Eq("_id", user.id), NAME)
        assert row
        return row


def link(row: Row, accounts: list[Key]) -> None:
    """The accounts become linked accounts of the row's profile."""
    row.record = {**row.record, "linked": accounts}


@pytest.fixture
async def stage(world: World) -> Stage:
    elsewhere = World(f"{world.tenant}-other", world.database, world.client, world.data_dir)
    sealed: dict[str, Any] = {"access_token": CIPHER.encrypt("secret token")}
    linked_id = new_id()
    own = Identity(provider="auth0", connection="db", user_id="john", **sealed)
    second = Identity(provider="auth0", connection="db", user_id="second", origin=linked_id)
    john = await world.add_user("john", identities=(own, second), app_metadata={"plan": "pro"})
    linked = await world.add_user("second", id=linked_id, linked_to=john.id)
    jane = await world.add_user("jane", app_metadata={"plan": "free"})
    stranger = await elsewhere.add_user("john")
    at = now()
    for user in (john, linked, jane, stranger):
        device = Device(
            id=new_id(),
            tenant=user.tenant,
            user=user.id,
            user_id=user.user_id,
            device_id=user.user_id,
            type=DeviceType.REFRESH_TOKEN,
            created_at=at,
            last_used_at=at,
        )
        await world.database["devices"].insert_one(record_of(device))
        await (elsewhere if user is stranger else world).add_event(
            user, LogEventType.APP_METADATA_UPDATED, changes=(FieldChange("app_metadata.plan", 1, 2),)
        )
        await (elsewhere if user is stranger else world).add_event(user)
    records = Records(world.database)
    rows = Rows(Joins(records, Snapshots(records), CIPHER))
    return Stage(Reads(records, rows), Lists(records, rows), world, john, linked, jane, stranger)


# ---------------------------------------------------------------- one


async def found(stage: Stage, principal: Principal, written: bool = False) -> set[str]:
    """Returns the names of the profiles that `get` returns to this caller."""
    profiles = {"john": stage.john, "linked": stage.linked, "jane": stage.jane, "stranger": stage.stranger}
    return {
        name
        for name, user in profiles.items()
        if await (stage.reads.get_written if written else stage.reads.get)(principal, USER, Eq("_id", user.id), NAME)
    }


async def test_user_gets_their_own_profile_only(stage: Stage) -> None:
    assert await found(stage, stage.user("read:current_user")) == {"john"}
    assert await found(stage, stage.user("read:current_user", profile=stage.jane)) == {"jane"}
    assert await found(stage, stage.user("read:users")) == {"john", "jane"}
    nobody = replace(stage.user("read:current_user"), profile=None, linked=())
    assert await found(stage, nobody) == set()


async def test_application_gets_profiles_of_its_tenant(stage: Stage) -> None:
    assert await found(stage, stage.application("read:users")) == {"john", "jane"}


async def test_reader_without_a_scope_is_refused(stage: Stage) -> None:
    for principal in (stage.application("read:current_user"), stage.user("read:logs"), stage.application()):
        with pytest.raises(Forbidden):
            await stage.reads.get(principal, USER, Eq("_id", stage.john.id), NAME)
        with pytest.raises(Forbidden):
            await stage.reads.find(principal, USER, Eq("_id", stage.john.id), NAME)
    with pytest.raises(Unauthenticated):
        await stage.reads.get(None, USER, Eq("_id", stage.john.id), NAME)
    with pytest.raises(Unauthenticated):
        await stage.reads.find(None, USER, Eq("_id", stage.john.id), NAME)


async def test_writer_gets_the_profile_without_its_fields(stage: Stage) -> None:
    writer = stage.application("update:users")
    assert await found(stage, writer, written=True) == {"john", "jane"}
    row = await stage.reads.get_written(writer, USER, Eq("_id", stage.john.id), METADATA)
    assert row
    assert set(row.record) == {"_id"}


async def ids(reads: Reads, principal: Principal, kind: Kind) -> set[Any]:
    """Returns the owners of the objects that `find` returns, when all objects are requested."""
    rows = await reads.find(principal, kind, ALL, {})
    assert kind.owner
    return {row.record[kind.owner] for row in rows}


@pytest.mark.parametrize(("kind", "scope"), [(DEVICE, "read:device_credentials"), (LOG_EVENT, "read:logs_users")])
async def test_found_objects_are_the_readers_or_of_the_tenant(stage: Stage, kind: Kind, scope: str) -> None:
    john, linked, jane = stage.john.id, stage.linked.id, stage.jane.id
    assert await ids(stage.reads, stage.user("read:current_user"), kind) == {john, linked}
    assert await ids(stage.reads, stage.user("read:current_user", profile=stage.jane), kind) == {jane}
    assert await ids(stage.reads, stage.user(scope), kind) == {john, linked, jane}
    assert await ids(stage.reads, stage.application(scope), kind) == {john, linked, jane}
    nobody = replace(stage.user("read:current_user"), profile=None, linked=())
    assert await stage.reads.find(nobody, kind, ALL, {}) == []


async def test_event_about_no_user_needs_read_logs(stage: Stage) -> None:
    """An example is the event of a changed role. `read:logs_users` allows to read events about users only."""
    event = await stage.world.add_event(None, LogEventType.ROLE_CREATED, reason="because")
    for principal, expected in (
        (stage.application("read:logs"), [event]),
        (stage.application("read:logs_users"), []),
        (stage.user("read:logs", "read:current_user"), [event]),
        (stage.user("read:logs_users", "read:current_user"), []),
        (stage.user("read:current_user"), []),
    ):
        rows = await stage.reads.find(principal, LOG_EVENT, Eq("_id", event), {})
        assert [row.record["_id"] for row in rows] == expected
        assert (await stage.reads.get(principal, LOG_EVENT, Eq("_id", event), {}) is not None) == bool(expected)


async def test_linked_accounts_are_not_found_as_profiles(stage: Stage) -> None:
    assert await ids(stage.reads, stage.user("read:current_user"), USER) == {stage.john.id}
    assert await ids(stage.reads, stage.application("read:users"), USER) == {stage.john.id, stage.jane.id}


# ---------------------------------------------------------------- fields


FIELDS = [
    (("read:current_user",), False, {"_id", "name"}),
    (("read:current_user", "read:users_app_metadata"), False, {"_id", "name"}),
    (("read:users",), True, {"_id", "name"}),
    (("read:users_app_metadata", "read:users"), True, {"_id", "name", "app_metadata"}),
]


@pytest.mark.parametrize(("scopes", "is_application", "expected"), FIELDS)
async def test_refused_field_is_not_readable(
    stage: Stage, scopes: tuple[str, ...], is_application: bool, expected: set[str]
) -> None:
    principal = stage.application(*scopes) if is_application else stage.user(*scopes)
    row = await stage.reads.get(principal, USER, Eq("_id", stage.john.id), METADATA)
    assert row
    assert {"_id", *(name for name in METADATA if row.may_read(name))} == expected
    if is_application:
        assert set(row.record) == expected


async def test_own_app_metadata_is_refused_in_a_list(stage: Stage) -> None:
    """The token may read the app_metadata of other users."""
    principal = stage.user("read:users", "read:current_user", "read:users_app_metadata", "read:user_idp_tokens")
    rows = {row.record["_id"]: row for row in await stage.reads.find(principal, USER, ALL, METADATA)}
    assert rows[stage.jane.id].read("app_metadata") == {"plan": "free"}
    with pytest.raises(Forbidden):
        rows[stage.john.id].read("app_metadata")
    viewer = await stage.reads.viewer(principal, Eq("_id", stage.john.id), METADATA)
    assert viewer
    assert "app_metadata" not in viewer.record
    with pytest.raises(Forbidden):
        viewer.read("app_metadata")


async def test_provider_token_is_decrypted_for_allowed_readers(stage: Stage) -> None:
    asked: Selection = {"identities": {"access_token": {}}}
    where = Eq("_id", stage.john.id)
    row = await stage.reads.get(stage.application("read:users", "read:user_idp_tokens"), USER, where, asked)
    assert row
    assert row.read("identities")[0].read("access_token") == "secret token"
    for principal in (stage.application("read:users"), stage.user("read:current_user", "read:user_idp_tokens")):
        row = await stage.reads.get(principal, USER, where, asked)
        assert row
        with pytest.raises(Forbidden):
            row.read("identities")[0].read("access_token")


# ---------------------------------------------------------------- lists


def owners(page: Page | Any, field: str) -> set[Any]:
    return {row.record[field] for row in page.nodes}


async def test_list_of_users_is_of_one_tenant(stage: Stage) -> None:
    for principal in (stage.application("read:users"), stage.user("read:users")):
        page = await stage.lists.page(principal, USERS, REQUEST, NAME, count=True)
        assert owners(page, "_id") == {stage.john.id, stage.jane.id}
        assert page.total_count
        assert page.total_count.value == 2


@pytest.mark.parametrize(
    ("query", "scope"), [(USERS, "read:current_user"), (EVENTS, "read:logs_users"), (EVENTS, "read:current_user")]
)
async def test_list_is_refused_without_its_scope(stage: Stage, query: ListQuery, scope: str) -> None:
    for principal in (stage.user(scope), stage.application(scope)):
        with pytest.raises(Forbidden):
            await stage.lists.page(principal, query, REQUEST, {})
    with pytest.raises(Unauthenticated):
        await stage.lists.page(None, query, REQUEST, {})


async def test_list_of_events_omits_events_without_readable_changes(stage: Stage) -> None:
    """Each profile has an event that changes app_metadata only, and one without changes."""
    page = await stage.lists.page(stage.application("read:logs"), EVENTS, REQUEST, {}, count=True)
    assert (len(page.nodes), page.total_count and page.total_count.value) == (3, 3)
    every = stage.application("read:logs", "read:users", "read:users_app_metadata")
    assert len((await stage.lists.page(every, EVENTS, REQUEST, {})).nodes) == 6
    user = stage.user("read:logs", "read:users", "read:users_app_metadata")
    page = await stage.lists.page(user, EVENTS, REQUEST, {})
    assert [row.record["user"] for row in page.nodes].count(stage.john.id) == 1
    assert [row.record["user"] for row in page.nodes].count(stage.jane.id) == 2


@pytest.mark.parametrize("query", [EVENTS, DEVICES], ids=["events", "devices"])
async def test_pages_of_owners_contain_the_objects_of_each(stage: Stage, query: ListQuery) -> None:
    principal = stage.application("read:users", "read:logs", "read:device_credentials")
    rows = [await stage.row(principal, each) for each in (stage.john, stage.jane)]
    for row in rows:
        link(row, [stage.linked.id] if row.record["_id"] == stage.john.id else [])
    expected = [{stage.john.id, stage.linked.id}, {stage.jane.id}]
    together = await stage.lists.pages(principal, rows, query, REQUEST, {}, count=True)
    alone = [(await stage.lists.pages(principal, [row], query, REQUEST, {}, count=True))[0] for row in rows]
    for pages in (together, alone):
        assert [owners(page, "user") for page in pages] == expected
        for page, owned in zip(pages, expected, strict=True):
            assert isinstance(page, Page)
            assert page.total_count
            assert page.total_count.value == len(page.nodes) == len(owned)


async def test_pages_of_owners_omit_events_without_readable_changes(stage: Stage) -> None:
    user = stage.user("read:current_user", "read:users", "read:users_app_metadata", "read:logs_users")
    rows = [await stage.row(user, each) for each in (stage.john, stage.jane)]
    link(rows[0], [stage.linked.id])
    together = await stage.lists.pages(user, rows, EVENTS, REQUEST, {})
    alone = [(await stage.lists.pages(user, [row], EVENTS, REQUEST, {}))[0] for row in rows]
    for pages in (together, alone):
        assert [len(page.nodes) for page in pages if isinstance(page, Page)] == [2, 2]


async def test_owned_objects_belong_to_each_owner(stage: Stage) -> None:
    principal = stage.application("read:users", "read:device_credentials")
    rows = [await stage.row(principal, each) for each in (stage.john, stage.jane)]
    link(rows[0], [stage.linked.id])
    found = await stage.lists.owned(principal, rows, DEVICE, {})
    assert [{row.record["user"] for row in each} for each in found] == [
        {stage.john.id, stage.linked.id},
        {stage.jane.id},
    ]
    stranger = Row(USER, {"_id": stage.stranger.id}, ReadableRules())
    assert await stage.lists.owned(principal, [stranger], DEVICE, {}) == [[]]


async def test_owned_events_omit_events_without_readable_changes(stage: Stage) -> None:
    principal = stage.application("read:users", "read:logs_users")
    john = await stage.row(principal, stage.john)
    [events] = await stage.lists.owned(principal, [john], LOG_EVENT, {})
    assert len(events) == 1


async def test_written_event_without_readable_changes_is_omitted(stage: Stage) -> None:
    principal = stage.application("read:users", "read:logs_users")
    found = await stage.world.database["log_events"].find({"tenant": stage.world.tenant}).to_list(None)
    given = [await stage.reads.get_written(principal, LOG_EVENT, Eq("_id", each["_id"]), {}) for each in found]
    assert [row is not None for row in given] == ["roots" not in each for each in found]


async def test_viewer_is_a_profile_of_the_tenant_not_linked_away(stage: Stage) -> None:
    principal = stage.user("read:current_user")
    for user, expected in [(stage.john, True), (stage.linked, False), (stage.stranger, False)]:
        assert (await stage.reads.viewer(principal, Eq("_id", user.id), NAME) is not None) == expected


async def test_joined_roles_belong_to_the_tenant_of_the_profile(stage: Stage) -> None:
    """The document names a role of another tenant."""
    elsewhere = World(stage.stranger.tenant, stage.world.database, stage.world.client, stage.world.data_dir)
    role, foreign = await stage.world.add_role("Editor"), await elsewhere.add_role("Editor")
    await stage.world.add_role("Owner")
    await stage.world.database["users"].update_one(
        {"_id": stage.john.id}, {"$set": {"role_ids": [role, foreign, new_id()]}}
    )
    row = await stage.reads.get(
        stage.application("read:users"), USER, Eq("_id", stage.john.id), {"roles": {"role_id": {}}}
    )
    assert row
    assert [each.record["_id"] for each in row.read("roles")] == [role]

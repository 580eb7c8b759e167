"""A cursor is valid for one list only. Every other list of the API refuses it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema

from app.domain.devices import Device, DeviceType
from app.domain.logs import LogEventType
from app.domain.times import format_time, now
from app.store.database import new_id
from app.store.inserts import record_of
from tests.world import World

AT = now()
SCHEMA = (Path(__file__).parents[2] / "schema.graphql").read_text()
USERS = ['user(by: {userId: "auth0|john"})', 'user(by: {userId: "auth0|jane"})']
PAGING = ("first", "after", "last", "before")
ROLES = ['role(roleId: "rol_editor")', 'role(roleId: "rol_owner")']
PERIODS = ["since: $since", "until: $until", "since: $since, until: $until"]
TYPES = [
    "types: [LOGIN_SUCCEEDED]",
    "types: [LOGIN_SUCCEEDED, USER_BLOCKED]",
    "since: $since, types: [LOGIN_SUCCEEDED]",
]
# Every order and filter of users, each of which finds a user and is a list of its own.
SEARCHES = [
    "orderBy: {by: CREATED_AT, direction: ASC}",
    "orderBy: {by: NAME, direction: ASC}",
    "orderBy: {by: NAME, direction: DESC}",
    'query: "john OR jane"',
    'query: "blocked:false"',
    'query: "blocked:false", orderBy: {by: NAME}',
    'where: {name: {startsWith: "j"}}',
    'query: "blocked:false", where: {name: {startsWith: "j"}}',
]
# For each field that is a list: its objects, and every way to filter it.
LISTS: dict[str, tuple[list[str], list[str]]] = {
    "Query.users": ([""], ["", *SEARCHES]),
    "Query.roles": ([""], ["", 'nameContains: "e"', 'nameContains: "edit"']),
    "Query.logEvents": ([""], ["", *PERIODS]),
    "Role.users": (ROLES, [""]),
    "User.devices": (USERS, [""]),
    "User.logEvents": (USERS, ["", *PERIODS, *TYPES]),
}


@dataclass(frozen=True)
class List:
    owner: str
    field: str
    filters: str

    def ask(self, *paging: str) -> str:
        arguments = ", ".join(each for each in ("first: 5", self.filters, *paging) if each)
        asked = f"{self.field}({arguments}) {{ pageInfo {{ endCursor }} }}"
        return f"{self.owner} {{ {asked} }}" if self.owner else asked


EVERY_LIST = [
    List(owner, name.partition(".")[2], filters)
    for name, (owners, variants) in LISTS.items()
    for owner in owners
    for filters in variants
]


def test_every_list_of_the_schema_is_tried() -> None:
    fields = {
        f"{type_.name}.{name}": field
        for type_ in build_schema(SCHEMA).type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if "after" in field.args
    }
    assert set(fields) == set(LISTS)
    for name, field in fields.items():
        tried = " ".join(LISTS[name][1])
        assert all(f"{each}:" in tried for each in field.args if each not in PAGING), name


@pytest.fixture
async def filled(world: World) -> World:
    """A tenant in which every list has items."""
    roles = [await world.add_role(name) for name in ("Editor", "Owner")]
    for handle in ("john", "jane"):
        user = await world.add_user(handle, role_ids=tuple(roles))
        await world.add_event(user, LogEventType.LOGIN_SUCCEEDED)
        device = Device(
            id=new_id(),
            tenant=world.tenant,
            user=user.id,
            user_id=user.user_id,
            device_id=handle,
            type=DeviceType.REFRESH_TOKEN,
            created_at=now(),
            last_used_at=now(),
        )
        await world.database["devices"].insert_one(record_of(device))
    return world


async def ask_all(world: World, after: str | None = None) -> tuple[dict[int, Any], dict[int, str]]:
    """Returns answers and codes of errors by the number of the list. An operation may have 20 root fields."""
    hour = timedelta(hours=1)
    variables = {"since": format_time(AT - hour), "until": format_time(AT + hour), "after": after}
    found: dict[int, Any] = {}
    errors: dict[int, str] = {}
    for start in range(0, len(EVERY_LIST), 20):
        some = dict(enumerate(EVERY_LIST[start : start + 20], start))
        fields = " ".join(f"x{number}: {each.ask('after: $after')}" for number, each in some.items())
        query = f"query($since: DateTime, $until: DateTime, $after: String) {{ {fields} }}"
        answer = (await world.post(query, world.application_token(), **variables)).json()
        found |= {number: answer["data"][f"x{number}"] for number in some}
        errors |= {int(each["path"][0][1:]): each["extensions"]["code"] for each in answer.get("errors", ())}
    return found, errors


async def test_cursor_of_any_list_is_refused_by_every_other(filled: World) -> None:
    found, errors = await ask_all(filled)
    assert errors == {}
    cursors = {number: page_of(answer)["endCursor"] for number, answer in found.items()}
    assert None not in cursors.values()
    for number, cursor in cursors.items():
        _, errors = await ask_all(filled, cursor)
        assert errors == dict.fromkeys(cursors.keys() - {number}, "BAD_USER_INPUT"), EVERY_LIST[number]


def page_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Returns the connection of the list. The list is a root field, or the only list in the object that has it."""
    return answer["pageInfo"] if "pageInfo" in answer else page_of(next(iter(answer.values())))


async def test_cursor_is_valid_for_an_equal_filter(filled: World) -> None:
    token = filled.application_token()
    for owner, field, one, other in (
        ("", "users", 'query: "blocked:false AND john*"', 'query: "JOHN* (blocked:false)"'),
        ("", "users", 'query: "name:jane*"', 'where: {name: {startsWith: "JANE"}}'),
        ("", "roles", 'nameContains: "edit"', 'nameContains: "EDIT"'),
        (USERS[0], "logEvents", "types: [LOGIN_SUCCEEDED, USER_BLOCKED]", "types: [USER_BLOCKED, LOGIN_SUCCEEDED]"),
    ):
        page = (await filled.ask(f"{{ x: {List(owner, field, one).ask()} }}", token))["x"]
        asked = List(owner, field, other).ask(f'after: "{page_of(page)["endCursor"]}"')
        assert page_of((await filled.ask(f"{{ x: {asked} }}", token))["x"])["endCursor"] is None


async def test_cursor_of_a_default_period_is_valid_later(filled: World) -> None:
    """Without `since`, the beginning of `User.logEvents` moves with the clock. The cursor stays valid."""
    token = filled.application_token()
    page = (await filled.ask(f"{{ x: {List(USERS[0], 'logEvents', '').ask()} }}", token))["x"]
    asked = List(USERS[0], "logEvents", "").ask(f'after: "{page_of(page)["endCursor"]}"')
    assert page_of((await filled.ask(f"{{ x: {asked} }}", token))["x"])["endCursor"] is None

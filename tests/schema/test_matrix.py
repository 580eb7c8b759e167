"""The authorization matrix: every field and mutation, for every scope, as each kind of caller.

The expected table is written by hand. When any one rule of the service changes, the answers differ from the table.
"""

from typing import Any

import pytest

from app.directives import declared
from app.domain import rules
from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.devices import DEVICE
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.attributes.grants import GRANT
from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.ids import encode_id
from app.domain.logs import Actor, FieldChange, LogEventType
from app.domain.rules import READING, WRITING, Rule
from app.domain.scopes import Scope
from app.policy import rules as policy
from app.schema.authorized import Authorized, authorized, authorized_of
from tests.graphql_schema import fields_of, object_types
from tests.schema.matrix.callers import APPLICATION, CALLERS, PARENT_SCOPES, SCOPE_SETS, SELF, WRITING_SETS, Tenants
from tests.schema.matrix.comparison import (
    READ,
    differences_in_other_mutations,
    differences_in_reading,
    differences_in_writing,
)
from tests.schema.matrix.mutations import ALL_MUTATIONS, OTHER_MUTATIONS
from tests.schema.matrix.table import NEVER, OPEN, OPEN_OF_USER, OPEN_TYPES, RECENT_SIGN_IN, TABLE, alternatives
from tests.world import World, codes


def test_every_field_is_in_the_table_or_open() -> None:
    for type_ in object_types():
        for name, field in type_.fields.items():
            what = f"{type_.name}.{name}"
            printed = authorized_of(type_, field)
            if what in TABLE:
                assert printed is not None, what
                scopes, on_oneself = TABLE[what]
                assert printed.scopes == alternatives(scopes), what
                assert (printed.self_ if isinstance(printed.self_, list) else None) == alternatives(on_oneself), what
            else:
                assert printed is None or printed.scopes == [[]], what
                assert what in OPEN or type_.name in OPEN_TYPES, what


@pytest.mark.parametrize(
    "kind", [USER, IDENTITY, ROLE, CONNECTION, DEVICE, LOG_EVENT, GRANT, ENROLLMENT], ids=lambda kind: kind.name
)
def test_attribute_table_and_graphql_type_agree(kind: Any) -> None:
    fields = fields_of(kind.name)
    names = {field.extensions["strawberry-definition"].python_name: name for name, field in fields.items()}
    assert set(names) == set(kind.attributes)
    for attribute in kind.attributes.values():
        assert (attribute.read is not None) == (f"{kind.name}.{names[attribute.name]}" in TABLE)


def in_words(text: str) -> str:
    return text.replace("+", " and ").replace(",", " or ")


async def test_description_of_each_field_ends_with_its_rule(world: World) -> None:
    query = "{ __schema { types { name fields { name description } } } }"
    described = {
        f"{type_['name']}.{field['name']}": field["description"] or ""
        for type_ in (await world.ask(query))["__schema"]["types"]
        for field in type_["fields"] or ()
    }
    for what, (scopes, on_oneself) in TABLE.items():
        own = {None: ".", NEVER: ". Not allowed on your own profile."}.get(on_oneself)
        if own is None:
            own = f", or {in_words(on_oneself or '')} on your own profile."
            own += " Your own profile also needs a recent sign-in." if what.partition(".")[2] in RECENT_SIGN_IN else ""
        assert described[what].endswith(f"Requires {in_words(scopes)}{own}"), what
    assert not [what for what, text in described.items() if "Requires " in text and what not in TABLE]


def test_field_prints_its_rule_only_if_it_differs_from_its_type() -> None:
    rules = {type_.name: declared(type_, Authorized) for type_ in object_types()}
    assert [name for name, rule in rules.items() if rule is not None] == ["User"]
    own = {name: declared(field, Authorized) for name, field in fields_of("User").items()}
    assert rules["User"] not in own.values()
    opened = {name for name, rule in own.items() if rule is not None and rule.scopes == [[]]}
    assert opened == OPEN_OF_USER


async def test_reading_follows_the_authorization_table(tenants: Tenants) -> None:
    assert await differences_in_reading(tenants, CALLERS, SCOPE_SETS) == []


async def test_writing_agrees_with_the_table(tenants: Tenants) -> None:
    assert await differences_in_writing(tenants, CALLERS, WRITING_SETS) == []


async def test_other_mutations_agree_with_the_table(tenants: Tenants) -> None:
    here = tuple(each for each in CALLERS if each.is_in_tenant)
    assert await differences_in_other_mutations(tenants, here, SCOPE_SETS) == []


async def test_request_without_a_token_is_refused(tenants: Tenants) -> None:
    id = encode_id("User", tenants.john.id)
    for operation in (READ, *ALL_MUTATIONS.values()):
        answer = await tenants.world.post(operation, id=id)
        assert answer.status_code == 401
        assert "data" not in answer.json()
        assert codes(answer) == ["UNAUTHENTICATED"]
    # In a request with a field that needs no token, each other field is refused separately.
    answer = await tenants.world.post(READ.replace("{", "{ public: __typename ", 1), id=id)
    content = answer.json()
    assert answer.status_code == 200
    assert content["data"].pop("public") == "Query"
    assert set(content["data"].values()) == {None}
    assert {each["path"][0] for each in content["errors"]} == set(content["data"])
    assert set(codes(answer)) == {"UNAUTHENTICATED"}
    for name, mutation in ALL_MUTATIONS.items():
        answer = await tenants.world.post(mutation.replace("{", "{ public: __typename ", 1))
        assert answer.json()["data"] == {"public": "Mutation", name: None}
        assert codes(answer) == ["UNAUTHENTICATED"]
    assert (await tenants.world.stored(tenants.john))["version"] == 1


def guarded_by(rule: Rule) -> list[str]:
    """Returns the mutations that do not change a profile and print this rule."""
    fields, printed = fields_of("Mutation"), authorized(rule)
    return [name for name in OTHER_MUTATIONS if declared(fields[name], Authorized) == printed]


WRITERS = [frozenset({str(scope)}) for scope in Scope if scope.startswith("update:")] + [frozenset()]
EXTREMES = [frozenset(), frozenset(map(str, Scope))]


def around(rule: Rule) -> list[frozenset[str]]:
    """Returns sets of scopes to test: each alternative and each of its scopes, with and without the parent's scopes."""
    alternatives = [frozenset(map(str, each)) for each in (*rule.scopes, *(rule.self_ or ()))]
    opening = {*alternatives, *(frozenset({scope}) for each in alternatives for scope in each)}
    return [*PARENT_SCOPES, *(parent | each for parent in PARENT_SCOPES for each in opening), EXTREMES[1]]


@pytest.mark.parametrize("holds", [True, False], ids=["for everybody", "for nobody"])
@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
async def test_matrix_detects_a_change_of_any_one_rule(
    tenants: Tenants, rule: Rule, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = policy._holds

    def changed(scopes: frozenset[str], asked: Rule, is_self: bool) -> bool:
        return holds if asked is rule else original(scopes, asked, is_self)

    monkeypatch.setattr(policy, "_holds", changed)
    policy._readable.cache_clear()
    try:
        callers = (SELF, APPLICATION)
        differences = await differences_in_reading(tenants, callers, around(rule)) if rule in READING else []
        differences = differences or await differences_in_other_mutations(tenants, callers, EXTREMES, guarded_by(rule))
        differences = differences or await differences_in_writing(tenants, callers, WRITERS)
    finally:
        policy._readable.cache_clear()
    assert differences


def test_every_rule_is_of_reading_or_writing() -> None:
    named = [each for each in vars(rules).values() if isinstance(each, Rule)]
    assert set(named) == {*READING, *WRITING}


async def test_unknown_and_invisible_users_look_the_same(tenants: Tenants) -> None:
    token = tenants.world.user_token(tenants.jane)
    for query in (
        '{ user(by: {userId: "auth0|%s"}) { id name } }',
        'mutation { updateUserMetadata(input: {userId: "auth0|%s", patch: {a: 1}}) { user { id } errors { code } } }',
        'mutation { updateRootAttributes(input: {userId: "auth0|%s", name: "x"}) { user { id } errors { code } } }',
        'mutation { updateAppMetadata(input: {userId: "auth0|%s", patch: {a: 1}}) { user { id } errors { code } } }',
    ):
        known, unknown = (
            await tenants.world.post(query % "john", token),
            await tenants.world.post(query % "nobo", token),
        )
        assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert (await tenants.world.stored(tenants.john))["version"] == 1


async def test_no_response_shows_users_their_own_app_metadata(world: World) -> None:
    await world.add_connection()
    marker = "m4rk3r"
    john = await world.add_user("john", app_metadata={marker: marker})
    changes = (FieldChange(f"app_metadata.{marker}", marker, marker), FieldChange("user_metadata.seen", 1, 2))
    more: dict[str, Any] = {"ip": marker, "user_agent": marker, "reason": marker, "details": {"x": marker}}
    actor = Actor("APPLICATION", "tool", marker)
    location = {"city_name": marker}
    mixed = await world.add_event(
        john, LogEventType.USER_METADATA_UPDATED, changes=changes, actor=actor, location=location, **more
    )
    hidden = await world.add_event(john, LogEventType.APP_METADATA_UPDATED, changes=changes[:1], actor=actor, **more)
    events = """logEvents(first: 3) { totalCount { value } nodes { id type reason details ip userAgent location { cityName }
      actor { kind id name } changes { path before after } } }"""
    everything = f"id raw appMetadata {events}"
    query = f"""query($ids: [ID!]!) {{ caller {{ user {{ {everything} }} }} viewer {{ {everything} }}
      user(by: {{userId: "auth0|john"}}) {{ {everything} }} users(first: 2) {{ nodes {{ {everything} }} }} {events}
      nodes(ids: $ids) {{ id ... on User {{ {everything} }} ... on LogEvent {{ reason changes {{ path }} }} }} }}"""
    ids = [encode_id("User", john.id), encode_id("LogEvent", mixed), encode_id("LogEvent", hidden)]
    own = ["read:current_user", "update:current_user_metadata", "read:users_app_metadata", "update:users_app_metadata"]
    answer = await world.post(query, world.user_token(john, own), ids=ids)
    assert marker not in answer.text
    shown = answer.json()["data"]["viewer"]["logEvents"]
    assert shown["totalCount"] == {"value": 1}
    assert [each["changes"] for each in shown["nodes"]] == [[{"path": "user_metadata.seen", "before": 1, "after": 2}]]
    assert shown["nodes"][0]["actor"] == {"kind": "APPLICATION", "id": "tool", "name": None}
    assert answer.json()["data"]["nodes"][2] is None
    for write in (
        f"mutation {{ updateUserMetadata(input: {{patch: {{a: 1}}}}) {{ user {{ {everything} }} errors {{ message }} }} }}",
        'mutation { updateAppMetadata(input: {userId: "auth0|john", patch: {a: 1}, ifVersion: 9}) { user { raw } errors { message } } }',
    ):
        answer = await world.post(write, world.user_token(john, own))
        assert marker not in answer.text
    # An application with the scopes sees the marker, so the marker is stored.
    answer = await world.post(query, world.application_token(), ids=ids)
    for path in (f"app_metadata.{marker}", f'"reason":"{marker}"', f'"ip":"{marker}"', f'"name":"{marker}"'):
        assert path in answer.text


async def test_no_scope_allows_access_to_own_app_metadata(world: World) -> None:
    john = await world.add_user("john", app_metadata={"a": 1})
    token = world.user_token(john, [*map(str, Scope)])
    write = 'mutation { updateAppMetadata(input: {userId: "auth0|john", patch: {a: 2}}) { errors { code } } }'
    answer = (await world.post(write, token)).json()
    assert answer["data"] == {"updateAppMetadata": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    read = (await world.post("{ viewer { appMetadata } }", token)).json()
    assert read["data"] == {"viewer": {"appMetadata": None}}
    assert read["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    # Without a scope for app_metadata, the error lists no scopes for the own profile, but lists them for another one.
    token = world.user_token(john, ["read:current_user"])
    answer = (await world.post(write, token)).json()
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    answer = (await world.post(write.replace("john", "jane"), token)).json()
    assert answer["errors"][0]["extensions"]["scopes"] == [["update:users_app_metadata"]]
    assert (await world.stored(john))["app_metadata"] == {"a": 1}


async def test_user_sees_all_details_of_their_own_acts(world: World) -> None:
    john = await world.add_user("john")
    await world.add_event(john, reason="mine", ip="203.0.113.9", user_agent="me")
    query = "{ viewer { logEvents { nodes { reason ip userAgent } } } }"
    assert (await world.ask(query, world.user_token(john)))["viewer"]["logEvents"]["nodes"] == [
        {"reason": "mine", "ip": "203.0.113.9", "userAgent": "me"}
    ]

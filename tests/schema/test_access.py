"""Authorized applications, second factors, and the refusal of every request of a blocked user."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_enum_type, is_list_type, is_scalar_type

from app.domain.enrollments import MAX_ENROLLMENTS, masked
from app.domain.grants import MAX_GRANTS
from app.domain.ids import encode_id
from app.domain.users import User
from tests.graphql_schema import SCHEMA
from tests.schema.operations.enrollments import record_enrollment
from tests.schema.operations.grants import record_grant
from tests.world import ALL_SCOPES, World, codes

REVOKE = """mutation($input: RevokeApplicationInput!) { revokeApplication(input: $input) {
  user { version authorizedApplications { clientId } } errors { code path } } }"""
REMOVE = """mutation($input: RemoveMfaEnrollmentsInput!) { removeMfaEnrollments(input: $input) {
  user { version mfaEnrollments { type } } errors { code path } } }"""


@pytest.fixture
async def john(world: World) -> User:
    await world.add_connection()
    return await world.add_user("john")


# ---------------------------------------------------------------- authorized applications


async def test_grant_is_recorded_listed_and_revoked_with_devices(world: World, john: User) -> None:
    first = (await record_grant(world, john))["authorizedApplication"]
    assert (first["clientId"], first["clientName"], first["scopes"]) == ("shop", "Shop", ["buy", "read"])
    # A second record with the same content returns the same application.
    again = await record_grant(world, john, scopes=["read", "buy", "buy"], clientName=None)
    assert again["authorizedApplication"] == first
    more = (await record_grant(world, john, scopes=["read"]))["authorizedApplication"]
    assert (more["id"], more["scopes"]) == (first["id"], ["read"])
    assert (await record_grant(world, john, "blog", clientName=None))["authorizedApplication"]["clientName"] is None
    for client, device in (("shop", "phone"), ("shop", "laptop"), ("blog", "phone")):
        await world.add_device(john, client, device)
    token = world.user_token(john)
    seen = await world.ask("{ viewer { authorizedApplications { clientId audience } } }", token)
    assert [each["clientId"] for each in seen["viewer"]["authorizedApplications"]] == ["shop", "blog"]
    node = await world.ask("query($id: ID!) { node(id: $id) { id } }", token, id=first["id"])
    assert node["node"] == {"id": first["id"]}
    revoked = await world.ask(REVOKE, token, input={"id": first["id"], "reason": "done with it"})
    assert revoked["revokeApplication"]["errors"] == []
    assert revoked["revokeApplication"]["user"] == {"version": 1, "authorizedApplications": [{"clientId": "blog"}]}
    left = await world.database["devices"].find({"tenant": world.tenant}).to_list(None)
    assert [each["client_id"] for each in left] == ["blog"]
    events = await world.events(john)
    assert [each["type"] for each in events] == [*["APPLICATION_AUTHORIZED"] * 3, "APPLICATION_REVOKED"]
    # The user is the author of the consent, even if an application reports it.
    assert "actor" not in events[0]
    assert events[1]["details"]["scopes"] == ["read"]
    assert (events[3]["reason"], events[3]["details"]["clientId"]) == ("done with it", "shop")
    [error] = (await world.ask(REVOKE, token, input={"id": first["id"]}))["revokeApplication"]["errors"]
    assert error == {"code": "NOT_FOUND", "path": ["id"]}


async def test_invalid_grant_or_revocation_is_refused(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane = await world.add_user("jane")
    hers = (await record_grant(world, jane))["authorizedApplication"]["id"]
    for input, expected in (
        ({"userId": "auth0|nobody"}, ("NOT_FOUND", ["userId"])),
        ({"clientId": ""}, ("INVALID_INPUT", ["clientId"])),
        ({"audience": "x" * 513}, ("INVALID_INPUT", ["audience"])),
        ({"scopes": [""]}, ("INVALID_INPUT", ["scopes"])),
    ):
        refused = await record_grant(world, john, **input)
        assert [(each["code"], each["path"]) for each in refused["errors"]] == [expected]
    token = world.user_token(john)
    for id in (hers, "none", encode_id("Device", john.id), encode_id("AuthorizedApplication", "none")):
        [error] = (await world.ask(REVOKE, token, input={"id": id}))["revokeApplication"]["errors"]
        assert error["code"] == "NOT_FOUND"
    many = [
        {"tenant": world.tenant, "user": john.id, "client_id": f"c{n}", "audience": "a", "scopes": []}
        for n in range(MAX_GRANTS)
    ]
    await world.database["grants"].insert_many(many)
    assert (await record_grant(world, john))["errors"][0]["code"] == "TOO_LARGE"
    assert await world.database["grants"].count_documents({"user": john.id}) == MAX_GRANTS
    assert await world.events(john) == []
    conflict = await world.run(REVOKE, userId=jane.user_id, id=hers, ifVersion=4)
    assert conflict["errors"][0]["code"] == "VERSION_CONFLICT"
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    assert codes(await world.post(REVOKE, world.user_token(jane), input={"id": hers})) == [
        "INSUFFICIENT_USER_AUTHENTICATION"
    ]
    assert await world.database["grants"].count_documents({"user": jane.id}) == 1


# ---------------------------------------------------------------- second factors


async def test_enrollments_have_masked_names_and_are_removed(world: World, john: User) -> None:
    phone = await record_enrollment(
        world, john, "p", type="phone", name="+49 170 1234567", enrolledAt="2026-01-01T00:00:00Z"
    )
    assert phone["mfaEnrollment"] | {"id": ""} == {
        "id": "",
        "type": "phone",
        "name": "XXXXXXXX4567",
        "status": "confirmed",
        "enrolledAt": "2026-01-01T00:00:00.000Z",
        "lastUsedAt": None,
    }
    assert "1234567" not in str(await world.database["mfa_enrollments"].find_one({"tenant": world.tenant}))
    again = await record_enrollment(world, john, "p", type="phone", lastUsedAt="2026-02-01T00:00:00Z")
    assert again["mfaEnrollment"]["name"] == "XXXXXXXX4567"
    assert again["mfaEnrollment"]["id"] == phone["mfaEnrollment"]["id"]
    assert again["mfaEnrollment"]["lastUsedAt"] == "2026-02-01T00:00:00.000Z"
    assert again["mfaEnrollment"]["enrolledAt"] == "2026-01-01T00:00:00.000Z"
    for name in ("t", "r"):
        await record_enrollment(world, john, name)
    token = world.user_token(john)
    seen = await world.ask("{ viewer { mfaEnrollments { type name } } }", token)
    assert [each["type"] for each in seen["viewer"]["mfaEnrollments"]] == ["phone", "totp", "totp"]
    removed = await world.ask(REMOVE, token, input={"ids": [phone["mfaEnrollment"]["id"]], "reason": "lost it"})
    assert removed["removeMfaEnrollments"]["user"] == {"version": 1, "mfaEnrollments": [{"type": "totp"}] * 2}
    left = await world.run(REMOVE, userId=john.user_id, all=True)
    assert left["user"]["mfaEnrollments"] == []
    events = await world.events(john)
    # The use of a factor has no event: the event of the login shows it.
    assert [each["type"] for each in events] == [*["MFA_ENROLLED"] * 3, *["MFA_REMOVED"] * 2]
    assert events[0]["details"] == {"type": "phone", "name": "XXXXXXXX4567", "status": "confirmed"}
    assert (events[3]["reason"], len(events[4]["details"]["removed"])) == ("lost it", 2)


async def test_invalid_enrollment_or_removal_is_refused(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = (await record_enrollment(world, john))["mfaEnrollment"]["id"]
    jane = await world.add_user("jane")
    unknown: dict[str, Any] = {"userId": "auth0|unknown"}
    assert (await record_enrollment(world, john, **unknown))["errors"][0]["code"] == "NOT_FOUND"
    invalid: list[dict[str, Any]] = [{"type": ""}, {"name": "x" * 513}, {"status": ""}]
    for fields in invalid:
        assert (await record_enrollment(world, john, **fields))["errors"][0]["code"] == "INVALID_INPUT"
    for input, expected in (
        # A null from a lost variable removes nothing.
        ({}, "INVALID_INPUT"),
        ({"ids": None}, "INVALID_INPUT"),
        ({"ids": []}, "INVALID_INPUT"),
        ({"ids": [one], "all": True}, "INVALID_INPUT"),
        ({"ids": [one, encode_id("MfaEnrollment", jane.id)]}, "NOT_FOUND"),
        ({"ids": ["none"]}, "NOT_FOUND"),
        ({"ids": [one], "ifVersion": 3}, "VERSION_CONFLICT"),
    ):
        assert (await world.run(REMOVE, userId=john.user_id, **input))["errors"][0]["code"] == expected, input
    assert (await world.run(REMOVE, userId=jane.user_id, ids=[one]))["errors"][0]["code"] == "NOT_FOUND"
    assert (await world.run(REMOVE, userId=jane.user_id, all=True))["errors"][0]["code"] == "NOT_FOUND"
    more = [{"tenant": world.tenant, "user": john.id, "enrollment_id": f"x{n}"} for n in range(MAX_ENROLLMENTS - 1)]
    await world.database["mfa_enrollments"].insert_many(more)
    assert (await record_enrollment(world, john, "one more"))["errors"][0]["code"] == "TOO_LARGE"
    assert await world.database["mfa_enrollments"].count_documents({"user": john.id}) == MAX_ENROLLMENTS
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    answer = await world.post(REMOVE, world.user_token(john), input={"all": True})
    assert codes(answer) == ["INSUFFICIENT_USER_AUTHENTICATION"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chuck@example.com", "ch***@exam*******"),
        ("charlotte@example.com", "char*****@exam*******"),
        ("a@b.io", "*@b.**"),
        ("+1 (425) 883-1929", "XXXXXXX1929"),
        ("0170 123456", "XXXXXX3456"),
        ("Jane's phone", "Jane's phone"),
        ("Pixel 8", "Pixel 8"),
    ],
)
def test_phone_numbers_and_emails_are_masked(name: str, expected: str) -> None:
    assert masked(name) == expected


# ---------------------------------------------------------------- blocked


def value_of(type_: Any) -> str:
    """Returns a valid value for a variable of this type."""
    if isinstance(type_, GraphQLNonNull):
        return value_of(type_.of_type)
    if is_list_type(type_):
        return f"[{value_of(type_.of_type)}]"
    if is_enum_type(type_):
        return str(next(iter(type_.values)))
    if is_scalar_type(type_):
        return {"Int": "1", "Boolean": "true", "JSON": "{}", "DateTime": '"2026-01-01T00:00:00Z"'}.get(
            type_.name, '"x"'
        )
    assert isinstance(type_, GraphQLInputObjectType)
    if type_.extensions["strawberry-definition"].is_one_of:
        name, field = next(iter(type_.fields.items()))
        return f"{{{name}: {value_of(field.type)}}}"
    return f"{{{arguments_of(type_.fields)}}}"


def arguments_of(arguments: Any) -> str:
    needed = {name: each.type for name, each in arguments.items() if isinstance(each.type, GraphQLNonNull)}
    return ", ".join(f"{name}: {value_of(type_)}" for name, type_ in needed.items())


def operations() -> list[str]:
    """Returns one operation for each root field."""
    found = []
    for keyword, type_ in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert type_
        for name, field in type_.fields.items():
            arguments = f"({arguments_of(field.args)})" if arguments_of(field.args) else ""
            inside = "" if is_scalar_type(get_named_type(field.type)) else " { __typename }"
            found.append(f"{keyword} {{ {name}{arguments}{inside} }}")
    return found


@pytest.mark.parametrize("operation", operations())
async def test_every_operation_refuses_a_blocked_user(world: World, operation: str) -> None:
    jane = await world.add_user("jane", blocked=True)
    before = await world.stored(jane)
    answer = await world.post(operation, world.user_token(jane, ALL_SCOPES))
    assert (answer.status_code, codes(answer)) == (403, ["USER_BLOCKED"])
    assert "data" not in answer.json()
    assert await world.stored(jane) == before


async def test_block_refuses_all_later_requests_of_the_user(world: World, john: User) -> None:
    await world.add_device(john, "shop", "phone")
    token = world.user_token(john)
    assert (await world.ask("{ viewer { blocked } }", token))["viewer"] == {"blocked": False}
    block = "mutation($input: BlockUserInput!) { blockUser(input: $input) { user { blocked } errors { code } } }"
    assert (await world.run(block, userId=john.user_id))["user"] == {"blocked": True}
    assert codes(await world.post("{ viewer { blocked } }", token)) == ["USER_BLOCKED"]
    assert await world.database["devices"].count_documents({"tenant": world.tenant}) == 0


async def test_recorded_enrollment_keeps_omitted_fields(world: World, john: User) -> None:
    at = "2026-01-01T00:00:00.000Z"
    first = {"name": "+14258831929", "status": "pending", "enrolledAt": at, "lastUsedAt": at}
    before = (await record_enrollment(world, john, type="phone", **first))["mfaEnrollment"]
    assert before["status"] == "pending"
    assert (await record_enrollment(world, john, type="phone"))["mfaEnrollment"] == before
    assert (await record_enrollment(world, john, "e2"))["mfaEnrollment"]["status"] == "confirmed"

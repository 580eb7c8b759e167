"""The limits and costs of arguments and variables. They are checked before values are coerced."""

from typing import Any

import pytest
from graphql import build_schema, parse

from app.engine.arguments import MAX_DEPTH, MAX_JSON_VALUES, cost_of
from app.engine.cost import OperationCost
from app.engine.limits import Limits
from app.engine.measuring import FieldCosts, Measure
from app.engine.shapes import MAX_ITEMS
from tests.engine.measuring import UNLIMITED, cost, measure


def refusal(query: str, **variables: Any) -> tuple[str, str] | None:
    """Returns the code and the message of the refusal, or None."""
    found = measure(query)
    error = found.check(UNLIMITED, variables)[1] if isinstance(found, OperationCost) else found
    return None if error is None else ((error.extensions or {})["code"], error.message)


UPDATE = {"userId": "a", "update": {"userMetadata": {"a": 1}}}
UPDATES = "mutation($u: [UpdateUserInput!]!) { updateUsers(input: {updates: $u}) { results { index } } }"
ROLE = "mutation($i: CreateRoleInput!) { createRole(input: $i) { errors { code } } }"
PATHS = "query($p: [String!]) { viewer { userMetadata(paths: $p) } }"


@pytest.mark.parametrize(
    ("query", "most", "name", "value"),
    [
        ("query($v: [ID!]!) { nodes(ids: $v) { id } }", 100, "ids", "a"),
        (PATHS.replace("$p", "$v"), 100, "paths", "a"),
        (PATHS.replace("$p", "$v").replace("userM", "appM"), 100, "paths", "a"),
        (
            "query($v: [LogEventType!]) { viewer { logEvents(types: $v) { nodes { id } } } }",
            100,
            "types",
            "USER_CREATED",
        ),
        (UPDATES.replace("$u", "$v"), 100, "updates", UPDATE),
        (
            'mutation($v: [PermissionInput!]) { createRole(input: {name: "x", permissions: $v}) { errors { code } } }',
            1_000,
            "permissions",
            {"api": "a", "name": "b"},
        ),
        (
            'mutation($v: [PermissionInput!]) { updateRole(input: {roleId: "x", permissions: $v}) { errors { code } } }',
            1_000,
            "permissions",
            {"api": "a", "name": "b"},
        ),
        (
            'mutation($v: [PermissionInput!]!) { grantPermissions(input: {userId: "x", permissions: $v}) { user { id } } }',
            1_000,
            "permissions",
            {"api": "a", "name": "b"},
        ),
        (
            'mutation($v: [String!]!) { assignRoles(input: {userId: "x", roleIds: $v}) { user { id } } }',
            50,
            "roleIds",
            "a",
        ),
        (
            (
                'mutation($v: [String!]!) { recordGrant(input: {userId: "x", clientId: "x", audience: "x", scopes: $v})'
                " { errors { code } } }"
            ),
            1_000,
            "scopes",
            "a",
        ),
        ("mutation($v: [ID!]) { removeMfaEnrollments(input: {ids: $v}) { user { id } } }", 50, "ids", "a"),
    ],
)
def test_every_list_in_arguments_has_a_maximum_length(query: str, most: int, name: str, value: Any) -> None:
    assert refusal(query, v=[value] * most) is None
    assert refusal(query, v=[value] * (most + 1)) == (
        "BAD_USER_INPUT",
        f"{name} can have at most {most} items, not {most + 1}.",
    )


def test_lists_in_variables_have_the_same_limit() -> None:
    permissions = [{"api": "a", "name": "b"}] * 1_001
    found = refusal(ROLE, i={"name": "x", "permissions": permissions})
    assert found == ("BAD_USER_INPUT", "permissions can have at most 1000 items, not 1001.")


def test_lists_in_the_document_have_the_same_limit() -> None:
    found = refusal("{ viewer { userMetadata(paths: [" + '"a" ' * 101 + "]) } }")
    assert found == ("BAD_USER_INPUT", "paths can have at most 100 items, not 101.")
    default = "query($p: [String!] = [" + '"a" ' * 101 + "]) { viewer { userMetadata(paths: $p) } }"
    assert refusal(default) == ("BAD_USER_INPUT", "paths can have at most 100 items, not 101.")
    assert refusal(default, p=[]) is None


def test_lists_without_a_declaration_have_a_strict_limit() -> None:
    schema = build_schema(
        """
        input Filter { names: [String!] and: [Filter!] }
        type Query { found(where: Filter, grid: [[Int]]): Int }
        """
    )
    document = parse("query($w: Filter, $g: [[Int]]) { found(where: $w, grid: $g) }")
    found = Measure(FieldCosts(schema), document).check(document.definitions[0], UNLIMITED)  # type: ignore[arg-type]
    assert isinstance(found, OperationCost)
    deep = {"and": [{"and": [{"names": ["a"] * MAX_ITEMS}]}]}
    # Two objects with one field each, and the names.
    assert found.check(UNLIMITED, {"w": deep}) == (1 + 2 * 2 + MAX_ITEMS, None)
    deep["and"][0]["and"][0]["names"].append("a")
    assert found.check(UNLIMITED, {"w": deep})[1] is not None
    assert found.check(UNLIMITED, {"g": [[1] * MAX_ITEMS] * 3}) == (1 + 3 + 3 * MAX_ITEMS, None)
    assert found.check(UNLIMITED, {"g": [[1] * (MAX_ITEMS + 1)]})[1] is not None


def test_items_cost_for_each_use_of_the_argument() -> None:
    assert cost(PATHS, p=["a"] * 10) == 1 + 5 + 10
    twice = "query($p: [String!]) { viewer { a: userMetadata(paths: $p) b: userMetadata(paths: $p) } }"
    assert cost(twice, p=["a"] * 10) == 1 + 2 * (5 + 10)
    spread = "query($p: [String!]) { viewer { ...F } } fragment F on User { userMetadata(paths: $p) }"
    assert cost(spread, p=["a"] * 10) == 1 + 5 + 10
    # Strawberry converts the argument again for each item of a page.
    page = "query($p: [String!]) { users(first: 20) { nodes { userMetadata(paths: $p) } } }"
    assert cost(page, p=["a"] * 10) == 1 + 20 * (1 + 5 + 10)


def test_objects_in_lists_cost_their_fields() -> None:
    assert cost(ROLE, i={"name": "x", "permissions": [{"api": "a", "name": "b"}] * 10}) == 50 + 1 + 2 + 10 * 3
    text = 'mutation { createRole(input: {name: "x", permissions: [{api: "a", name: "b"}]}) { errors { code } } }'
    assert cost(text) == 50 + 1 + 2 + 3


def test_batch_of_updates_costs_the_sum_of_its_parts() -> None:
    assert cost(UPDATES, u=[UPDATE]) == 1 + (50 + 2) + 2
    assert cost(UPDATES, u=[UPDATE] * 100) == 1 + 100 * (50 + 2) + 100 * 2
    whole = "mutation($i: UpdateUsersInput!) { updateUsers(input: $i) { results { index user { name } } } }"
    assert cost(whole, i={"updates": [UPDATE] * 100}) == 1 + 100 * (50 + 2) + 100 * 4
    text = (
        'mutation { updateUsers(input: {updates: [{userId: "a", update: {userMetadata: {}}}]}) { results { index } } }'
    )
    assert cost(text) == cost(UPDATES, u=[UPDATE])


def test_twenty_aliases_of_one_batch_are_refused() -> None:
    aliases = " ".join(f"a{number}: updateUsers(input: $i) {{ errors {{ code }} }}" for number in range(20))
    found = measure(f"mutation($i: UpdateUsersInput!) {{ {aliases} }}", Limits())
    assert isinstance(found, OperationCost)
    error = found.check(Limits(), {"i": {"updates": [UPDATE] * 20_000}})[1]
    assert error is not None
    assert error.extensions == {"code": "BAD_USER_INPUT"}
    error = found.check(Limits(), {"i": {"updates": [UPDATE] * 100}})[1]
    assert error is not None
    assert error.extensions == {"code": "COST_EXCEEDED"}


@pytest.mark.parametrize(
    ("query", "hashes"),
    [
        ('mutation { verifyPassword(input: {connection: "x", identifier: "x", password: "x"}) { valid } }', 1),
        ('mutation { changePassword(input: {newPassword: "x"}) { user { id } } }', 1),
        ('mutation { changePassword(input: {newPassword: "x", currentPassword: "x"}) { user { id } } }', 2),
        ('mutation { changePassword(input: {newPassword: "x", currentPassword: null}) { user { id } } }', 1),
        ('mutation { changeEmail(input: {email: "x", currentPassword: "x"}) { user { id } } }', 1),
        ('mutation { signUp(input: {connection: "x", password: "x"}) { accepted } }', 1),
        ('mutation { redeemTicket(input: {ticket: "x", newPassword: "x"}) { purpose } }', 1),
        ('mutation { redeemTicket(input: {ticket: "x"}) { purpose } }', 0),
        ('mutation { createUser(input: {connection: "x", password: "x"}) { user { id } } }', 1),
        ('mutation { createUser(input: {connection: "x"}) { user { id } } }', 0),
        ("mutation($p: String!) { changePassword(input: {newPassword: $p}) { user { id } } }", 1),
    ],
)
def test_every_hashed_password_costs_five_units(query: str, hashes: int) -> None:
    assert cost(query, p="x") - hashes * 500 in range(50, 60)


def test_password_in_a_variable_costs_the_same() -> None:
    query = "mutation($i: ChangePasswordInput!) { changePassword(input: $i) { user { id } } }"
    assert cost(query, i={"newPassword": "x", "currentPassword": "y"}) == 50 + 2 + 1_000
    twenty = " ".join(f"a{number}: changePassword(input: $i) {{ user {{ id }} }}" for number in range(20))
    found = measure(f"mutation($i: ChangePasswordInput!) {{ {twenty} }}", Limits())
    assert isinstance(found, OperationCost)
    assert found.check(Limits(), {"i": {"newPassword": "x"}})[1] is not None


def test_export_costs_ten_units() -> None:
    assert cost("mutation { exportPersonalData(input: {}) { data } }") == 1_001


PATCH = "mutation($p: JSON!) { updateUserMetadata(input: {patch: $p}) { user { id } } }"


@pytest.mark.parametrize(
    ("patch", "more"),
    [
        ({}, 0),
        ({"a": "x" * 100}, 0),
        ({"a": "x" * 64_000}, 128),
        ({"x" * 1_000: None}, 2),
        ({"a": [0] * 1_000}, 20),
        ({"a": [[{"b": ["x" * 1_000] * 5}]]}, 10),
        ("x" * 1_000, 2),
    ],
)
def test_large_json_costs_more(patch: Any, more: int) -> None:
    assert cost(PATCH, p=patch) == 52 + more
    whole = "mutation($i: UpdateUserMetadataInput!) { updateUserMetadata(input: $i) { user { id } } }"
    assert cost(whole, i={"patch": patch}) == 52 + more
    batch = [{"userId": "a", "update": {"userMetadata": patch}}] * 3
    assert cost(UPDATES, u=batch) == 1 + 3 * (52 + more) + 3 * 2


def test_json_in_the_document_costs_the_same() -> None:
    text = 'mutation { updateUserMetadata(input: {patch: {a: "%s"}}) { user { id } } }'
    assert cost(text % ("x" * 2_000)) == 52 + 4
    assert cost(PATCH.replace("$p}", "{a: $p, b: [$p, {c: $p}]}}"), p="x" * 1_000) == 52 + 3 * 2


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_input_objects_that_nest_too_deep_are_refused() -> None:
    schema = build_schema("input Filter { and: [Filter!] } type Query { found(where: Filter): Int }")
    document = parse("query($w: Filter) { found(where: $w) }")
    found = Measure(FieldCosts(schema), document).check(document.definitions[0], UNLIMITED)  # type: ignore[arg-type]
    assert isinstance(found, OperationCost)
    where: Any = {}
    for _ in range(MAX_DEPTH):
        where = {"and": [where]}
    error = found.check(UNLIMITED, {"w": where})[1]
    assert error is not None
    assert error.message == f"Arguments and variables can have at most {MAX_DEPTH} levels."


def test_deep_json_is_counted_without_recursion() -> None:
    value: Any = "x" * 1_000
    for _ in range(100_000 // 4):
        value = [value]
    assert cost(PATCH, p=value) == 52 + 2 + 500


def test_json_contains_a_limited_number_of_values() -> None:
    half = [0] * (MAX_JSON_VALUES // 2)
    found = refusal(PATCH, p=[half, half])
    assert found is not None
    assert found[0] == "COST_EXCEEDED"
    # The limit applies to all JSON values of a batch together.
    update = {"userId": "a", "update": {"userMetadata": {"a": half}}}
    assert refusal(UPDATES, u=[update]) is None
    found = refusal(UPDATES, u=[update] * 2)
    assert found is not None
    assert found[0] == "COST_EXCEEDED"


def test_variables_of_a_wrong_type_are_left_to_coercion() -> None:
    values: list[Any] = [1, "x", [1], {"updates": 1}, {"updates": {"a": 1}}, [[[]]], None, True]
    for value in values:
        assert (
            refusal("mutation($i: UpdateUsersInput!) { updateUsers(input: $i) { errors { code } } }", i=value) is None
        )


def test_small_variables_are_not_examined() -> None:
    found = measure(
        "query($id: ID!, $by: UserBy!, $first: Int) { node(id: $id) { id } user(by: $by) { name } users(first: 3) { nodes { id } } }"
    )
    assert isinstance(found, OperationCost)
    assert found.cost.is_constant


def test_variable_is_examined_once_however_often_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []

    def count(value: Any, shape: Any) -> int:
        walked.append(shape.name)
        return cost_of(value, shape)

    monkeypatch.setattr("app.engine.arguments.cost_of", count)
    aliases = " ".join(f"a{number}: userMetadata(paths: $p) b{number}: appMetadata(paths: $p)" for number in range(10))
    cost(f"query($p: [String!]) {{ viewer {{ {aliases} }} }}", p=["a"])
    assert sorted(walked) == ["paths", "paths"]

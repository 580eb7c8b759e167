"""The limits of operations. They are checked before any work, in time that grows only with the text of the document."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_introspection_query,
)

from app.directives import Constraint, ListSize, declared, is_public
from app.engine.cost import OperationCost
from app.engine.documents import Documents
from app.engine.limits import Limits
from app.engine.measuring import MAX_MERGES
from app.web.manual_pages import SOURCES
from tests.engine.measuring import COSTS, UNLIMITED, cost, measure
from tests.graphql_schema import SCHEMA
from tests.manual_examples import examples


def refusal(query: str, **limits: Any) -> str | None:
    """Returns the message of the refusal, or None."""
    found = measure(query, replace(UNLIMITED, **limits))
    if isinstance(found, OperationCost):
        found = found.check(replace(UNLIMITED, **limits), {})[1]  # type: ignore[assignment]
    return found.message if isinstance(found, GraphQLError) else None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ viewer { id name } }", 3),
        # A list without pages costs its maximum length.
        ("{ viewer { roles { name } } }", 2 + 50),
        ("{ viewer { identities { id } mfaEnrollments { id } rootAttributes { name } } }", 1 + 17 + 51 + 6),
        ("{ viewer { authorizedApplications { id } } }", 2 + 200),
        # A page costs 25 items, or as many as are requested.
        ("{ users { nodes { id } } }", 1 + 25 * 2),
        ("{ users(first: null) { nodes { id } } }", 1 + 25 * 2),
        ("{ users(first: null, last: 100) { nodes { id } } }", 1 + 100 * 2),
        ("{ users(first: 10, last: 100) { nodes { id } } }", 1 + 100 * 2),
        ("{ users(first: 50) { nodes { id name } } }", 1 + 50 * 3),
        ("{ users(last: 50) { nodes { id name } } }", 1 + 50 * 3),
        ("{ users(first: 50) { edges { node { id } } } }", 1 + 50 * 3),
        # Fields of the page itself cost once. Counting is expensive.
        ("{ users(first: 50) { nodes { id } pageInfo { hasNextPage } totalCount { value } } }", 1 + 50 * 2 + 2 + 51),
        ("{ users(first: 10) { nodes { logEvents(first: 5) { nodes { id } } } } }", 1 + 10 * (1 + 1 + 5 * 2)),
        ("{ users(first: 2) { nodes { roles { users { nodes { id } } } } } }", 1 + 2 * (2 + 50 * (1 + 25 * 2))),
        # A list that can be long costs its usual length, or as many items as are requested.
        ("{ viewer { logEvents { nodes { changes { path } } } } }", 2 + 25 * (2 + 10)),
        ("{ viewer { logEvents { nodes { changes(first: 3) { path } } } } }", 2 + 25 * (2 + 3)),
        ("{ viewer { logEvents { nodes { changes(first: 1000) { path } } } } }", 2 + 25 * (2 + 1000)),
        ("{ viewer { permissions { name } } }", 2 + 25),
        # JSON documents cost more than other values.
        ("{ viewer { userMetadata } }", 1 + 5),
        ("{ viewer { raw } }", 1 + 50),
        ("{ viewer { logEvents { nodes { changes { before after } details } } } }", 2 + 25 * (2 + 10 * 4 + 5)),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 1 + 3 + 3),
        ('{ nodes(ids: "a") { id } }', 1 + 1 + 1),
        ("{ a: viewer { id } b: viewer { id } }", 4),
        ("{ viewer { ...F ...F } } fragment F on User { id name }", 5),
        (
            "{ users(first: 7) { ...C } } fragment C on UserConnection { nodes { id } totalCount { value } }",
            1 + 7 * 2 + 51,
        ),
        ("{ viewer { ... { id } ... on User { id } } }", 3),
        # A size that is not allowed is refused later with its own message. It must not cost anything here.
        ("{ users(first: 1000000) { nodes { id } } }", 1 + 100 * 2),
        ("{ users(first: 99999999999999999999) { nodes { id } } }", 1 + 100 * 2),
        ("{ users(first: -5) { nodes { id } } }", 1),
        ('{ users(first: "x") { nodes { id } } }', 1 + 25 * 2),
        ("{ nothing { id } viewer { nope { id } } }", 2 + 3),
        # A mutation costs more than a field.
        ("mutation { updateUserMetadata(input: {patch: {}}) { user { roles { name } } } }", 50 + 1 + 1 + 50),
        ("mutation { updateUserMetadata(input: {patch: {}}) { errors { code } } }", 50 + 1 + 2),
    ],
)
def test_operation_has_the_expected_cost(query: str, expected: int) -> None:
    assert cost(query) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 7),
        ({"n": 20}, 20),
        ({"n": None}, 25),
        ({"n": "x"}, 25),
        ({"n": True}, 25),
        # GraphQL takes 20.0 for the number 20.
        ({"n": 20.0}, 20),
        ({"n": 10**9}, 100),
        ({"n": -1}, 0),
    ],
)
def test_variable_costs_its_value(variables: dict[str, Any], expected: int) -> None:
    assert cost("query($n: Int = 7) { users(first: $n) { nodes { id } } }", **variables) == 1 + expected * 2


def test_page_size_is_the_larger_of_two_variables() -> None:
    query = "query($a: Int, $b: Int) { users(first: $a, last: $b) { nodes { id } } }"
    for given, expected in (({}, 25), ({"a": 3}, 3), ({"a": 3, "b": 60}, 60), ({"a": None, "b": 60}, 60)):
        assert cost(query, **given) == 1 + expected * 2


def test_list_of_ids_costs_its_length() -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert cost(query, ids=["a"] * 60) == 1 + 60 + 60
    assert cost(query, ids="a") == 1 + 1 + 1
    assert cost("query($id: ID!) { nodes(ids: [$id, $id]) { id } }", id="a") == 1 + 2 + 2


def named(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def test_every_list_declares_its_length() -> None:
    """A list without a declaration gets a strict default limit, so every list must have one."""
    for type_ in SCHEMA.type_map.values():
        fields = type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType) else {}
        for name, field in fields.items():
            place = f"{type_.name}.{name}"
            if type_.name.startswith("__"):
                continue
            if isinstance(type_, GraphQLInputObjectType):
                assert not isinstance(named(field.type), GraphQLList) or declared(field, Constraint) is not None, place
                continue
            if isinstance(named(field.type), GraphQLList) and not COSTS.is_sized_by_parent(type_, name):
                assert declared(field, ListSize), place
            for argument, definition in field.args.items():
                assert (
                    not isinstance(named(definition.type), GraphQLList) or declared(definition, Constraint) is not None
                ), (
                    place,
                    argument,
                )


def test_public_fields_are_the_two_that_need_no_token() -> None:
    public = {
        f"{type_.name}.{name}"
        for type_ in SCHEMA.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if is_public(name, field)
    }
    assert public == {"Mutation.signUp", "Mutation.redeemTicket"}


@pytest.mark.parametrize(
    ("query", "needs_token"),
    [
        ("{ viewer { __typename } }", True),
        ("{ ...A } fragment A on Query { caller { kind } }", True),
        ("{ __typename }", False),
        ("{ viewer { id } __schema { description } }", False),
        ("{ ...A } fragment A on Query { viewer { id } ... { __typename } }", False),
        ('mutation { redeemTicket(input: {ticket: "x"}) { purpose } }', False),
        ('mutation { deleteUser(input: {userId: "x"}) { deletedUserId } }', True),
    ],
)
def test_operation_needs_a_token_unless_a_field_is_public(query: str, needs_token: bool) -> None:
    found = measure(query)
    assert isinstance(found, OperationCost)
    assert found.needs_token is needs_token


def test_ordinary_operations_stay_far_below_the_limit() -> None:
    most = Limits().cost
    page = next(each.text for each in examples(SOURCES / "internal-applications.md") if "query UserPage" in each.text)
    history = "{ logEvents(first: 100) { nodes { date type changes { path before after } } } }"
    for query, share in ((page, 0.5), (history, 0.7), (get_introspection_query(), 0.1)):
        found = measure(query, Limits())
        assert isinstance(found, OperationCost)
        spent, refusal = found.check(Limits(), {"userId": "x"})
        assert refusal is None
        assert spent < most * share


@pytest.mark.parametrize(
    ("query", "limit", "at"),
    [
        ("{ viewer { roles { permissions { name } } } }", "depth", 4),
        ("{ viewer { ...A } } fragment A on User { ...B } fragment B on User { roles { name } }", "depth", 3),
        ("{ viewer { ... on User { roles { name } } } }", "depth", 3),
        ("{ a: viewer { b: id } c: viewer { d: id } }", "aliases", 4),
        ("{ viewer { ...A ...A } } fragment A on User { a: id b: name }", "aliases", 4),
        ("query @a { viewer @b { id @c @d ...A @e ...A } } fragment A on User { id @f }", "directives", 7),
        ("{ viewer { id } caller { kind } ...A } fragment A on Query { roles { nodes { id } } }", "root_fields", 3),
        ("{ users(first: 50) { nodes { id name } } }", "cost", 151),
    ],
)
def test_each_limit_allows_its_value_and_no_more(query: str, limit: str, at: int) -> None:
    assert refusal(query, **{limit: at}) is None
    assert str(at) in str(refusal(query, **{limit: at - 1}))


def test_introspection_has_its_own_limits() -> None:
    # The introspection query of GraphiQL is deeper and larger than other operations may be.
    assert refusal(get_introspection_query(), depth=3, cost=10) is None
    deep = "{ __schema { types { ofType " + "{ ofType " * 20 + "{ name }" + " }" * 20 + " } } }"
    assert "15" in str(refusal(deep))
    wide = "{ __schema { types { fields { type { fields { type { fields { type { fields { args { name } } } } } } } } } } }"
    assert "schema" in str(refusal(wide))
    # Introspection does not raise the limits of other fields.
    assert "depth" not in str(refusal("{ __typename viewer { roles { name } } }", depth=3))
    assert refusal("{ __schema { types { name } } viewer { roles { name } } }", depth=2) is not None


def test_fragments_that_multiply_take_linear_time() -> None:
    """200 fragments contain 2^200 aliases, directives, fields and items. Visiting each of them would never end."""
    nested = "users(first: 100) { nodes { a: id @skip(if: false) ...F%d ...F%d } }"
    fragments = [f"fragment F{n} on User {{ {nested % (n + 1, n + 1)} }}" for n in range(60)]
    query = "query { viewer { ...F0 } } " + " ".join(fragments) + " fragment F60 on User { id }"
    for limit in ("aliases", "directives", "cost", "depth"):
        assert refusal(query, **{limit: 30}) is not None, limit


def test_recursive_and_deep_fragments_are_measured() -> None:
    assert refusal("{ viewer { ...A } } fragment A on User { ...B id } fragment B on User { ...A }") is None
    chain = " ".join(f"fragment F{n} on User {{ ...F{n + 1} }}" for n in range(5_000))
    assert refusal("{ viewer { ...F0 } } " + chain) is not None


def test_fields_that_validation_compares_in_pairs_are_limited() -> None:
    repeated = "{ viewer { " + "roles { id } " * (MAX_MERGES + 2) + "} }"
    assert str(MAX_MERGES) in str(refusal(repeated))
    unused = "{ viewer { id } } fragment Unused on User { " + "roles { id } " * (MAX_MERGES + 2) + "}"
    assert str(MAX_MERGES) in str(refusal(unused))
    assert refusal("{ viewer { " + "roles { id } " * MAX_MERGES + "} }") is None


def test_document_is_limited_before_validation_cached_if_valid() -> None:
    documents = Documents(SCHEMA, Limits(tokens=50, depth=3))
    [error] = documents.prepare("{ viewer { roles { permissions { nope } } } }").errors
    assert error.extensions == {"code": "COST_EXCEEDED"}
    [error] = documents.prepare("{ viewer { " + "id " * 60 + "} }").errors
    assert error.extensions == {"code": "GRAPHQL_PARSE_FAILED"}
    [error] = documents.prepare("{ viewer { nope } }").errors
    assert error.extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert len(documents) == 0
    good = documents.prepare("{ viewer { id } }")
    assert documents.prepare("{ viewer { id } }") is good
    assert (documents.hits, documents.misses, len(documents)) == (1, 4, 1)

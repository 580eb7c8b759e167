"""Hostile text and JSON in every argument and input field: no answer has the code INTERNAL."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
    is_scalar_type,
)

from app.domain.ids import encode_id
from app.domain.users import User
from tests.graphql_schema import SCHEMA
from tests.world import ALL_SCOPES, DATABASE, World

TEXT = {
    "empty": "",
    "NUL": "a\0b",
    "lone surrogate": "a\ud800",
    "200 KB": "x" * 200_000,
    "operator": "$where",
    "dots": "..",
    "signs": "(?{[*+\\",
}


def nested(depth: int, empty: Any) -> Any:
    value = empty
    for _ in range(depth):
        value = [value] if isinstance(empty, list) else {"a": value}
    return value


DEEP = {"objects": nested(900, {}), "lists": nested(900, [])}
# JSON values, each of them alone and inside a document that is otherwise valid.
VALUES = {
    **TEXT,
    **DEEP,
    **{f"a place for {name}": {"sub": "1", "x": value} for name, value in DEEP.items()},
    "texts": {"sub": "1", **{f"k{index}": text for index, text in enumerate(TEXT.values()) if len(text) < 100}},
    "keys": {"sub": "1", **{text: text for text in TEXT.values() if len(text) < 100}},
    "NUL in a key": {"sub": "1", "a\0b": {"a\0b": 1}},
    "dotted keys": {"sub": "1", "a.b": {"$where": 1}},
    "long key": {"sub": "1", TEXT["200 KB"]: 1},
    "long integer": {"sub": "1", "x": 10**30},
    "not a number": {"sub": "1", "x": float("nan")},
    "many keys": {"sub": "1", **{f"k{index}": index for index in range(5_000)}},
    "hostile sub": {"sub": "a\0b", "email": "a\0b@example.com", "name": "a\0b", "picture": "\ud800"},
    "nested sub": {"sub": nested(900, [])},
}
# Valid values by the name of the argument or field, so that only the hostile value can be refused.
USUAL: dict[str, Any] = {
    "api": "a",
    "audience": "a",
    "clientId": "c",
    "connection": DATABASE,
    "deviceId": "d",
    "email": "new@example.com",
    "enabled": True,
    "enrollmentId": "e",
    "identifier": "jane@example.com",
    "name": "name",
    "newPassword": "correct horse battery",
    "password": "correct horse battery",
    "patch": {"a": 1},
    "phoneNumber": "+4915112345678",
    "profile": {"sub": "1", "user_id": "1"},
    "provider": "auth0",
    "reason": "OTHER",
    "roleId": "rol_editor",
    "status": "confirmed",
    "strategy": "auth0",
    "tokenHash": "0" * 64,
    "type": "totp",
    "username": "jane",
}


@dataclass(frozen=True)
class Place:
    """A place for text: the path of an argument, or of a field below it. `prefix` is the path to nested fields."""

    root: str
    field: str
    argument: str
    path: tuple[str, ...]
    is_json: bool
    is_mutation: bool

    def __str__(self) -> str:
        return ".".join((self.root, self.field, self.argument, *self.path))


def leaves(
    type_: Any, path: tuple[str, ...] = (), above: tuple[GraphQLInputObjectType, ...] = ()
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Returns the paths to text and JSON below an argument, and whether each is JSON. Recursive input types are skipped."""
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            if named not in above:
                yield from leaves(field.type, (*path, name), (*above, named))
    elif named.name in ("String", "ID", "JSON", "DateTime"):
        yield path, named.name == "JSON"


def places() -> Iterator[Place]:
    assert SCHEMA.query_type
    assert SCHEMA.mutation_type
    for type_ in (SCHEMA.query_type, SCHEMA.mutation_type):
        for name, field in type_.fields.items():
            for argument, of in field.args.items():
                for path, is_json in leaves(of.type):
                    yield Place(name, "", argument, path, is_json, type_ is SCHEMA.mutation_type)
    for root, owner in (("user", "User"), ("role", "Role")):
        fields = SCHEMA.type_map[owner]
        assert isinstance(fields, GraphQLObjectType)
        for name, field in fields.fields.items():
            for argument, of in field.args.items():
                for path, is_json in leaves(of.type):
                    yield Place(root, name, argument, path, is_json, False)


PLACES = sorted(places(), key=str)
ROOTS = sorted({(each.root, each.field) for each in PLACES})


class Inputs:
    """Makes arguments: required fields have usual values, and the hostile value is at its path."""

    def __init__(self, usual: dict[str, Any], value: Any) -> None:
        self._usual = usual
        self._value = value

    def argument(self, type_: Any, name: str, path: tuple[str, ...] | None) -> Any:
        """Returns a usual value. With a `path`, the hostile value is at this path of it."""
        nullable = get_nullable_type(type_)
        if is_list_type(nullable):
            return [self.argument(nullable.of_type, name, path)]
        if path == ():
            return self._value
        if isinstance(nullable, GraphQLInputObjectType):
            return self._object(nullable, path)
        return self._usual.get(name, "x")

    def _object(self, type_: GraphQLInputObjectType, path: tuple[str, ...] | None) -> dict[str, Any]:
        chosen = path[0] if path else None
        if type_.is_one_of:
            chosen = chosen or next(iter(type_.fields))
        made = {}
        for name, field in type_.fields.items():
            if name == chosen:
                made[name] = self.argument(field.type, name, path[1:] if path else None)
            elif not type_.is_one_of and (is_required_input_field(field) or _is_usual(name, field.type)):
                made[name] = self.argument(field.type, name, None)
        return made


def _is_usual(name: str, type_: Any) -> bool:
    return name in ("userId", "connection") and is_scalar_type(get_nullable_type(type_))


def selection(type_: Any) -> str:
    """Returns a selection that reads stored text back, so that the answer must contain it."""
    named = get_named_type(type_)
    if "user" in getattr(named, "fields", {}):
        return "{ errors { code } user { raw identities { profileData } logEvents { nodes { changes { after } } } } }"
    return "{ __typename }" if hasattr(named, "fields") or hasattr(named, "types") else ""


def request(place: Place, value: Any, usual: dict[str, Any]) -> bytes:
    """Returns the body of the request. Lone surrogates and NaN are not replaced."""
    root_type = SCHEMA.mutation_type if place.is_mutation else SCHEMA.query_type
    assert root_type
    inputs, declared, variables = Inputs(usual, value), [], {}

    def call(type_: GraphQLObjectType, name: str, is_here: bool, inside: str) -> str:
        arguments = []
        for argument, of in type_.fields[name].args.items():
            here = is_here and argument == place.argument
            if here or is_required_argument(of):
                variable = f"{name}_{argument}"
                declared.append(f"${variable}: {of.type}")
                variables[variable] = inputs.argument(of.type, argument, place.path if here else None)
                arguments.append(f"{argument}: ${variable}")
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"{name}{given} {inside or selection(type_.fields[name].type)}"

    inside = ""
    if place.field:
        owner = get_named_type(root_type.fields[place.root].type)
        assert isinstance(owner, GraphQLObjectType)
        inside = "{ " + call(owner, place.field, True, "") + " }"
    called = call(root_type, place.root, not place.field, inside)
    kind = "mutation" if place.is_mutation else "query"
    query = f"{kind}({', '.join(declared)}) {{ {called} }}"
    return json.dumps({"query": query, "variables": variables}).encode()


async def send(world: World, body: bytes, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return await world.client.post("/graphql", content=body, headers=headers)


def is_a_fault(answer: httpx.Response) -> bool:
    codes = [each["extensions"]["code"] for each in answer.json().get("errors", [])]
    return answer.status_code >= 500 or bool({"INTERNAL", "UNAVAILABLE", "TIMEOUT"} & set(codes))


async def usual(world: World, user: User) -> dict[str, Any]:
    return {
        **USUAL,
        "userId": user.user_id,
        "roleIds": "rol_editor",
        "id": encode_id("User", user.id),
        "ids": encode_id("User", user.id),
        "by": user.user_id,
        "tenant": world.tenant,
    }


def acts_on_oneself(place: Place) -> bool:
    """Whether a user's token runs other code than an application's token."""
    if not place.is_mutation:
        return place.root == "user"
    assert SCHEMA.mutation_type
    fields = getattr(SCHEMA.mutation_type.fields[place.root].args["input"].type.of_type, "fields", {})
    return "userId" in fields and not is_required_input_field(fields["userId"])


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the hash by a fast one that accepts only text."""

    def hash(self: Any, password: str) -> str:
        password.encode()
        return "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43

    monkeypatch.setattr("argon2.PasswordHasher.hash", hash)
    monkeypatch.setattr("argon2.PasswordHasher.verify", lambda *_: False)


@pytest.mark.parametrize(("root", "field"), ROOTS)
async def test_hostile_values_are_never_a_fault(world: World, cheap_hashes: None, root: str, field: str) -> None:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    await world.add_role("Editor")
    jane = await world.add_user("jane")
    tool, own = world.application_token(ALL_SCOPES), world.user_token(jane, ALL_SCOPES)
    known = await usual(world, jane)
    wrong = []
    for place in (each for each in PLACES if (each.root, each.field) == (root, field)):
        known["connection"] = "g" if place.is_json and root == "recordLogin" else DATABASE
        for name, value in VALUES.items():
            if not place.is_json and name not in TEXT:
                continue
            for token in (tool, own) if acts_on_oneself(place) else (tool,):
                answer = await send(world, request(place, value, known), token)
                if is_a_fault(answer):
                    wrong.append(f"{place}, {name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


def test_every_mutation_and_every_kind_of_text_is_tried() -> None:
    inputs = [each for each in SCHEMA.type_map.values() if isinstance(each, GraphQLInputObjectType)]
    scalars = {get_named_type(field.type) for each in inputs for field in each.fields.values()}
    assert {each.name for each in scalars if is_scalar_type(each)} <= {
        *("String", "ID", "JSON", "DateTime", "Int", "Float", "Boolean")
    }
    assert SCHEMA.mutation_type
    assert set(SCHEMA.mutation_type.fields) == {each.root for each in PLACES if each.is_mutation}
    assert len(PLACES) > 150

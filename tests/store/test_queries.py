"""Filters as queries: `matches`, mongomock and a real mongod find the same records, and none of another tenant."""

import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.attributes.nodes import NODES
from app.domain.attributes.users import USER
from app.domain.filters import ALL, And, Contains, Eq, Exists, Filter, In, Not, Or, Prefix, Range, Record
from app.domain.kinds import Kind
from app.store.database import Database, new_id
from app.store.queries import to_query, to_query_with_hidden
from tests.store.standin import mock_database

KIND = Kind("Thing", "things", lookups=("text", "number", "flag", "at", "tags", "items", "nested"))
TIME = datetime(2026, 1, 31, 12, 0, 0, 5000)
KEYS = [new_id() for _ in range(3)]
TEXTS = ["", "a", "ab", "b", "A", "ä", "a.b", "a$", "^a", "a\nb", "a\0b", "\\", "(", "[a-c]", "a b", "😀"]
NUMBERS: list[Any] = [0, 1, 2, -1, 1.5, 2.0, 2**40]
TIMES = [TIME + timedelta(milliseconds=number) for number in (-1, 0, 1)]
SCALARS: list[Any] = [*TEXTS, *NUMBERS, *TIMES, *KEYS]
# For each path: the values that records may have there, and the values that filters compare with.
PATHS: dict[str, Sequence[Any]] = {
    "text": TEXTS,
    "number": NUMBERS,
    "flag": [True, False],
    "at": TIMES,
    "tags": SCALARS,
    "items.name": TEXTS,
    "items.numbers": NUMBERS,
    "items.0.name": TEXTS,
    "nested.a.b": SCALARS,
}
RECORDS, FILTERS = 150, 400


def some(random_: random.Random, values: Sequence[Any], most: int = 3) -> list[Any]:
    return random_.sample(list(values), random_.randint(0, min(most, len(values))))


def a_record(random_: random.Random) -> dict[str, Any]:
    """Returns a random record. Any of its fields may be absent."""

    def item() -> dict[str, Any]:
        fields = {"name": random_.choice(TEXTS), "numbers": some(random_, NUMBERS)}
        return {name: value for name, value in fields.items() if random_.random() < 0.7}

    below = random_.choice([{}, {"b": random_.choice(SCALARS)}, {"b": some(random_, SCALARS)}])
    fields: dict[str, Any] = {
        **{name: random_.choice(PATHS[name]) for name in ("text", "number", "flag", "at")},
        "tags": some(random_, SCALARS),
        "items": [item() for _ in range(random_.randint(0, 3))],
        "nested": random_.choice([{}, {"a": below}]),
    }
    return {name: value for name, value in fields.items() if random_.random() < 0.8}


def a_filter(random_: random.Random, depth: int = 2) -> Filter:
    path = random_.choice(list(PATHS))
    values = PATHS[path]
    # mongomock treats an index of an array as the name of an absent field.
    or_null = [*values, None] if path != "items.0.name" else values
    low, high = random_.choice([None, *values]), random_.choice([None, *values])
    if path not in ("text", "number", "flag", "at") and low is not None:
        # mongomock requires that one value of an array is within both bounds.
        high = None
    makers: list[Callable[[], Filter]] = [
        lambda: Eq(path, random_.choice(or_null)),
        lambda: In(path, some(random_, or_null)),
        lambda: Range(path, low, high, random_.random() < 0.5, random_.random() < 0.5),
        lambda: Prefix(path, random_.choice(TEXTS)),
        lambda: Contains(path, random_.choice(TEXTS)),
        lambda: Exists(path) if path != "items.0.name" else ALL,
    ]
    if depth:
        parts = [a_filter(random_, depth - 1) for _ in range(random_.randint(0, 3))]
        makers += [lambda: And(parts), lambda: Or(parts), lambda: Not(a_filter(random_, depth - 1))]
    return random_.choice(makers)()


@pytest.fixture(params=["mongomock", "real"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    if request.param == "mongomock":
        yield mock_database()
        return
    database = Database.connect(request.getfixturevalue("mongod_url"), f"q{uuid.uuid4().hex[:12]}")
    yield database
    await database.database.client.drop_database(database.database.name)
    database.close()


async def found(database: Database, where: Filter, kind: Kind = KIND, tenant: str = "t") -> set[Any]:
    records = await database[kind.collection].find(to_query(kind, tenant, where), {"_id": 1}).to_list(None)
    return {each["_id"] for each in records}


async def test_matches_agrees_with_the_database(database: Database) -> None:
    random_ = random.Random(15)
    records: list[Record] = [{"_id": number, "tenant": "t", **a_record(random_)} for number in range(RECORDS)]
    strays = [{**each, "_id": f"other {each['_id']}", "tenant": "other"} for each in records]
    await database["things"].insert_many([*records, *strays])
    seen = set()
    for where in [a_filter(random_) for _ in range(FILTERS)]:
        expected = {each["_id"] for each in records if where.matches(each)}
        assert await found(database, where) == expected, where
        seen.add(len(expected))
    # The filters find different sets of records.
    assert len(seen) > 50


ODD_VALUES: list[Any] = [
    *([], [1, 2], 5, None, "x", [3, {"name": None}], [[{"name": "a"}]], [[{}]]),
    *({"name": []}, {"name": [None, "a"]}, [{"name": "a"}, 3], [{"name": {"b": 1}}]),
    *([1, 9], [4, 5], [9], [5], 5, 1, 1.0, True, [True], [1]),
]
ODD: list[dict[str, Any]] = [
    *({"items": value} for value in ODD_VALUES),
    {},
]


async def test_matches_agrees_with_mongod_on_odd_arrays(mongod_url: str) -> None:
    """Tests values below a scalar, arrays of arrays, absent items, booleans and ranges. mongomock differs from MongoDB there."""
    database = Database.connect(mongod_url, f"q{uuid.uuid4().hex[:12]}")
    await database["things"].insert_many([{"_id": number, "tenant": "t", **each} for number, each in enumerate(ODD)])
    for path in ("items", "items.name", "items.name.b", "items.0", "items.0.name", "items.1.name", "items.0.0.name"):
        for where in (
            Eq(path, None),
            Eq(path, "a"),
            Exists(path),
            In(path, [None, 1]),
            Not(Eq(path, 1)),
            Range(path, 3, 7),
        ):
            expected = {number for number, each in enumerate(ODD) if where.matches(each)}
            assert await found(database, where) == expected, where
    await database.database.client.drop_database(database.database.name)
    database.close()


@pytest.mark.parametrize("kind", NODES.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("where", [ALL, Or(()), Or((Eq("_id", 1), Eq("_id", 2))), Not(Eq("_id", 3)), Eq("_id", 1)])
async def test_query_stays_in_its_tenant(database: Database, kind: Kind, where: Filter) -> None:
    await database[kind.collection].insert_many([{"_id": each, "tenant": "other"} for each in (1, 2)])
    assert await found(database, where, kind) == set()
    assert await found(database, where, kind, "other") == {each for each in (1, 2) if where.matches({"_id": each})}


async def test_query_of_users_finds_no_linked_profile(database: Database) -> None:
    await database["users"].insert_many([{"_id": 1, "tenant": "t"}, {"_id": 2, "tenant": "t", "linked_to": 1}])
    for where in (ALL, In("_id", [1, 2]), Or((Eq("_id", 1), Eq("_id", 2)))):
        assert await found(database, where, USER) == {1}
        query = to_query_with_hidden(USER, "t", where)
        assert {each["_id"] for each in await database["users"].find(query).to_list(None)} == {1, 2}


@pytest.mark.parametrize("path", ["tenant", "linked_to", "$where", "password", "", "user_metadata.$where", "name."])
def test_filter_of_an_undeclared_path_is_refused(path: str) -> None:
    for where in (Eq(path, 1), Not(Or((In(path, [1]), Exists(path)))), And((Prefix(path, "a"), Range(path, 1)))):
        with pytest.raises(ValueError, match="cannot use the path"):
            to_query(USER, "t", where)


@pytest.mark.parametrize("value", [{"$ne": None}, ["a"], {}, b"a", object()])
def test_value_that_is_no_literal_is_refused(value: Any) -> None:
    for where in (Eq("name", value), In("name", [value]), Range("name", value)):
        with pytest.raises(TypeError, match="cannot compare with"):
            to_query(USER, "t", where)


def test_query_of_a_few_equal_values_is_flat() -> None:
    """MongoDB's planner does not need to rewrite a flat query. The query of `viewer` is one."""
    where = And((Eq("user_id", "a"), In("keys", ["b"])))
    assert to_query(USER, "t", where) == {"tenant": "t", "user_id": "a", "keys": {"$in": ["b"]}, "linked_to": None}

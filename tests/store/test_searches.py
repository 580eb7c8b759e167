"""Searches on a real database: they find what `matches` finds in memory, through every index and in every order."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.attributes.users import USER
from app.domain.filters import Filter
from app.domain.kinds import Order
from app.domain.paging import Bounds, PageRequest, Position
from app.search.language import parse_query
from app.store import planner
from app.store.database import Database
from app.store.records import Records
from tests.world import World

FIELDS = {name: field for name, (field, _) in USER.search_fields().items()}
NAMES = ["Jane Doe", "José Núñez", "jane roe", "Łukasz", "李小龙", "Straße", "O'Brien", None]
VALUES: list[Any] = [
    "fr",
    "FR",
    "de",
    "30",
    30,
    30.5,
    -1,
    True,
    False,
    None,
    ["fr", 30],
    {"a": "fr"},
    [{"a": 1}],
    "",
    {},
    [],
]
WORDS = [
    "jane",
    "jose",
    "doe",
    "li",
    "李小",
    "straße",
    "fr",
    "30",
    "-1",
    "30.5",
    "true",
    "ja*",
    "*ane*",
    "*doe",
    "j*e",
    "*",
]
RANGES = ["[10 TO 40]", "{30 TO *]", "[* TO fr}", "[a TO g]", ">=30", "<30", ">a"]
METADATA = ["user_metadata.x", "user_metadata.x.a", "user_metadata.y", "app_metadata.x"]
CLAUSES = [
    *WORDS[:6],
    *(f"{path}:{word}" for path in METADATA for word in [*WORDS[:13], *RANGES]),
    *(f"_exists_:{path}" for path in [*METADATA, "name", "last_login", "username"]),
    *(f"name:{word}" for word in WORDS),
    *(f"logins_count:{each}" for each in ("3", "[1 TO 5]", ">2", "<=2")),
    *(f"last_login:{each}" for each in ("2026-01", "<2026-02", "[2026-01-10 TO 2026-01-20]", ">now-1d")),
    *("blocked:true", "email.domain:a.example", "email:user1@a.example", "identities.provider:auth0"),
]
QUERY = st.recursive(
    st.sampled_from(CLAUSES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR ", " "]), inner).map(lambda each: f"({''.join(each)})"),
        inner.map(lambda each: f"(NOT {each})"),
    ),
    max_leaves=4,
)
ORDERS = [
    Order(field, direction, field in ("last_login", "name_folded", "email_folded"))
    for field in ("created_at", "updated_at", "last_login", "logins_count", "name_folded", "email_folded")
    for direction in (1, -1)
]


class Documents(list[dict[str, Any]]):
    """Stored documents. hypothesis prints its arguments, so they need a short text."""

    def __repr__(self) -> str:
        return f"<{len(self)} documents>"


@pytest.fixture(scope="module")
async def people(database: Database) -> Documents:
    """The stored documents of 64 users of one tenant. Another tenant has the same users."""
    for tenant in ("searches", "searches-other"):
        world = World(tenant, database, None, None)  # type: ignore[arg-type]
        for number in range(64):
            await world.add_user(
                f"user{number}",
                name=NAMES[number % len(NAMES)],
                email=f"user{number}@{'ab'[number % 2]}.example" if number % 5 else None,
                blocked=number % 7 == 0,
                logins_count=number % 4,
                last_login=datetime(2026, 1 + number % 3, 1 + number % 28) if number % 3 else None,
                user_metadata={"x": VALUES[number % len(VALUES)], "y": VALUES[number // 4]},
                app_metadata={"x": VALUES[(number * 5) % len(VALUES)]} if number % 2 else {},
                created_at=datetime(2026, 1, 1 + number // 8),
            )
    return Documents(await database["users"].find({"tenant": "searches"}).to_list(None))


async def find_all(database: Database, where: Filter, order: Order, size: int) -> list[Any]:
    """The keys of all pages."""
    records, found, bounds = Records(database), list[dict[str, Any]](), Bounds()
    for _ in range(100):
        page = await records.find_page(USER, "searches", where, order, PageRequest(size), bounds, ["user_id"])
        found += [dict(each) for each in page[:size]]
        if len(page) <= size:
            break
        last = page[size - 1]
        bounds = Bounds(after=Position(last.get(order.field), last["_id"]))
    return [each["_id"] for each in found]


def sort_key(record: dict[str, Any], order: Order) -> tuple[bool, Any, Any]:
    """A missing value is smaller than every other value."""
    value = record.get(order.field)
    return (value is not None, value if value is not None else 0, record["_id"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=QUERY, order=st.sampled_from(ORDERS), size=st.sampled_from([7, 100]), limit=st.sampled_from([1, 3, 2_000]))
async def test_search_finds_what_matches_in_memory(
    database: Database, people: Documents, text: str, order: Order, size: int, limit: int
) -> None:
    """`limit` makes conditions rare or common, so that each index leads in some examples."""
    where = parse_query(text, FIELDS).where
    expected = sorted((each for each in people if where.matches(each)), key=lambda each: sort_key(each, order))
    if order.direction == -1:
        expected.reverse()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planner, "RARE", limit)
        found = await find_all(database, where, order, size)
    assert found == [each["_id"] for each in expected]

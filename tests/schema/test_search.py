"""`users(query, where, orderBy)` and `searchFields`: every construct with what it finds and what it must not find."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.times import now
from app.domain.users import Identity
from app.store.roles import RoleStore
from tests.world import World

SEARCH = """
query ($text: String, $where: UserFilter, $orderBy: UserOrder, $first: Int, $after: String) {
  users(query: $text, where: $where, orderBy: $orderBy, first: $first, after: $after) {
    nodes { userId } totalCount { value exact } pageInfo { endCursor hasNextPage }
  }
}
"""
JOSE, JANE, LI, OLD = "jose", "jane", "li", "old"


@dataclass(frozen=True)
class People:
    """Four users of a tenant, one user of another tenant with the same data as José, and a linked profile."""

    world: World
    token: str

    async def found(self, **variables: Any) -> set[str]:
        """The handles of the users that a search finds."""
        data = await self.world.ask(SEARCH, self.token, **variables)
        return {each["userId"].partition("|")[2] for each in data["users"]["nodes"]}

    async def refusal(self, **variables: Any) -> Any:
        """The only error of a search that is refused."""
        answer = (await self.world.post(SEARCH, self.token, **variables)).json()
        assert answer["data"] == {"users": None}
        [error] = answer["errors"]
        return error


@pytest.fixture
async def people(world: World) -> People:
    support = await world.add_role("Support")
    jose: dict[str, Any] = {
        "name": "José Ångström",
        "given_name": "José",
        "family_name": "Ångström",
        "email": "Jose@Example.com",
        "email_verified": True,
        "phone_number": "+4930123456",
        "user_metadata": {"lang": "fr", "age": 30, "tags": ["a", "b"], "address": {"city": "Köln"}, "vip": True},
        "app_metadata": {"plan": "gold", "seats": 2.5, "orders": [{"sku": "x1"}, {"sku": "y2"}]},
        "role_ids": (support,),
        "logins_count": 12,
        "last_login": datetime(2026, 1, 15, 12),
        "last_ip": "203.0.113.7",
    }
    await world.add_user(JOSE, **jose)
    await world.add_user(
        JANE,
        name="Jane Doe",
        nickname="jd",
        username="janedoe",
        email_verified=False,
        blocked=True,
        user_metadata={"lang": "de", "age": "30", "note": 'quoted "text" (x)', "address": None, "empty": {}},
        logins_count=3,
        last_login=now() - timedelta(days=100),
    )
    google = Identity(provider="google-oauth2", connection="google-oauth2", user_id=LI, is_social=True)
    await world.add_user(
        LI, "google-oauth2", "google-oauth2", identities=(google,), name="李小", email="li@other.org", last_login=now()
    )
    await world.add_user(OLD, name=None, email=None, user_metadata={"n": 9_007_199_254_740_993, "text": "x" * 400})
    elsewhere = replace(world, tenant=f"{world.tenant}-other")
    other = await elsewhere.add_user("stranger", **{**jose, "role_ids": ()})
    await world.add_user("hidden", **{**jose, "linked_to": other.id, "email": "hidden@example.com"})
    return People(world, world.application_token())


QUERIES: list[tuple[str, set[str]]] = [
    ("", {JOSE, JANE, LI, OLD}),
    ("*", {JOSE, JANE, LI, OLD}),
    # Terms without a field.
    ("jose", {JOSE}),
    ("ÅNGSTRÖM", {JOSE}),
    ("angstrom jose", {JOSE}),
    ("jose jane", set()),
    ("doe", {JANE}),
    ("do", set()),
    ("jd", {JANE}),
    ("李小", {LI}),
    ("小", set()),
    ("janedoe", {JANE}),
    ("auth0|jane", {JANE}),
    ("auth0|ja", {JANE}),
    ("-jane@example.com", {JOSE, LI, OLD}),
    ("NOT *", set()),
    ("auth0|jane OR auth0|jose", {JANE, JOSE}),
    ("angstrom OR qqqq", {JOSE}),
    (" ".join(["jane"] * 100), {JANE}),
    ("jane@example.com", {JANE}),
    ("JOSE@example.COM", {JOSE}),
    ("hidden@example.com", set()),
    ("+49 (30) 123-456", {JOSE}),
    ("(030) 123-456", {JOSE}),
    ("0049 30 123456", {JOSE}),
    ("+4930123457", set()),
    ("203.0.113.7", {JOSE}),
    ("::ffff:203.0.113.7", {JOSE}),
    ("203.0.113.70", set()),
    ('"jose ang"', {JOSE}),
    ("*@example.com", {JOSE, JANE}),
    ("jan*", {JANE}),
    ("ja*oe", {JANE}),
    # Texts.
    ("name:jose", set()),
    ('name:"jose angstrom"', {JOSE}),
    ("name:jose*", {JOSE}),
    ("name:*ngst*", {JOSE}),
    ("name:*strom", {JOSE}),
    ("name:j*m", {JOSE}),
    ("name:j*e", {JANE}),
    ("name:(jose* OR jane*)", {JOSE, JANE}),
    ("name:(jose* AND *strom)", {JOSE}),
    ("name:(j* -jane*)", {JOSE}),
    ('email:"jane@example.com"', {JANE}),
    ("email:jane@example.com", {JANE}),
    ("email.domain:example.com", {JOSE, JANE}),
    ("family_name:angstrom", {JOSE}),
    ("nickname:JD", {JANE}),
    ("username:janedo*", {JANE}),
    ('phone_number:"+49 30 123456"', {JOSE}),
    ('user_id:"auth0|jane"', {JANE}),
    ('user_id:"auth0|JANE"', set()),
    ("identities.connection:google-oauth2", {LI}),
    ("identities.connection:Google-OAuth2", set()),
    ("identities.provider:auth0", {JOSE, JANE, OLD}),
    ("identities.user_id:li", {LI}),
    ("last_ip:203.0.113.7", {JOSE}),
    # Booleans.
    ("blocked:true", {JANE}),
    ("blocked:false", {JOSE, LI, OLD}),
    ("email_verified:true", {JOSE}),
    ("email_verified:false", {JANE}),
    # Roles by role ID and by name.
    ("role:rol_support", {JOSE}),
    ("role:SUPPORT", {JOSE}),
    ("role:nobody", set()),
    ("role:nobody AND blocked:true", set()),
    ("NOT role:nobody AND blocked:true", {JANE}),
    ("NOT role:support", {JANE, LI, OLD}),
    # Numbers.
    ("logins_count:12", {JOSE}),
    ("logins_count:[3 TO 12]", {JOSE, JANE}),
    ("logins_count:{3 TO 12]", {JOSE}),
    ("logins_count:[3 TO 12}", {JANE}),
    ("logins_count:[10 TO *]", {JOSE}),
    ("logins_count:>=3 AND logins_count:<12", {JANE}),
    ("logins_count:(>=3 AND <12)", {JANE}),
    ("logins_count:>-1", {JOSE, JANE, LI, OLD}),
    ("logins_count:-1", set()),
    # Times.
    ("last_login:[2026-01-01 TO 2026-02-01}", {JOSE}),
    ("last_login:[2026-01-15 TO 2026-01-15]", {JOSE}),
    ("last_login:{2026-01-15 TO *]", {JANE, LI}),
    ("last_login:2026-01", {JOSE}),
    ('last_login:"2026-01-15T12:00:00Z"', {JOSE}),
    ("last_login:<now-90d", {JOSE, JANE}),
    ("last_login:>now-1d", {LI}),
    ("last_login:[* TO *]", {JOSE, JANE, LI}),
    ("last_login:[2026-01-01 TO 9999-12-31]", {JOSE, JANE, LI}),
    # Metadata.
    ("user_metadata.lang:fr", {JOSE}),
    ("user_metadata.lang:(fr OR de)", {JOSE, JANE}),
    ("user_metadata.lang:FR", {JOSE}),
    ("user_metadata.age:30", {JOSE, JANE}),
    ("user_metadata.age:[29 TO 31]", {JOSE}),
    ("user_metadata.tags:b", {JOSE}),
    ("user_metadata.tags:c", set()),
    ("user_metadata.address.city:koln", {JOSE}),
    ("user_metadata.address.city:k*", {JOSE}),
    ("user_metadata.address.city:*oel*", set()),
    ("user_metadata.address.city:*oln", {JOSE}),
    ("user_metadata.vip:true", {JOSE}),
    ('user_metadata.note:"quoted \\"text\\" (x)"', {JANE}),
    ("user_metadata.note:quoted*", {JANE}),
    ("user_metadata.n:9007199254740993", {OLD}),
    ("user_metadata.n:9007199254740992", set()),
    (f"user_metadata.text:{'x' * 400}", {OLD}),
    (f"user_metadata.text:{'x' * 399}", set()),
    ("app_metadata.plan:gold", {JOSE}),
    ("app_metadata.seats:[2 TO 3]", {JOSE}),
    ("app_metadata.seats:2.5", {JOSE}),
    ("app_metadata.orders.sku:y2", {JOSE}),
    # Existence.
    ("_exists_:user_metadata.address", {JOSE}),
    ("_exists_:user_metadata.empty", {JANE}),
    ("_exists_:user_metadata.address.city", {JOSE}),
    ("_exists_:app_metadata", {JOSE}),
    ("_exists_:phone_number", {JOSE}),
    ("_exists_:last_login", {JOSE, JANE, LI}),
    ("_exists_:email AND NOT _exists_:username", {JOSE, LI}),
    ("name:*", {JOSE, JANE, LI}),
    # Combinations.
    ("user_metadata.lang:fr AND app_metadata.plan:gold", {JOSE}),
    ("user_metadata.lang:fr AND app_metadata.plan:silver", set()),
    ("user_metadata.lang:fr OR blocked:true", {JOSE, JANE}),
    ("(user_metadata.lang:fr OR blocked:true) AND NOT blocked:true", {JOSE}),
    ("user_metadata.lang:fr OR name:jane*", {JOSE, JANE}),
    ("logins_count:12 OR name:*doe*", {JOSE, JANE}),
    ("NOT blocked:true", {JOSE, LI, OLD}),
    ("-blocked:true +_exists_:email", {JOSE, LI}),
    ("NOT (blocked:true OR user_metadata.lang:fr)", {LI, OLD}),
    ("NOT name:*ose*", {JANE, LI, OLD}),
]


async def test_queries_find_exactly_these_users(people: People) -> None:
    found = {query: await people.found(text=query) for query, _ in QUERIES}
    assert found == dict(QUERIES)


WHERES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {JOSE, JANE, LI, OLD}),
    ({"userId": {"eq": "auth0|jane"}}, {JANE}),
    ({"userId": {"eq": "auth0|JANE"}}, set()),
    ({"userId": {"in": ["auth0|jane", "google-oauth2|li"]}}, {JANE, LI}),
    ({"email": {"eq": "JOSE@example.com"}}, {JOSE}),
    ({"email": {"in": []}}, set()),
    ({"name": {"startsWith": "jose"}}, {JOSE}),
    ({"name": {"contains": "NGST"}}, {JOSE}),
    ({"name": {"contains": "jos*"}}, set()),
    ({"name": {"exists": False}}, {OLD}),
    ({"name": {"startsWith": "j", "contains": "doe"}}, {JANE}),
    ({"username": {"exists": True}}, {JANE}),
    ({"phoneNumber": {"startsWith": "+4930"}}, {JOSE}),
    ({"connection": "google-oauth2"}, {LI}),
    ({"role": "rol_support"}, {JOSE}),
    ({"role": "support"}, {JOSE}),
    ({"role": "nobody"}, set()),
    ({"blocked": True}, {JANE}),
    ({"blocked": False, "emailVerified": True}, {JOSE}),
    ({"loginsCount": {"eq": 12}}, {JOSE}),
    ({"loginsCount": {"gte": 3, "lt": 12}}, {JANE}),
    ({"loginsCount": {"gt": 3}}, {JOSE}),
    ({"loginsCount": {"lte": 3, "exists": True}}, {JANE, LI, OLD}),
    ({"lastLogin": {"gte": "2026-01-01T00:00:00Z", "lt": "2026-02-01T00:00:00Z"}}, {JOSE}),
    ({"lastLogin": {"exists": False}}, {OLD}),
    ({"createdAt": {"gt": "2026-01-01T00:00:00Z"}}, {JOSE, JANE, LI, OLD}),
    ({"userMetadata": [{"path": "lang", "eq": "FR"}]}, {JOSE}),
    ({"userMetadata": [{"path": "age", "eq": 30}]}, {JOSE}),
    ({"userMetadata": [{"path": "age", "eq": "30"}]}, {JANE}),
    ({"userMetadata": [{"path": "age", "eq": None}]}, {LI, OLD}),
    ({"userMetadata": [{"path": "lang", "in": ["fr", "de"]}, {"path": "vip", "eq": True}]}, {JOSE}),
    ({"userMetadata": [{"path": "age", "gte": 29, "lt": 31}]}, {JOSE}),
    ({"userMetadata": [{"path": "lang", "gt": "de"}]}, {JOSE}),
    ({"userMetadata": [{"path": "tags", "eq": "b"}]}, {JOSE}),
    ({"userMetadata": [{"path": "address", "exists": True}]}, {JOSE}),
    ({"userMetadata": [{"path": "address.city", "contains": "öln"}]}, {JOSE}),
    ({"appMetadata": [{"path": "plan", "startsWith": "go"}]}, {JOSE}),
    ({"or": [{"blocked": True}, {"name": {"startsWith": "jose"}}]}, {JOSE, JANE}),
    ({"or": []}, set()),
    ({"and": [{"blocked": False}, {"email": {"exists": True}}]}, {JOSE, LI}),
    ({"not": {"blocked": True}}, {JOSE, LI, OLD}),
    ({"not": {"or": [{"blocked": True}, {"userMetadata": [{"path": "lang", "eq": "fr"}]}]}}, {LI, OLD}),
]


async def test_typed_filters_find_exactly_these_users(people: People) -> None:
    for where, expected in WHERES:
        assert await people.found(where=where) == expected, where


async def test_query_and_typed_filter_must_both_match(people: People) -> None:
    assert await people.found(text="blocked:false", where={"name": {"startsWith": "jose"}}) == {JOSE}


# Each query with the column of the mistake and a part of the message.
MISTAKES: list[tuple[str, int, str]] = [
    ("name:jane AND", 14, "The query ends too early"),
    ("name:(jane", 11, "The query ends too early"),
    ("name:jane)", 10, "Unexpected ')'"),
    ('name:"jane', 6, "This quote is not closed"),
    ("AND jane", 1, "Unexpected 'AND'"),
    ("logins_count:>-5 AND AND x", 22, "Unexpected 'AND'"),
    ("nmae:jane", 1, "Did you mean name?"),
    ("jane AND zzz:1", 10, "searchFields lists the fields"),
    ("_exists_:nmae", 10, "Did you mean name?"),
    ("name:jane~", 6, "Fuzzy search"),
    ('"jane doe"~2', 1, "Proximity search"),
    ("name:jane^2", 6, "Boosts"),
    ("name:/jane/", 6, "Regular expressions"),
    ("name:ja?e", 6, "The wildcard ? is not supported"),
    ("name:*an*", 6, "at least 3 letters"),
    ("jane && doe", 6, "Write AND"),
    ("jane || doe", 6, "Write OR"),
    ("!jane", 1, "Write NOT"),
    ("[1 TO 2]", 1, "A range needs a field"),
    ("name:email:x", 6, "A field cannot be inside a field"),
    ("logins_count:many", 14, "is a number"),
    ("logins_count:9223372036854775808", 14, "at most 64 bits"),
    ("logins_count:>9223372036854775808", 14, "at most 64 bits"),
    ("last_login:now-1d", 12, "needs < or >"),
    ("name:*abc" + "*a" * 10, 6, "at most 10 parts"),
    ("\u0301", 1, "no letters or digits"),
    ("logins_count:1*", 14, "is not a text"),
    ("blocked:maybe", 9, "true or false"),
    ("blocked:[true TO false]", 9, "has no range"),
    ("last_login:yesterday", 12, "is a time"),
    ("user_metadata.until:<now-1d", 21, "relative to now"),
    ("role:supp*", 6, "by its ID or its whole name"),
    ("role:[a TO b]", 6, "by its ID or its whole name"),
]


async def test_mistake_in_query_is_shown_at_its_place(people: People) -> None:
    for text, column, problem in MISTAKES:
        error = await people.refusal(text=text)
        message, line, caret = error["message"].rsplit("\n", 2)
        assert problem in message, (text, message)
        assert message.endswith(f"Line 1, column {column}:"), (text, message)
        assert (line, caret) == (text, " " * (column - 1) + "^")
        extensions = error["extensions"]
        assert (extensions["code"], extensions["line"], extensions["column"]) == ("BAD_USER_INPUT", 1, column)


async def test_mistake_in_second_line_is_shown_there(people: People) -> None:
    error = await people.refusal(text="name:jane\nAND zzz:1")
    assert (error["extensions"]["line"], error["extensions"]["column"]) == (2, 5)
    assert error["message"].endswith("\nAND zzz:1\n    ^")


# Typed filters that are refused, with the path of the mistake in the input.
REFUSED_FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": {}}, ["where", "name"]),
    ({"name": None}, ["where", "name"]),
    ({"name": {"eq": None}}, ["where", "name", "eq"]),
    ({"name": {"contains": "an"}}, ["where", "name"]),
    ({"loginsCount": {"gt": 1, "gte": 1}}, ["where", "loginsCount"]),
    ({"userMetadata": [{"path": "a"}]}, ["where", "userMetadata", "0"]),
    ({"userMetadata": [{"path": "a", "eq": {"b": 1}}]}, ["where", "userMetadata", "0"]),
    ({"userMetadata": [{"path": "a", "gte": 1, "lt": "b"}]}, ["where", "userMetadata", "0"]),
    ({"userMetadata": [{"path": "a", "gte": True}]}, ["where", "userMetadata", "0"]),
    ({"or": [{"name": {"contains": "a"}}]}, ["where", "or", "0", "name"]),
    ({"not": {"name": {"contains": "a"}}}, ["where", "not", "name"]),
]


async def test_refused_filter_names_the_place_in_the_input(people: People) -> None:
    for where, path in REFUSED_FILTERS:
        error = await people.refusal(where=where)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["input"] == path, where


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * 4_001, "at most 4000 characters"),
        (" ".join(["a"] * 201), "at most 200 values"),
        ("(" * 21 + "a" + ")" * 21, "at most 20 nested parentheses"),
        ("-" * 51 + "a", "at most 50 negations"),
        (
            " ".join("(" + " OR ".join("abcdefghij") + f" OR x{number})" for number in range(9)),
            "at most 400 conditions",
        ),
    ],
)
async def test_query_has_bounds(people: People, text: str, problem: str) -> None:
    assert problem in (await people.refusal(text=text))["message"]


async def test_typed_filter_has_bounds(people: People) -> None:
    values = {"userId": {"in": [str(number) for number in range(100)]}}
    error = await people.refusal(where={"and": [values, values, values]})
    assert "at most 200 values" in error["message"]


@pytest.mark.parametrize(
    "search",
    [
        {"text": "app_metadata.plan:gold"},
        {"text": "NOT app_metadata.plan:gold"},
        {"text": "_exists_:app_metadata"},
        {"where": {"appMetadata": [{"path": "plan", "eq": "gold"}]}},
        {"where": {"not": {"appMetadata": [{"path": "plan", "eq": "gold"}]}}},
    ],
)
async def test_search_needs_the_right_to_read_the_field(people: People, search: dict[str, Any]) -> None:
    token = people.world.application_token(["read:users"])
    error = await replace(people, token=token).refusal(**search)
    assert error["extensions"] == {"code": "FORBIDDEN", "scopes": [["read:users_app_metadata"]]}


async def test_search_needs_the_right_to_list_users(people: People) -> None:
    token = people.world.application_token(["read:users_app_metadata"])
    error = await replace(people, token=token).refusal(text="app_metadata.plan:gold")
    assert error["extensions"] == {"code": "FORBIDDEN", "scopes": [["read:users"]]}


FIELDS = "{ searchFields { name type searchable sortable description example } }"


async def test_search_fields_are_those_of_the_caller(people: People) -> None:
    everything = (await people.world.ask(FIELDS, people.token))["searchFields"]
    names = {each["name"] for each in everything}
    assert {"email", "email.domain", "user_metadata.*", "app_metadata.*", "role", "identities.user_id"} <= names
    fewer = await people.world.ask(FIELDS, people.world.application_token(["read:users"]))
    assert {each["name"] for each in fewer["searchFields"]} == names - {"app_metadata.*"}
    nothing = await people.world.ask(FIELDS, people.world.user_token("auth0|jose"))
    assert nothing["searchFields"] == []


async def test_every_example_of_search_fields_can_be_searched(people: People) -> None:
    for each in (await people.world.ask(FIELDS, people.token))["searchFields"]:
        assert each["description"]
        await people.found(text=each["example"])


ORDERS = [
    ("CREATED_AT", [JOSE, JANE, LI, OLD]),
    ("LAST_LOGIN", [OLD, JOSE, JANE, LI]),
    ("NAME", [OLD, JANE, JOSE, LI]),
    ("EMAIL", [OLD, JANE, JOSE, LI]),
    ("LOGINS_COUNT", [LI, OLD, JANE, JOSE]),
]
PAGE = """
query ($orderBy: UserOrder, $text: String, $first: Int, $after: String, $last: Int, $before: String) {
  users(query: $text, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    nodes { userId } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}
"""


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(("by", "ascending"), ORDERS)
@pytest.mark.parametrize("text", [None, "_exists_:user_metadata OR NOT blocked:true"])
async def test_pages_follow_the_order_in_both_directions(
    people: People, by: str, ascending: list[str], direction: str, text: str | None
) -> None:
    expected = ascending if direction == "ASC" else ascending[::-1]
    common = {"orderBy": {"by": by, "direction": direction}, "text": text}
    for size, start, end in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
        found: list[str] = []
        cursor = None
        for _ in range(4):
            page = (await people.world.ask(PAGE, people.token, **common, **{size: 1, start: cursor}))["users"]
            found += [each["userId"].partition("|")[2] for each in page["nodes"]]
            cursor = page["pageInfo"][end]
        assert not page["pageInfo"]["hasNextPage" if size == "first" else "hasPreviousPage"]
        assert found == (expected if size == "first" else expected[::-1])


async def test_cursor_with_a_relative_time_serves_the_next_page(people: People) -> None:
    text = "last_login:<now-1m"
    page = (await people.world.ask(PAGE, people.token, text=text, first=1))["users"]
    following = await people.world.ask(PAGE, people.token, text=text, first=1, after=page["pageInfo"]["endCursor"])
    assert page["nodes"] != following["users"]["nodes"] != []


async def test_cursor_of_another_query_is_refused(people: People) -> None:
    page = (await people.world.ask(PAGE, people.token, text="jose OR jane", first=1))["users"]
    error = await people.refusal(text="jose OR li", after=page["pageInfo"]["endCursor"])
    assert "cursor" in error["message"]


async def test_user_is_found_immediately_after_the_write(people: People) -> None:
    change = """mutation ($patch: JSON!) {
      updateUserMetadata(input: {userId: "auth0|jane", patch: $patch}) { errors { message } }
    }"""
    for number in range(20):
        await people.world.ask(change, people.token, patch={"number": number})
        assert await people.found(text=f"user_metadata.number:{number}") == {JANE}
        assert await people.found(text=f"user_metadata.number:{number - 1}") == set()


async def test_deleted_role_is_no_longer_searched(people: People) -> None:
    delete = 'mutation { deleteRole(input: {roleId: "rol_support"}) { errors { message } } }'
    await people.world.ask(delete, people.token)
    assert await people.found(text="role:support") == set()
    await RoleStore(people.world.database).clear()
    jose = await people.world.database["users"].find_one({"tenant": people.world.tenant, "user_id": "auth0|jose"})
    assert not [each for each in jose["terms"] if each.startswith("role\0")]


async def test_number_that_json_does_not_allow_is_refused(people: People) -> None:
    content = (
        '{"query": "query ($x: JSON) { users(where: {userMetadata: [{path: \\"a\\", eq: $x}]}) { nodes { id } } }"'
    )
    headers = {"authorization": f"Bearer {people.token}", "content-type": "application/json"}
    answer = await people.world.client.post(
        "/graphql", content=f'{content}, "variables": {{"x": NaN}}}}', headers=headers
    )
    assert answer.json()["errors"][0]["extensions"]["code"] in ("BAD_REQUEST", "BAD_USER_INPUT")


async def test_boost_after_existence_is_refused(people: People) -> None:
    error = await people.refusal(text="_exists_:name" + "^1" * 1_500)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"

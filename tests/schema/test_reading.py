"""Queries: lists, lookups, history, permissions and `raw`, and the number of database commands."""

from datetime import timedelta

import pytest

from app.domain.connections import SyncRootAttributes
from app.domain.ids import encode_id
from app.domain.logs import FieldChange, LogEventType
from app.domain.times import format_time, now
from app.store.database import new_id
from tests.world import DATABASE, World, codes

VIEWER = """{ viewer { userId version name givenName familyName nickname picture email emailVerified userMetadata
  lastLogin loginsCount identities { provider connection isPrimary } roles { name } } }"""
FIELDS = """userId version name givenName familyName nickname picture email emailVerified userMetadata lastLogin
  loginsCount identities { provider connection isPrimary } roles { name }"""


async def test_viewer_is_one_database_command(world: World, commands: list[str]) -> None:
    await world.add_connection()
    role = await world.add_role("Editor")
    john = await world.add_user("john", role_ids=(role,))
    token = world.user_token(john)
    await world.ask(VIEWER, token)
    commands.clear()
    viewer = (await world.ask(VIEWER, token))["viewer"]
    assert commands == ["find"]
    assert viewer["roles"] == [{"name": "Editor"}]
    assert viewer["identities"] == [{"provider": "auth0", "connection": DATABASE, "isPrimary": True}]


@pytest.mark.parametrize("users", [3, 40])
async def test_page_of_users_with_history_needs_fixed_commands(world: World, commands: list[str], users: int) -> None:
    role = await world.add_role("Editor")
    for number in range(users):
        user = await world.add_user(f"user{number}", role_ids=(role,))
        await world.add_event(user)
    query = f"""{{ users(first: 50) {{ nodes {{ {FIELDS} logEvents(first: 3) {{ nodes {{ type userId }} totalCount {{ value }} }} }} }}
      roles {{ nodes {{ name users(first: 2) {{ nodes {{ userId }} }} }} }} }}"""
    token = world.application_token()
    await world.ask(query, token)
    commands.clear()
    data = await world.ask(query, token)
    # The commands read the users, their events and the counts, and the roles and their users.
    assert sorted(commands) == ["aggregate", "aggregate", "find", "find", "find"]
    assert len(data["users"]["nodes"]) == users
    assert all(
        [event["userId"] for event in user["logEvents"]["nodes"]] == [user["userId"]]
        and user["logEvents"]["totalCount"] == {"value": 1}
        for user in data["users"]["nodes"]
    )


async def test_paging_both_ways_returns_each_user_once_newest_first(world: World) -> None:
    at = now()
    # Two users share each time, so that ties are tested, too.
    for number in range(11):
        await world.add_user(f"user{number:02}", created_at=at - timedelta(seconds=number // 2))
    token = world.application_token()
    everyone = [each["userId"] for each in (await world.ask("{ users { nodes { userId } } }", token))["users"]["nodes"]]
    assert len(everyone) == 11
    assert everyone[-1] == "auth0|user10"
    query = """query($first: Int, $after: String, $last: Int, $before: String) {
      users(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { userId } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value exact } } }"""
    forward, after = [], None
    while True:
        page = (await world.ask(query, token, first=4, after=after))["users"]
        assert page["totalCount"] == {"value": 11, "exact": True}
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        forward += [edge["node"]["userId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        assert after == page["edges"][-1]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert forward == everyone
    backward: list[str] = []
    before = None
    while True:
        page = (await world.ask(query, token, last=4, before=before))["users"]
        backward = [edge["node"]["userId"] for edge in page["edges"]] + backward
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == everyone


async def test_cursor_is_valid_for_its_list_only(world: World) -> None:
    for number in range(3):
        await world.add_user(f"user{number}")
        await world.add_event(None)
    token = world.application_token()
    page = await world.ask(
        "{ users(first: 1) { pageInfo { endCursor } } logEvents(first: 1) { pageInfo { endCursor } } }", token
    )
    users, events = page["users"]["pageInfo"]["endCursor"], page["logEvents"]["pageInfo"]["endCursor"]
    query = "query($after: String) { users(after: $after) { nodes { userId } } }"
    assert len((await world.ask(query, token, after=users))["users"]["nodes"]) == 2
    for stray in (events, "garbage", "", "bnVsbA", users[:-3]):
        answer = await world.post(query, token, after=stray)
        assert codes(answer) == ["BAD_USER_INPUT"], stray
        assert answer.json()["data"] == {"users": None}


async def test_cursor_of_another_tenant_is_refused(world: World) -> None:
    await world.add_user("one")
    other = World(world.tenant + "-other", world.database, world.client, world.data_dir)
    await other.add_user("two")
    cursor = (await other.ask("{ users { pageInfo { endCursor } } }", other.application_token()))["users"]["pageInfo"][
        "endCursor"
    ]
    answer = await world.post(
        "query($a: String) { users(after: $a) { nodes { userId } } }", world.application_token(), a=cursor
    )
    assert codes(answer) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "arguments", ["first: 0", "first: 1000", "first: -1", "last: 0", "last: 101", "first: 2, last: 2"]
)
async def test_page_size_out_of_range_is_refused(world: World, arguments: str) -> None:
    answer = await world.post(f"{{ users({arguments}) {{ nodes {{ userId }} }} }}", world.application_token())
    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_user_is_found_by_id_user_id_identity_and_email(world: World) -> None:
    await world.add_connection()
    await world.add_connection("google-oauth2", "google-oauth2")
    await world.add_connection("other-google", "google-oauth2")
    john = await world.add_user("john", email="John@Example.com")
    grace = await world.add_user("117", "google-oauth2", "google-oauth2", email=None)
    token = world.application_token()
    query = "query($by: UserBy!) { user(by: $by) { userId } }"

    async def found(**by: object) -> object:
        user = (await world.ask(query, token, by=by))["user"]
        return user and user["userId"]

    assert await found(id=encode_id("User", john.id)) == john.user_id
    assert await found(userId=john.user_id) == john.user_id
    assert await found(email={"email": "jOHN@example.COM", "connection": DATABASE}) == john.user_id
    assert await found(email={"email": "john@example.com", "connection": "elsewhere"}) is None
    assert await found(identity={"provider": "auth0", "userId": "john"}) == john.user_id
    assert await found(identity={"provider": "auth0", "userId": "john", "connection": "elsewhere"}) is None
    # A social account belongs to one user, regardless of the connection.
    for connection in (None, "google-oauth2", "other-google"):
        named = {"provider": "google-oauth2", "userId": "117", "connection": connection}
        assert await found(identity=named) == grace.user_id
    assert await found(userId="auth0|nobody") is None


async def test_ambiguous_identity_without_connection_is_refused(world: World) -> None:
    await world.add_connection("a", "oidc")
    await world.add_connection("b", "oidc")
    query = '{ user(by: {identity: {provider: "oidc", userId: "1"}}) { userId } }'
    assert codes(await world.post(query, world.application_token())) == ["BAD_USER_INPUT"]


async def test_node_and_nodes_return_every_type_and_null_if_unknown(world: World) -> None:
    await world.add_connection()
    role = await world.add_role("Editor")
    john = await world.add_user("john")
    event = await world.add_event(john)
    connection = await world.database["connections"].find_one({"tenant": world.tenant})
    ids = [
        encode_id("Role", role),
        encode_id("User", john.id),
        encode_id("User", new_id()),
        encode_id("LogEvent", event),
        encode_id("AuthConnection", connection["_id"]),
    ]
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ... on Role { name } ... on User { userId } ... on LogEvent { type } ... on AuthConnection { name } } }"""
    nodes = (await world.ask(query, world.application_token(), ids=ids))["nodes"]
    assert nodes == [
        {"__typename": "Role", "id": ids[0], "name": "Editor"},
        {"__typename": "User", "id": ids[1], "userId": "auth0|john"},
        None,
        {"__typename": "LogEvent", "id": ids[3], "type": "LOGIN_SUCCEEDED"},
        {"__typename": "AuthConnection", "id": ids[4], "name": DATABASE},
    ]
    one = await world.ask("query($id: ID!) { node(id: $id) { id } }", world.application_token(), id=ids[1])
    assert one == {"node": {"id": ids[1]}}


async def test_refused_node_is_null_and_others_are_returned(world: World) -> None:
    role, john = await world.add_role("Editor"), await world.add_user("john")
    ids = [encode_id("Role", role), encode_id("User", john.id)]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = await world.post(query, world.application_token(["read:users"]), ids=ids)
    assert answer.json()["data"]["nodes"] == [None, {"id": ids[1]}]
    assert codes(answer) == ["FORBIDDEN"]
    assert answer.json()["errors"][0]["path"] == ["nodes", 0]


@pytest.mark.parametrize("id", ["", "x", "VXNlcjo", encode_id("Nothing", "1"), encode_id("User", "no-object-id")])
async def test_invalid_id_is_refused_or_null(world: World, id: str) -> None:
    answer = await world.post("query($id: ID!) { node(id: $id) { id } }", world.application_token(), id=id)
    assert answer.json()["data"] == {"node": None}
    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_history_is_of_two_days_unless_more_is_requested(world: World) -> None:
    john = await world.add_user("john")
    at = now()
    for hours in (1, 47, 49, 500):
        await world.add_event(john, date=at - timedelta(hours=hours))
    await world.add_event(john, LogEventType.LOGIN_FAILED, date=at - timedelta(hours=2))
    query = """query($since: DateTime, $until: DateTime, $types: [LogEventType!]) {
      viewer { logEvents(since: $since, until: $until, types: $types) { nodes { date type } } } }"""

    async def dates(**arguments: object) -> int:
        return len((await world.ask(query, world.user_token(john), **arguments))["viewer"]["logEvents"]["nodes"])

    assert await dates() == 3
    assert await dates(since=format_time(at - timedelta(days=60))) == 5
    assert await dates(since=format_time(at - timedelta(hours=48)), until=format_time(at - timedelta(hours=1))) == 2
    assert await dates(types=["LOGIN_FAILED"]) == 1
    assert await dates(types=[]) == 0
    answer = await world.post(query, world.user_token(john), since="yesterday")
    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_permissions_of_roles_and_user_have_their_sources(world: World) -> None:
    read = {"api": "urn:shop", "name": "read:orders", "description": "See orders"}
    editor = await world.add_role("Editor", [read])
    john = await world.add_user("john", role_ids=(editor,), permissions=({"api": "urn:shop", "name": "read:orders"},))
    query = "{ viewer { permissions { name api sources { type roleId roleName } } } }"
    assert (await world.ask(query, world.user_token(john)))["viewer"]["permissions"] == [
        {
            "name": "read:orders",
            "api": "urn:shop",
            "sources": [
                {"type": "DIRECT", "roleId": None, "roleName": None},
                {"type": "ROLE", "roleId": "rol_editor", "roleName": "Editor"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("strategy", "sync", "import_mode", "editable"),
    [
        ("auth0", "ON_EACH_LOGIN", False, True),
        ("email", "ON_EACH_LOGIN", False, True),
        ("sms", "ON_EACH_LOGIN", False, True),
        ("custom", "ON_EACH_LOGIN", True, True),
        ("custom", "ON_EACH_LOGIN", False, False),
        ("custom", "NEVER", False, True),
        ("google-oauth2", "ON_EACH_LOGIN", False, False),
        ("google-oauth2", "ON_FIRST_LOGIN", False, True),
        ("samlp", "ON_EACH_LOGIN", False, False),
        ("samlp", "NEVER", False, True),
    ],
)
async def test_connection_decides_which_attributes_are_editable(
    world: World, strategy: str, sync: str, import_mode: bool, editable: bool
) -> None:
    await world.add_connection("conn", strategy, SyncRootAttributes(sync), import_mode)
    user = await world.add_user("u", strategy, "conn")
    token = world.user_token(user)
    shown = (await world.ask("{ viewer { rootAttributes { name editable code reason } } }", token))["viewer"][
        "rootAttributes"
    ]
    assert [each["name"] for each in shown] == ["NAME", "GIVEN_NAME", "FAMILY_NAME", "NICKNAME", "PICTURE"]
    assert all(each["editable"] is editable for each in shown)
    assert {each["code"] for each in shown} == {None if editable else "PROVIDER_OWNS_IT"}
    assert all((each["reason"] is None) is editable for each in shown)
    assert "syncRootAttributes" not in str(shown)
    write = 'mutation { updateRootAttributes(input: {name: "New"}) { user { name } errors { code path message } } }'
    payload = (await world.ask(write, token))["updateRootAttributes"]
    if editable:
        assert payload == {"user": {"name": "New"}, "errors": []}
    else:
        assert payload["user"] is None
        assert [(each["code"], each["path"]) for each in payload["errors"]] == [("NOT_EDITABLE", ["name"])]
        assert "syncRootAttributes" in payload["errors"][0]["message"]
        assert (await world.stored(user))["name"] == "U"


async def test_raw_has_readable_fields_in_snake_case_and_no_token(world: World) -> None:
    john = await world.add_user("john", user_metadata={"a": 1}, app_metadata={"secret": "s3cret"})
    path = "identities.0"
    secrets = {
        f"{path}.access_token": world.seal("tok-en"),
        f"{path}.profile_data": '{"id_token":"tok-en","app_metadata":1,"x":{"Password":"tok-en","y":2}}',
    }
    await world.database["users"].update_one({"_id": john.id}, {"$set": secrets})
    for token, sees in ((world.user_token(john), False), (world.application_token(), True)):
        query = '{ user(by: {userId: "auth0|john"}) { raw identities { profileData } } }'
        user = (await world.ask(query, token))["user"]
        raw = user["raw"]
        assert raw["user_id"] == "auth0|john"
        assert raw["user_metadata"] == {"a": 1}
        assert ("app_metadata" in raw) is sees
        assert raw["identities"][0]["profile_data"] == {"x": {"y": 2}}
        assert user["identities"] == [{"profileData": {"x": {"y": 2}}}]
        assert "tok-en" not in str(raw)
        assert not {"_id", "tenant", "keys", "provenance", "name_folded", "schema_version"} & set(raw)


async def test_provider_tokens_need_their_scope(world: World) -> None:
    john = await world.add_user("john")
    await world.database["users"].update_one(
        {"_id": john.id}, {"$set": {"identities.0.access_token": world.seal("tok-en")}}
    )
    query = '{ user(by: {userId: "auth0|john"}) { identities { provider accessToken } } }'
    allowed = await world.ask(query, world.application_token(["read:users", "read:user_idp_tokens"]))
    assert allowed["user"]["identities"] == [{"provider": "auth0", "accessToken": "tok-en"}]
    refused = await world.post(query, world.application_token(["read:users"]))
    assert refused.json()["data"]["user"]["identities"] == [{"provider": "auth0", "accessToken": None}]
    assert codes(refused) == ["FORBIDDEN"]


async def test_metadata_is_returned_as_a_whole_or_by_paths(world: World) -> None:
    document = {"address": {"city": "Paris", "lines": [{"a": 1}]}, "tags": ["x"], "empty": {}}
    john = await world.add_user("john", user_metadata=document)
    jane = await world.add_user("jane")
    query = "query($paths: [String!]) { viewer { whole: userMetadata some: userMetadata(paths: $paths) } }"
    paths = ["address.city", "tags", "address.lines.a", "nothing", "tags.0"]
    viewer = (await world.ask(query, world.user_token(john), paths=paths))["viewer"]
    assert viewer == {"whole": document, "some": {"address": {"city": "Paris"}, "tags": ["x"]}}
    assert (await world.ask(query, world.user_token(jane), paths=paths))["viewer"] == {"whole": {}, "some": {}}


async def test_caller_returns_the_claims_of_the_token(world: World) -> None:
    john = await world.add_user("john")
    query = "{ caller { kind subject tenant scopes user { userId } } }"
    assert (await world.ask(query, world.user_token(john, ["read:current_user"])))["caller"] == {
        "kind": "USER",
        "subject": "auth0|john",
        "tenant": world.tenant,
        "scopes": ["read:current_user"],
        "user": {"userId": "auth0|john"},
    }
    tool = await world.ask("{ caller { kind user { id } } viewer { id } }", world.application_token())
    assert tool == {"caller": {"kind": "APPLICATION", "user": None}, "viewer": None}
    unknown = await world.ask("{ caller { kind user { id } } viewer { id } }", world.user_token("auth0|new"))
    assert unknown == {"caller": {"kind": "USER", "user": None}, "viewer": None}


async def test_blocked_user_is_refused_by_every_query(world: World) -> None:
    john = await world.add_user("john", blocked=True)
    for query in (
        "{ caller { kind } }",
        "{ viewer { name } }",
        'mutation { updateRootAttributes(input: {name: "x"}) { errors { code } } }',
    ):
        answer = await world.post(query, world.user_token(john))
        assert answer.status_code == 403
        assert codes(answer) == ["USER_BLOCKED"]
    assert await world.events(john) == []


async def test_roles_are_ordered_by_name_and_found_by_its_parts(world: World) -> None:
    for name in ("Zebra", "admin", "Billing.Admin"):
        await world.add_role(name)
    token = world.application_token()

    async def names(contains: str | None) -> list[str]:
        query = "query($n: String) { roles(nameContains: $n) { nodes { name } } }"
        return [each["name"] for each in (await world.ask(query, token, n=contains))["roles"]["nodes"]]

    assert await names(None) == ["admin", "Billing.Admin", "Zebra"]
    assert await names("ADMIN") == ["admin", "Billing.Admin"]
    assert await names("g.a") == ["Billing.Admin"]
    assert await names(".*") == []
    assert (await world.ask('{ role(roleId: "rol_zebra") { name } }', token))["role"] == {"name": "Zebra"}
    assert (await world.ask('{ role(roleId: "rol_none") { name } }', token))["role"] is None


async def test_total_count_is_a_lower_bound_above_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.searches.MAX_COVERED_COUNT", 2)
    for number in range(3):
        await world.add_user(f"user{number}")
    data = await world.ask("{ users(first: 1) { totalCount { value exact } } }", world.application_token())
    assert data["users"]["totalCount"] == {"value": 2, "exact": False}


async def test_event_shows_changes_client_and_type(world: World) -> None:
    john = await world.add_user("john")
    change = FieldChange("user_metadata.color", "blue", None)
    await world.add_event(john, LogEventType.USER_METADATA_UPDATED, changes=(change,), client_id="web", user_version=2)
    query = """{ viewer { logEvents { nodes {
      code type description clientId userVersion changes { path before after } } } } }"""
    event = (await world.ask(query, world.user_token(john)))["viewer"]["logEvents"]["nodes"][0]
    assert event == {
        "code": "sapi",
        "type": "USER_METADATA_UPDATED",
        "description": "Updated user_metadata",
        "clientId": "web",
        "userVersion": 2,
        "changes": [{"path": "user_metadata.color", "before": "blue", "after": None}],
    }

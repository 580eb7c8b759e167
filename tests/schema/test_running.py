"""A request that runs while its caller is blocked, deleted or created: each write reads the caller again."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.domain.commits import Commit
from app.domain.rules import READING, WRITING
from app.domain.users import User
from app.policy.rules import require
from app.services.callers import Callers
from app.services.password_hashes import PasswordHashes
from app.store.commits import Commits
from app.store.errors import Conflict
from tests.graphql_schema import fields_of
from tests.schema.matrix.mutations import ALL_MUTATIONS
from tests.world import ALL_SCOPES, DATABASE, World, codes

BATCH = "mutation($updates: [UpdateUserInput!]!) { updateUsers(input: {updates: $updates}) { results { index user { version } errors { code } } errors { code } } }"
PUBLIC_MUTATIONS = {
    "signUp": f'mutation {{ signUp(input: {{connection: "{DATABASE}", email: "a@example.com", password: "x"}}) {{ errors {{ code }} }} }}',
    "redeemTicket": 'mutation { redeemTicket(input: {ticket: "x"}) { errors { code } } }',
}
MUTATIONS = {**ALL_MUTATIONS, **PUBLIC_MUTATIONS}
Step = Callable[[], Awaitable[Any]]


@pytest.fixture
async def two(world: World) -> tuple[User, User]:
    await world.add_connection()
    await world.add_role("Editor")
    return await world.add_user("jane", username="janey"), await world.add_user("john")


def after_identification(monkeypatch: pytest.MonkeyPatch, step: Step, times: int = 1) -> None:
    """Runs `step` once, after the service has identified the caller `times` times."""
    steps = [step, *[None] * (times - 1)]

    def patch(name: str) -> None:
        identify = getattr(Callers, name)

        async def identified(self: Callers, *arguments: Any) -> Any:
            found = await identify(self, *arguments)
            taken = steps.pop() if steps else None
            if taken is not None:
                await taken()
            return found

        monkeypatch.setattr(Callers, name, identified)

    patch("identify")
    patch("identify_writer")


def before_write(monkeypatch: pytest.MonkeyPatch, number: int, step: Step) -> None:
    """Runs `step` once, right before the commit of the write with this number."""
    execute, writes = Commits.execute, []

    async def executed(self: Commits, commit: Commit) -> None:
        writes.append(1)
        if len(writes) == number:
            await step()
        await execute(self, commit)

    monkeypatch.setattr(Commits, "execute", executed)


def block(world: World, user: User) -> Step:
    """Returns a step that blocks the user directly in the database, like an administrator in another process."""

    async def step() -> None:
        await world.database["users"].update_one({"_id": user.id}, {"$set": {"blocked": True}, "$inc": {"version": 1}})

    return step


async def content(world: World) -> str:
    """Returns all documents of the tenant as JSON, without the fields `blocked` and `version`."""
    found: dict[str, Any] = {}
    for name in sorted(await world.database.database.list_collection_names()):
        documents = await world.database[name].find({"tenant": world.tenant}).sort("_id").to_list(None)
        unblocked = [
            {key: value for key, value in each.items() if key not in ("blocked", "version")} for each in documents
        ]
        found[name] = unblocked
    return json.dumps(found, default=str)


def test_every_mutation_is_tested_with_a_blocked_caller() -> None:
    assert {*MUTATIONS, "updateUsers"} == set(fields_of("Mutation"))


@pytest.mark.parametrize("about_self", [True, False], ids=["about self", "about another"])
@pytest.mark.parametrize("name", MUTATIONS)
async def test_mutation_of_a_caller_blocked_during_request_is_refused(
    world: World, two: tuple[User, User], name: str, about_self: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane, john = two
    caller = john if about_self else jane
    before = await content(world)
    after_identification(monkeypatch, block(world, caller))
    answer = await world.post(MUTATIONS[name], world.user_token(caller, ALL_SCOPES))
    assert codes(answer) == ["USER_BLOCKED"]
    assert answer.json()["data"] == {name: None}
    assert await content(world) == before


async def test_device_credential_is_refused_after_a_block(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    after_identification(monkeypatch, block(world, two[0]))
    query = f'{{ deviceCredential(tokenHash: "{"0" * 64}") {{ id }} }}'
    assert codes(await world.post(query, world.user_token(two[0], ALL_SCOPES))) == ["USER_BLOCKED"]


async def test_write_does_not_look_up_an_application(world: World, two: tuple[User, User], commands: list[str]) -> None:
    query = 'mutation { updateUserMetadata(input: {userId: "auth0|john", patch: {a: 1}}) { errors { code } } }'
    await world.ask(query, world.application_token(ALL_SCOPES))
    commands.clear()
    await world.ask(query.replace("a: 1", "a: 2"), world.application_token(ALL_SCOPES))
    assert commands == ["find", "update", "insert", "commitTransaction"]


@pytest.mark.parametrize("user_id", ["", 'userId: "auth0|john", '], ids=["implied", "named"])
async def test_users_own_write_takes_four_commands(
    world: World, two: tuple[User, User], commands: list[str], user_id: str
) -> None:
    """The profile is read once, to identify the caller. The payload is made of the written profile."""
    mutation = "mutation { updateUserMetadata(input: {%spatch: {a: %d}}) { user { %s } errors { code } } }"
    fields, token = (
        "id version name userMetadata raw identities { connection } roles { name }",
        world.user_token(two[1]),
    )
    await world.ask(mutation % (user_id, 1, fields), token)
    commands.clear()
    written = (await world.ask(mutation % (user_id, 2, fields), token))["updateUserMetadata"]
    assert commands == ["find", "update", "insert", "commitTransaction"]
    assert written["user"] == (await world.ask(f"{{ viewer {{ {fields} }} }}", token))["viewer"]


@pytest.mark.parametrize(
    "first",
    [
        "updateUserMetadata(input: {patch: {a: 1}})",
        'updateUsers(input: {updates: [{userId: "auth0|john", update: {userMetadata: {a: 1}}}]})',
    ],
    ids=["single", "batch"],
)
async def test_second_write_of_a_request_starts_from_the_first(
    world: World, two: tuple[User, User], first: str
) -> None:
    """The second write removes a key that only the first write sets. It must not start from an older profile."""
    second = "updateUserMetadata(input: {patch: {a: null}}) { user { version userMetadata } errors { code } }"
    answer = await world.ask(
        f"mutation {{ one: {first} {{ errors {{ code }} }} two: {second} }}", world.user_token(two[1])
    )
    assert answer["two"] == {"user": {"version": 3, "userMetadata": {}}, "errors": []}


async def test_block_before_the_commit_stops_the_write(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    john = two[1]
    before_write(monkeypatch, 1, block(world, john))
    answer = await world.post(MUTATIONS["updateUserMetadata"], world.user_token(john, ALL_SCOPES))
    assert codes(answer) == ["USER_BLOCKED"]
    assert await world.events(john) == []
    assert "user_metadata" not in await world.stored(john)


async def test_later_root_fields_of_a_blocked_caller_write_nothing(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    john = two[1]
    before_write(monkeypatch, 2, block(world, john))
    fields = [f"{name}: updateUserMetadata(input: {{patch: {{{name}: 1}}}}) {{ errors {{ code }} }}" for name in "abc"]
    answer = await world.post(f"mutation {{ {' '.join(fields)} }}", world.user_token(john))
    assert answer.json()["data"] == {"a": {"errors": []}, "b": None, "c": None}
    assert codes(answer) == ["USER_BLOCKED"] * 2
    assert (await world.stored(john))["user_metadata"] == {"a": 1}


@pytest.mark.parametrize("about_self", [True, False], ids=["about self", "about another"])
async def test_the_rest_of_a_batch_is_refused_after_a_block(
    world: World, two: tuple[User, User], about_self: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane, john = two
    updates = [{"userId": john.user_id, "update": {"userMetadata": {f"k{n}": 1}}} for n in range(100)]
    caller = john if about_self else jane
    before_write(monkeypatch, 4, block(world, caller))
    # For another profile, the caller was already checked for this write, so only the next write is refused.
    written = 3 if about_self else 4
    token = world.user_token(caller, ALL_SCOPES)
    told = (await world.ask(BATCH, token, updates=updates))["updateUsers"]
    assert [each["index"] for each in told["results"]] == list(range(100))
    codes_told = [[error["code"] for error in each["errors"]] for each in told["results"]]
    assert codes_told == [[]] * written + [["USER_BLOCKED"]] * (100 - written)
    assert [each["user"] is None for each in told["results"]] == [False] * written + [True] * (100 - written)
    assert sorted((await world.stored(john))["user_metadata"]) == [f"k{n}" for n in range(written)]
    assert len(await world.events(john)) == written


async def test_block_during_hashing_stops_createuser(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_ = PasswordHashes.hash

    async def hashed(self: PasswordHashes, *arguments: Any) -> str:
        await block(world, two[0])()
        return await hash_(self, *arguments)

    monkeypatch.setattr(PasswordHashes, "hash", hashed)
    create = f"""mutation {{ createUser(input: {{connection: "{DATABASE}", email: "new@example.com",
      password: "correct horse battery"}}) {{ errors {{ code }} }} }}"""
    assert codes(await world.post(create, world.user_token(two[0], ALL_SCOPES))) == ["USER_BLOCKED"]
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 2


@pytest.mark.parametrize("name", ["createRole", "updateRole", "deleteRole", "saveAuthConnection", "saveLoginRule"])
async def test_block_stops_a_waiting_write_of_the_tenant(
    world: World, two: tuple[User, User], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    input = {
        "createRole": 'name: "New"',
        "updateRole": 'roleId: "rol_editor", name: "New"',
        "deleteRole": 'roleId: "rol_editor"',
        "saveAuthConnection": 'name: "new", strategy: "oidc"',
        "saveLoginRule": 'name: "move-user-metadata-to-root-attributes", enabled: true',
    }[name]
    before = await content(world)
    after_identification(monkeypatch, block(world, two[0]), times=2)
    query = f"mutation {{ {name}(input: {{{input}}}) {{ errors {{ code }} }} }}"
    assert codes(await world.post(query, world.user_token(two[0], ALL_SCOPES))) == ["USER_BLOCKED"]
    assert await content(world) == before


async def test_block_stops_a_login_that_is_retried(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def execute(self: Commits, commit: Commit) -> None:
        await block(world, two[0])()
        raise Conflict

    monkeypatch.setattr(Commits, "execute", execute)
    record = f'mutation {{ recordLogin(input: {{connection: "{DATABASE}", profile: {{user_id: "john"}}}}) {{ errors {{ code }} }} }}'
    assert codes(await world.post(record, world.user_token(two[0], ALL_SCOPES))) == ["USER_BLOCKED"]


# ---------------------------------------------------------------- deleted and created during the request


async def test_caller_deleted_during_the_request_has_no_profile(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    john = two[1]

    async def delete() -> None:
        await world.database["users"].delete_one({"_id": john.id})

    after_identification(monkeypatch, delete)
    query = "mutation { updateUserMetadata(input: {patch: {a: 1}}) { errors { code path } } }"
    told = await world.ask(query, world.user_token(john))
    assert told["updateUserMetadata"]["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 1


async def test_caller_created_again_cannot_change_own_app_metadata(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    john = two[1]

    async def create_again() -> None:
        await world.database["users"].delete_one({"_id": john.id})
        await world.add_user("john")

    after_identification(monkeypatch, create_again)
    answer = await world.post(MUTATIONS["updateAppMetadata"], world.user_token(john, ALL_SCOPES))
    assert codes(answer) == ["FORBIDDEN"]


async def test_caller_unlinked_during_request_loses_the_old_profile(
    world: World, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = world.application_token(ALL_SCOPES)
    link = 'mutation { linkIdentity(input: {userId: "auth0|john", secondary: {userId: "auth0|jane"}}) { user { identities { id } } errors { code } } }'
    linked = (await world.ask(link, tool))["linkIdentity"]
    identity = linked["user"]["identities"][1]["id"]
    unlink = f'mutation {{ unlinkIdentity(input: {{userId: "auth0|john", identityId: "{identity}"}}) {{ errors {{ code }} }} }}'
    after_identification(monkeypatch, lambda: world.ask(unlink, tool))
    query = "mutation { updateUserMetadata(input: {patch: {a: 1}}) { errors { code } } }"
    assert codes(await world.post(query, world.user_token("auth0|jane"))) == ["FORBIDDEN"]
    stored = await world.database["users"].find({"tenant": world.tenant}).to_list(None)
    assert [each.get("user_metadata") for each in stored] == [None, None]


@pytest.mark.parametrize("rule", WRITING, ids=lambda rule: rule.name)
def test_rule_of_writing_is_not_used_for_reading(rule: Any) -> None:
    assert rule not in READING
    with pytest.raises(AssertionError):
        require(None, rule)

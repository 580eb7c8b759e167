"""Who may what: every field and mutation, for every scope, as self, another user, an application, anonymous, another tenant.

The table stands here once more, written from the rules and not from the code; taking any one rule out of the code makes
the matrix differ from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type

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
from app.domain.times import now
from app.domain.users import User
from app.policy import rules as policy
from app.schema.authorized import Authorized, authorized, authorized_of
from app.schema.build import build_schema
from tests.world import World, codes

SCHEMA = build_schema()._schema
NEVER = "never"

# What: (scopes of a tool; on oneself). A comma is "or", + is "and"; None: being oneself makes no difference.
TABLE: dict[str, tuple[str, str | None]] = {
    "Query.viewer": ("read:users", "read:current_user"),
    "Query.user": ("read:users", "read:current_user"),
    "Caller.user": ("read:users", "read:current_user"),
    "Query.users": ("read:users", None),
    "Query.role": ("read:roles", None),
    "Query.roles": ("read:roles", None),
    "Query.authConnections": ("read:connections", None),
    "Query.loginRules": ("read:connections", None),
    "Query.logEvents": ("read:logs", None),
    "Query.deviceCredential": ("create:logins", None),
    "Role.users": ("read:roles+read:users", None),
    "User.appMetadata": ("read:users_app_metadata", NEVER),
    "User.logEvents": ("read:logs,read:logs_users", "read:current_user"),
    "User.roles": ("read:users,read:roles", "read:current_user"),
    "User.devices": ("read:device_credentials", "read:current_user"),
    "User.authorizedApplications": ("read:grants", "read:current_user"),
    "User.mfaEnrollments": ("read:authentication_methods", "read:current_user"),
    "User.permissions": ("read:users,read:roles", "read:current_user"),
    "Identity.accessToken": ("read:user_idp_tokens", NEVER),
    "Identity.refreshToken": ("read:user_idp_tokens", NEVER),
    "Mutation.updateUserMetadata": ("update:users", "update:current_user_metadata"),
    "Mutation.updateAppMetadata": ("update:users_app_metadata", NEVER),
    "Mutation.updateRootAttributes": ("update:users", "update:current_user_root_attributes"),
    "Mutation.unlinkDevice": ("delete:device_credentials", "delete:current_user_device_credentials"),
    "Mutation.createUser": ("create:users", None),
    "Mutation.deleteUser": ("delete:users", "delete:current_user"),
    "Mutation.sendVerificationEmail": ("update:users", "read:current_user"),
    "Mutation.sendPasswordResetEmail": ("update:users", "read:current_user"),
    "Mutation.changeEmail": ("update:users", "update:current_user_email"),
    "Mutation.changeUsername": ("update:users", "update:current_user_username"),
    "Mutation.changePhoneNumber": ("update:users", None),
    "Mutation.changePassword": ("update:users", "update:current_user_password"),
    "Mutation.verifyPassword": ("verify:passwords", None),
    "Mutation.exportPersonalData": ("read:users+read:users_app_metadata", "read:current_user"),
    "Mutation.recordGrant": ("create:logins", None),
    "Mutation.revokeApplication": ("delete:grants", "delete:current_user_grants"),
    "Mutation.recordMfaEnrollment": ("create:authentication_methods", None),
    "Mutation.removeMfaEnrollments": (
        "delete:authentication_methods",
        "delete:current_user_authentication_methods",
    ),
    "Mutation.createRole": ("create:roles", None),
    "Mutation.updateRole": ("update:roles", None),
    "Mutation.deleteRole": ("delete:roles", None),
    "Mutation.assignRoles": ("create:role_members+update:users", NEVER),
    "Mutation.unassignRoles": ("delete:role_members+update:users", NEVER),
    "Mutation.grantPermissions": ("update:users", NEVER),
    "Mutation.revokePermissions": ("update:users", NEVER),
    "Mutation.blockUser": ("update:users", NEVER),
    "Mutation.unblockUser": ("update:users", NEVER),
    "Mutation.linkIdentity": ("update:users", "update:current_user_identities"),
    "Mutation.unlinkIdentity": ("update:users", "update:current_user_identities"),
    "Mutation.saveAuthConnection": ("update:connections", None),
    "Mutation.deleteAuthConnection": ("update:connections", None),
    "Mutation.saveLoginRule": ("update:connections", None),
    "Mutation.recordLogin": ("create:logins", None),
    "Mutation.recordFailedLogin": ("create:logins", None),
}
OPEN_OF_USER = {"id", "userId", "version", "viewerActions"}
TABLE |= {
    f"User.{name}": TABLE["Query.user"]
    for name in SCHEMA.type_map["User"].fields  # type: ignore[attr-defined]
    if name not in OPEN_OF_USER and f"User.{name}" not in TABLE
}
# Open to whoever may read the object that holds them, or to every valid token.
# updateUsers asks the rule of each change in it.
OPEN = {"Query.caller", "Query.node", "Query.nodes", "Query.rateLimit", "Mutation.updateUsers"}
# What needs no token at all.
OPEN |= {"Mutation.signUp", "Mutation.redeemTicket"}
OPEN_TYPES = [
    "Actor",
    "AuthorizedApplication",
    "ExportPersonalDataPayload",
    "MfaEnrollment",
    "RecordGrantPayload",
    "RecordMfaEnrollmentPayload",
    "UserAction",
    "AuthConnection",
    "AuthConnectionPayload",
    "DeleteAuthConnectionPayload",
    "Device",
    "DeviceConnection",
    "DeviceEdge",
    "LoginRule",
    "LoginRulePayload",
    "DeleteUserPayload",
    "RateLimit",
    "RedeemTicketPayload",
    "SignUpPayload",
    "VerifyPasswordPayload",
    "UpdateUserResult",
    "UpdateUsersPayload",
    "RecordFailedLoginPayload",
    "RecordLoginPayload",
    "Caller",
    "FieldChange",
    "Identity",
    "InputError",
    "Location",
    "LogEvent",
    "LogEventConnection",
    "LogEventEdge",
    "PageInfo",
    "Permission",
    "PermissionSource",
    "Role",
    "RoleConnection",
    "RolePayload",
    "RoleEdge",
    "RootAttribute",
    "TotalCount",
    "User",
    "UserConnection",
    "UserEdge",
    "UserPayload",
    "UserPermission",
    "VersionConflictError",
]


def test_every_field_is_in_the_table_or_open() -> None:
    for type_ in own_types():
        for name, field in type_.fields.items():
            what = f"{type_.name}.{name}"
            printed = authorized_of(type_, field)
            if what in TABLE:
                assert printed is not None, what
                scopes, on_oneself = TABLE[what]
                assert printed.scopes == lists(scopes), what
                assert (printed.self_ if isinstance(printed.self_, list) else None) == lists(on_oneself), what
            else:
                assert printed is None or printed.scopes == [[]], what
                assert what in OPEN or type_.name in OPEN_TYPES, what


@pytest.mark.parametrize(
    "kind", [USER, IDENTITY, ROLE, CONNECTION, DEVICE, LOG_EVENT, GRANT, ENROLLMENT], ids=lambda kind: kind.name
)
def test_the_attribute_table_and_the_type_agree(kind: Any) -> None:
    fields = SCHEMA.type_map[kind.name].fields  # type: ignore[attr-defined]
    names = {field.extensions["strawberry-definition"].python_name: name for name, field in fields.items()}
    assert set(names) == set(kind.attributes)
    for attribute in kind.attributes.values():
        assert (attribute.read is not None) == (f"{kind.name}.{names[attribute.name]}" in TABLE)


# On one's own profile with a recent sign-in.
RECENT = {"deleteUser", "changeEmail", "changeUsername", "linkIdentity", "unlinkIdentity", "revokeApplication"}
RECENT |= {"removeMfaEnrollments", "exportPersonalData"}


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
        own = {None: "", NEVER: "; never on your own profile"}.get(on_oneself)
        if own is None:
            own = f"; on your own profile {in_words(on_oneself or '')}"
            own += " and a recent sign-in" if what.partition(".")[2] in RECENT else ""
        assert described[what].endswith(f"Requires {in_words(scopes)}{own}."), what
    assert not [what for what, text in described.items() if "Requires " in text and what not in TABLE]


def own_types() -> list[GraphQLObjectType]:
    return [each for each in SCHEMA.type_map.values() if isinstance(each, GraphQLObjectType) and each.name[:2] != "__"]


def test_fields_print_only_what_differs_from_the_rule_of_their_type() -> None:
    rules = {type_.name: declared(type_, Authorized) for type_ in own_types()}
    assert [name for name, rule in rules.items() if rule is not None] == ["User"]
    own = {name: declared(field, Authorized) for name, field in SCHEMA.type_map["User"].fields.items()}  # type: ignore[attr-defined]
    assert rules["User"] not in own.values()
    opened = {name for name, rule in own.items() if rule is not None and rule.scopes == [[]]}
    assert opened == OPEN_OF_USER


def lists(text: str | None) -> list[list[str]] | None:
    if text is None:
        return None
    return [] if text == NEVER else [sorted(each.split("+")) for each in text.split(",")]


# ---------------------------------------------------------------- the callers


@dataclass
class Caller:
    name: str
    is_user: bool = False
    is_self: bool = False
    is_here: bool = True


SELF, OTHER, TOOL, ELSEWHERE_USER, ELSEWHERE_TOOL = (
    Caller("self", is_user=True, is_self=True),
    Caller("other", is_user=True),
    Caller("application"),
    Caller("user of another tenant", is_user=True, is_here=False),
    Caller("application of another tenant", is_here=False),
)
CALLERS = (SELF, OTHER, TOOL, ELSEWHERE_USER, ELSEWHERE_TOOL)

# Each alone; with what opens the parent; the combinations that the table has; none; all.
PARENTS: list[frozenset[str]] = [frozenset(), frozenset({"read:users"}), frozenset({"read:current_user"})]
SCOPE_SETS = sorted(
    {parent | {str(scope)} for scope in Scope for parent in PARENTS}
    | {frozenset(), frozenset(map(str, Scope)), frozenset({"read:roles", "read:users"})},
    key=sorted,
)


# What a payload tells is read with read:users beside what writes.
WRITING_SETS = [each for each in SCOPE_SETS if "read:current_user" not in each or len(each) == 1]


def sets_of(caller: Caller, sets: list[frozenset[str]]) -> list[frozenset[str]]:
    """In another tenant there is nothing to combine: no scope, each one alone, and all of them together."""
    return sets if caller.is_here else [each for each in sets if len(each) < 2 or len(each) == len(Scope)]


def may(what: str, caller: Caller, scopes: frozenset[str], on_oneself: bool | None = None) -> bool:
    """By the table above, and nothing else."""
    tool, oneself = (lists(each) for each in TABLE[what])
    is_self = caller.is_self if on_oneself is None else on_oneself
    if is_self and oneself == []:
        return False
    alternatives = (tool or []) + ((oneself or []) if is_self else [])
    return any(set(each) <= scopes for each in alternatives)


@dataclass
class Stage:
    """A tenant with John, whom all is about, Jane, and a tenant beside it with a John of its own."""

    world: World
    elsewhere: World
    john: User
    jane: User

    def token(self, caller: Caller, scopes: frozenset[str]) -> str:
        world = self.world if caller.is_here else self.elsewhere
        if not caller.is_user:
            return world.tool_token(sorted(scopes))
        return world.user_token(self.jane if caller is OTHER else self.john, sorted(scopes))


@pytest.fixture
async def stage(world: World) -> Stage:
    elsewhere = World(f"{world.tenant}-elsewhere", world.database, world.client, world.data_dir)
    at = now()
    everything: dict[str, Any] = {
        "given_name": "John",
        "family_name": "Doe",
        "nickname": "jd",
        "picture": "https://example.com/j",
        "email_verified": True,
        "pending_email": "new@example.com",
        "username": "john",
        "phone_number": "+491",
        "phone_verified": True,
        "last_login": at,
        "last_ip": "203.0.113.7",
        "last_password_reset": at,
        "app_metadata": {"plan": "pro"},
    }
    for each in (world, elsewhere):
        await each.add_connection()
        role = await each.add_role("Editor")
    await elsewhere.add_user("john", name="Elsewhere")
    role = (await world.database["roles"].find_one({"tenant": world.tenant}))["_id"]
    john = await world.add_user("john", role_ids=(role,), **everything)
    jane = await world.add_user("jane")
    tokens = {f"identities.0.{name}": world.seal("t") for name in ("access_token", "refresh_token")}
    await world.database["users"].update_one({"_id": john.id}, {"$set": tokens})
    change = FieldChange("user_metadata.color", "blue", "green")
    await world.add_event(
        john, LogEventType.USER_METADATA_UPDATED, actor=Actor("APPLICATION", "x"), changes=(change,), reason="because"
    )
    return Stage(world, elsewhere, john, jane)


def selections(type_: GraphQLNamedType) -> str:
    """Every field of a type, each in the shortest way."""
    fields = type_.fields.items()  # type: ignore[attr-defined]
    return " ".join(f"{name} {{ __typename }}" if is_object(field) else name for name, field in fields)


def is_object(field: Any) -> bool:
    return isinstance(get_named_type(field.type), GraphQLObjectType)


USER_FIELDS = (
    selections(SCHEMA.type_map["User"])
    .replace("identities { __typename }", "identities { accessToken refreshToken }")
    .replace("logEvents { __typename }", "logEvents { nodes { type reason changes { path } } }")
)
READ = f"""query($id: ID!) {{
  caller {{ kind user {{ id }} }}
  viewer {{ id }}
  user(by: {{userId: "auth0|john"}}) {{ {USER_FIELDS} }}
  node(id: $id) {{ ... on User {{ name }} }}
  users {{ nodes {{ id }} }}
  role(roleId: "rol_editor") {{ name users {{ nodes {{ id }} }} }}
  roles {{ nodes {{ name }} }}
  authConnections {{ name }}
  loginRules {{ name }}
  deviceCredential(tokenHash: "{"0" * 64}") {{ id }}
  logEvents {{ nodes {{ type }} }}
}}"""


async def differences_in_reading(stage: Stage, callers: tuple[Caller, ...], sets: list[frozenset[str]]) -> list[str]:
    """Where what is answered is not what the table says."""
    found: list[str] = []
    for caller in callers:
        for scopes in sets_of(caller, sets):
            id = encode_id("User", stage.john.id)
            answer = await stage.world.post(READ, stage.token(caller, scopes), id=id)
            content = answer.json()
            seen = Seen(content["data"], {tuple(each["path"]): each for each in content.get("errors", [])})
            found += [f"{caller.name}, {sorted(scopes)}: {each}" for each in seen.differences(caller, scopes)]
            if not caller.is_here and "because" in answer.text + "John Doe":
                found.append(f"{caller.name}, {sorted(scopes)}: saw another tenant")
    return found


@dataclass
class Seen:
    data: dict[str, Any]
    errors: dict[tuple[Any, ...], dict[str, Any]]

    def differences(self, caller: Caller, scopes: frozenset[str]) -> list[str]:
        wrong = []

        def expect(path: tuple[Any, ...], allowed: bool, is_null: bool = False) -> None:
            """Allowed: there, and no error. Refused: null, and FORBIDDEN. `is_null`: null, and not a word."""
            value, error = self.at(path), self.errors.get(path)
            if is_null:
                good = value is None and error is None
            elif allowed:
                good = value is not None and error is None
            else:
                good = value is None and error is not None and error["extensions"]["code"] == "FORBIDDEN"
            if not good:
                wrong.append(f"{path} should be {'null' if is_null else allowed}, was {value!r}, {error}")

        own = caller.is_user
        has_own = own and may("Query.viewer", caller, scopes, on_oneself=True)
        expect(("caller",), True)
        expect(("caller", "user"), has_own, is_null=not own)
        expect(("viewer",), has_own, is_null=not own)
        for name in ("users", "role", "roles", "authConnections", "loginRules", "logEvents"):
            expect((name,), may(f"Query.{name}", caller, scopes))
        # There is no such device.
        knows = may("Query.deviceCredential", caller, scopes)
        expect(("deviceCredential",), knows, is_null=knows)
        if self.data["role"]:
            expect(("role", "users"), may("Role.users", caller, scopes))
        # One's own profile is at stake for a user elsewhere too: the id is the same, the tenant is not.
        here = caller if caller.is_here else Caller("", caller.is_user, caller.is_user)
        may_user = may("Query.user", here, scopes)
        might = may_user or (own and may("Query.user", here, scopes, on_oneself=True))
        expect(("user",), may_user, is_null=not may_user and might)
        may_node = may_user and caller.is_here and (not caller.is_user or caller.is_self or "read:users" in scopes)
        expect(("node",), may_node, is_null=not may_node and might)
        if self.data["user"] and caller.is_here:
            self._fields(expect, caller, scopes)
        return wrong

    def _fields(self, expect: Callable[..., None], caller: Caller, scopes: frozenset[str]) -> None:
        for name in self.data["user"]:
            if name not in OPEN_OF_USER:
                expect(("user", name), may(f"User.{name}", caller, scopes))
        for name in ("accessToken", "refreshToken"):
            expect(("user", "identities", 0, name), may(f"Identity.{name}", caller, scopes))
        events = self.data["user"]["logEvents"]
        if events is not None and events["nodes"]:
            # Of what somebody else did a user does not see the reason.
            sees_all = bool({"read:logs", "read:logs_users"} & scopes)
            expect(("user", "logEvents", "nodes", 0, "reason"), sees_all, is_null=not sees_all)
        raw = self.data["user"]["raw"]
        if (raw is not None and "app_metadata" in raw) != may("User.appMetadata", caller, scopes):
            expect(("user", "raw", "app_metadata"), False, is_null=True)

    def at(self, path: tuple[Any, ...]) -> Any:
        value: Any = self.data
        for each in path:
            if value is None:
                return None
            value = value.get(each) if isinstance(value, dict) else value[each]
        return value


WRITES = {
    "updateUserMetadata": 'mutation { updateUserMetadata(input: {userId: "auth0|john", patch: {n: %s}}) { user { id version name roles { name } } errors { code } } }',
    "updateAppMetadata": 'mutation { updateAppMetadata(input: {userId: "auth0|john", patch: {n: %s}}) { user { id version name roles { name } } errors { code } } }',
    "updateRootAttributes": 'mutation { updateRootAttributes(input: {userId: "auth0|john", name: "n%s"}) { user { id version name roles { name } } errors { code } } }',
}


# Each fails for another reason when it is allowed, and so changes nothing.
BESIDE = {
    "unlinkDevice": 'mutation { unlinkDevice(input: {userId: "auth0|john", deviceId: "none"}) { errors { code } } }',
    "createUser": 'mutation { createUser(input: {connection: "none"}) { errors { code } } }',
    "deleteUser": 'mutation { deleteUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "sendVerificationEmail": 'mutation { sendVerificationEmail(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "sendPasswordResetEmail": 'mutation { sendPasswordResetEmail(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "changeEmail": 'mutation { changeEmail(input: {userId: "auth0|john", email: "x"}) { errors { code } } }',
    "changeUsername": 'mutation { changeUsername(input: {userId: "auth0|john", username: "j", ifVersion: 99999999}) { errors { code } } }',
    "changePhoneNumber": 'mutation { changePhoneNumber(input: {userId: "auth0|john", phoneNumber: null, ifVersion: 99999999}) { errors { code } } }',
    "changePassword": 'mutation { changePassword(input: {userId: "auth0|john", newPassword: "x", ifVersion: 99999999}) { errors { code } } }',
    "verifyPassword": 'mutation { verifyPassword(input: {connection: "none", identifier: "x", password: "x"}) { errors { code } } }',
    "exportPersonalData": 'mutation { exportPersonalData(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "recordGrant": 'mutation { recordGrant(input: {userId: "auth0|none", clientId: "c", clientName: "c", audience: "a", scopes: []}) { errors { code } } }',
    "revokeApplication": 'mutation { revokeApplication(input: {userId: "auth0|john", id: "none"}) { errors { code } } }',
    "recordMfaEnrollment": 'mutation { recordMfaEnrollment(input: {userId: "auth0|none", enrollmentId: "e", type: "totp"}) { errors { code } } }',
    "removeMfaEnrollments": 'mutation { removeMfaEnrollments(input: {userId: "auth0|john", all: true}) { errors { code } } }',
    "createRole": 'mutation { createRole(input: {name: ""}) { errors { code } } }',
    "updateRole": 'mutation { updateRole(input: {roleId: "none"}) { errors { code } } }',
    "deleteRole": 'mutation { deleteRole(input: {roleId: "none"}) { errors { code } } }',
    "assignRoles": 'mutation { assignRoles(input: {userId: "auth0|john", roleIds: ["rol_editor"], ifVersion: 99999999}) { errors { code } } }',
    "unassignRoles": 'mutation { unassignRoles(input: {userId: "auth0|john", roleIds: ["rol_editor"], ifVersion: 99999999}) { errors { code } } }',
    "grantPermissions": 'mutation { grantPermissions(input: {userId: "auth0|john", permissions: [], ifVersion: 99999999}) { errors { code } } }',
    "revokePermissions": 'mutation { revokePermissions(input: {userId: "auth0|john", permissions: [], ifVersion: 99999999}) { errors { code } } }',
    "blockUser": 'mutation { blockUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "unblockUser": 'mutation { unblockUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "linkIdentity": 'mutation { linkIdentity(input: {userId: "auth0|john", secondary: {userId: "none"}}) { errors { code } } }',
    "unlinkIdentity": 'mutation { unlinkIdentity(input: {userId: "auth0|john", identityId: "none"}) { errors { code } } }',
    "saveAuthConnection": 'mutation { saveAuthConnection(input: {name: "-", strategy: "oidc"}) { errors { code } } }',
    "deleteAuthConnection": 'mutation { deleteAuthConnection(input: {name: "-"}) { errors { code } } }',
    "saveLoginRule": 'mutation { saveLoginRule(input: {name: "none", enabled: true}) { errors { code } } }',
    "recordLogin": 'mutation { recordLogin(input: {connection: "none", profile: {}}) { errors { code } } }',
    "recordFailedLogin": 'mutation { recordFailedLogin(input: {connection: "none", identifier: "x", reason: OTHER}) { errors { code } } }',
}


def batches(names: list[str]) -> list[str]:
    """Several mutations to a document: each is answered by itself."""
    bodies = [BESIDE[name].removeprefix("mutation {").rpartition("}")[0] for name in names]
    return ["mutation {" + " ".join(bodies[start : start + 15]) + "}" for start in range(0, len(bodies), 15)]


async def differences_beside(
    stage: Stage, callers: tuple[Caller, ...], sets: list[frozenset[str]], names: list[str] | None = None
) -> list[str]:
    """The same of mutations that do not write a profile; of `names`, or of all."""
    found: list[str] = []
    for document in batches(list(BESIDE) if names is None else names):
        for caller in callers:
            for scopes in sets:
                content = (await stage.world.post(document, stage.token(caller, scopes))).json()
                errors = {each["path"][0]: each["extensions"]["code"] for each in content.get("errors", [])}
                for name in content["data"]:
                    # Who reports names the user, and has nothing to do with them.
                    is_self = caller.is_self if '"auth0|john"' in BESIDE[name] else None
                    allowed = may(f"Mutation.{name}", caller, scopes, is_self)
                    if errors.get(name) != (None if allowed else "FORBIDDEN"):
                        found.append(f"{name}, {caller.name}, {sorted(scopes)}: {errors.get(name)}")
    return found


async def differences_in_writing(stage: Stage, callers: tuple[Caller, ...], sets: list[frozenset[str]]) -> list[str]:
    """Where what was written is not what the table says; a refused write leaves version and history as they were."""
    found: list[str] = []
    version = (await stage.world.stored(stage.john))["version"]
    for name, mutation in WRITES.items():
        for caller in callers:
            for number, scopes in enumerate(sets_of(caller, sets)):
                content = (await stage.world.post(mutation % f"{version}{number}", stage.token(caller, scopes))).json()
                payload, errors = content["data"][name], content.get("errors", [])
                # Elsewhere there is a John too: the write of his own tenant is no business of ours.
                allowed = caller.is_here and may(f"Mutation.{name}", caller, scopes)
                stored = (await stage.world.stored(stage.john))["version"]
                if stored != version + allowed:
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: version {version} became {stored}")
                if caller.is_here and not allowed and [each["extensions"]["code"] for each in errors] != ["FORBIDDEN"]:
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: {content}")
                user = (payload or {}).get("user") or {}
                if allowed and user.get("id") != encode_id("User", stage.john.id):
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: {content}")
                # A write opens the payload, and in it nothing that could not be read before.
                told = [each for each in ("name", "roles") if user.get(each) is not None] if allowed else []
                if allowed and told != [each for each in ("name", "roles") if may(f"User.{each}", caller, scopes)]:
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: the payload told {user}")
                version = stored
    events = await stage.world.events(stage.john)
    if len(events) != version:
        found.append(f"{len(events)} events for version {version}")
    return found


async def test_reading_is_as_the_table_says(stage: Stage) -> None:
    assert await differences_in_reading(stage, CALLERS, SCOPE_SETS) == []


async def test_writing_is_as_the_table_says(stage: Stage) -> None:
    assert await differences_in_writing(stage, CALLERS, WRITING_SETS) == []


async def test_what_is_beside_profiles_is_as_the_table_says(stage: Stage) -> None:
    here = tuple(each for each in CALLERS if each.is_here)
    assert await differences_beside(stage, here, SCOPE_SETS) == []


async def test_anonymous_may_nothing(stage: Stage) -> None:
    id = encode_id("User", stage.john.id)
    for operation in (READ, *WRITES.values(), *BESIDE.values()):
        answer = await stage.world.post(operation.replace("%s", "1"), id=id)
        assert answer.status_code == 401
        assert "data" not in answer.json()
        assert codes(answer) == ["UNAUTHENTICATED"]
    # Beside a field that needs no token each field is refused by itself.
    answer = await stage.world.post(READ.replace("{", "{ public: __typename ", 1), id=id)
    content = answer.json()
    assert answer.status_code == 200
    assert content["data"].pop("public") == "Query"
    assert set(content["data"].values()) == {None}
    assert {each["path"][0] for each in content["errors"]} == set(content["data"])
    assert set(codes(answer)) == {"UNAUTHENTICATED"}
    for name, mutation in {**WRITES, **BESIDE}.items():
        answer = await stage.world.post(mutation.replace("%s", "1").replace("{", "{ public: __typename ", 1))
        assert answer.json()["data"] == {"public": "Mutation", name: None}
        assert codes(answer) == ["UNAUTHENTICATED"]
    assert (await stage.world.stored(stage.john))["version"] == 1


def guarded_by(rule: Rule) -> list[str]:
    """The mutations beside profiles whose directive prints this rule."""
    fields, printed = SCHEMA.type_map["Mutation"].fields, authorized(rule)  # type: ignore[attr-defined]
    return [name for name in BESIDE if declared(fields[name], Authorized) == printed]


WRITERS = [frozenset({str(scope)}) for scope in Scope if scope.startswith("update:")] + [frozenset()]
EXTREMES = [frozenset(), frozenset(map(str, Scope))]


def around(rule: Rule) -> list[frozenset[str]]:
    """What opens it, or is a part of that, alone and with what opens its parent; what does not; everything."""
    alternatives = [frozenset(map(str, each)) for each in (*rule.scopes, *(rule.self_ or ()))]
    opening = {*alternatives, *(frozenset({scope}) for each in alternatives for scope in each)}
    return [*PARENTS, *(parent | each for parent in PARENTS for each in opening), EXTREMES[1]]


@pytest.mark.parametrize("holds", [True, False], ids=["for everybody", "for nobody"])
@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
async def test_the_matrix_notices_any_one_rule(
    stage: Stage, rule: Rule, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = policy._holds

    def changed(scopes: frozenset[str], asked: Rule, is_self: bool) -> bool:
        return holds if asked is rule else original(scopes, asked, is_self)

    monkeypatch.setattr(policy, "_holds", changed)
    policy._readable.cache_clear()
    try:
        callers = (SELF, TOOL)
        differences = await differences_in_reading(stage, callers, around(rule)) if rule in READING else []
        differences = differences or await differences_beside(stage, callers, EXTREMES, guarded_by(rule))
        differences = differences or await differences_in_writing(stage, callers, WRITERS)
    finally:
        policy._readable.cache_clear()
    assert differences


def test_every_rule_is_in_one_of_the_lists() -> None:
    named = [each for each in vars(rules).values() if isinstance(each, Rule)]
    assert set(named) == {*READING, *WRITING}


async def test_unknown_and_not_to_be_known_look_the_same(stage: Stage) -> None:
    token = stage.world.user_token(stage.jane)
    for query in (
        '{ user(by: {userId: "auth0|%s"}) { id name } }',
        'mutation { updateUserMetadata(input: {userId: "auth0|%s", patch: {a: 1}}) { user { id } errors { code } } }',
        'mutation { updateRootAttributes(input: {userId: "auth0|%s", name: "x"}) { user { id } errors { code } } }',
        'mutation { updateAppMetadata(input: {userId: "auth0|%s", patch: {a: 1}}) { user { id } errors { code } } }',
    ):
        known, unknown = await stage.world.post(query % "john", token), await stage.world.post(query % "nobo", token)
        assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert (await stage.world.stored(stage.john))["version"] == 1


async def test_app_metadata_is_told_to_no_user_in_any_way(world: World) -> None:
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
    # A tool with the scopes sees it all, and so the marker was there to be seen.
    answer = await world.post(query, world.tool_token(), ids=ids)
    for path in (f"app_metadata.{marker}", f'"reason":"{marker}"', f'"ip":"{marker}"', f'"name":"{marker}"'):
        assert path in answer.text


async def test_no_scope_lets_a_user_write_or_read_their_own_app_metadata(world: World) -> None:
    john = await world.add_user("john", app_metadata={"a": 1})
    token = world.user_token(john, [*map(str, Scope)])
    write = 'mutation { updateAppMetadata(input: {userId: "auth0|john", patch: {a: 2}}) { errors { code } } }'
    answer = (await world.post(write, token)).json()
    assert answer["data"] == {"updateAppMetadata": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    read = (await world.post("{ viewer { appMetadata } }", token)).json()
    assert read["data"] == {"viewer": {"appMetadata": None}}
    assert read["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    # Without any scope of app_metadata they are told of none either, unless it is about somebody else.
    token = world.user_token(john, ["read:current_user"])
    answer = (await world.post(write, token)).json()
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    answer = (await world.post(write.replace("john", "jane"), token)).json()
    assert answer["errors"][0]["extensions"]["scopes"] == [["update:users_app_metadata"]]
    assert (await world.stored(john))["app_metadata"] == {"a": 1}


async def test_a_user_sees_of_their_own_acts_all(world: World) -> None:
    john = await world.add_user("john")
    await world.add_event(john, reason="mine", ip="203.0.113.9", user_agent="me")
    query = "{ viewer { logEvents { nodes { reason ip userAgent } } } }"
    assert (await world.ask(query, world.user_token(john)))["viewer"]["logEvents"]["nodes"] == [
        {"reason": "mine", "ip": "203.0.113.9", "userAgent": "me"}
    ]

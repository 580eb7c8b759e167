"""Compares the answers of the service with the table. Each function returns one text for each difference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from app.domain.ids import encode_id
from tests.graphql_schema import fields_of
from tests.schema.matrix.callers import Caller, Tenants, may, scope_sets_for
from tests.schema.matrix.mutations import OTHER_MUTATIONS, PROFILE_WRITES
from tests.schema.matrix.table import OPEN_OF_USER


def is_object(field: Any) -> bool:
    return isinstance(get_named_type(field.type), GraphQLObjectType)


def selections(type_name: str) -> str:
    """Returns a selection of every field of a type. Objects are selected with their type name only."""
    fields = fields_of(type_name).items()
    return " ".join(f"{name} {{ __typename }}" if is_object(field) else name for name, field in fields)


USER_FIELDS = (
    selections("User")
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


async def differences_in_reading(
    tenants: Tenants, callers: tuple[Caller, ...], scope_sets: list[frozenset[str]]
) -> list[str]:
    found: list[str] = []
    for caller in callers:
        for scopes in scope_sets_for(caller, scope_sets):
            id = encode_id("User", tenants.john.id)
            answer = await tenants.world.post(READ, tenants.token(caller, scopes), id=id)
            content = answer.json()
            shown = Answer(content["data"], {tuple(each["path"]): each for each in content.get("errors", [])})
            found += [f"{caller.name}, {sorted(scopes)}: {each}" for each in shown.differences(caller, scopes)]
            if not caller.is_in_tenant and any(each in answer.text for each in ("because", "Doe")):
                found.append(f"{caller.name}, {sorted(scopes)}: saw another tenant")
    return found


@dataclass
class Answer:
    data: dict[str, Any]
    errors: dict[tuple[Any, ...], dict[str, Any]]

    def differences(self, caller: Caller, scopes: frozenset[str]) -> list[str]:
        wrong = []

        def expect(path: tuple[Any, ...], allowed: bool, is_null: bool = False) -> None:
            """An allowed field has a value. A refused field is null with the error FORBIDDEN. `is_null`: null without an error."""
            value, error = self.at(path), self.errors.get(path)
            if is_null:
                is_expected = value is None and error is None
            elif allowed:
                is_expected = value is not None and error is None
            else:
                is_expected = value is None and error is not None and error["extensions"]["code"] == "FORBIDDEN"
            if not is_expected:
                wrong.append(f"{path} should be {'null' if is_null else allowed}, was {value!r}, {error}")

        own = caller.is_user
        has_own = own and may("Query.viewer", caller, scopes, is_self=True)
        expect(("caller",), True)
        expect(("caller", "user"), has_own, is_null=not own)
        expect(("viewer",), has_own, is_null=not own)
        for name in ("users", "role", "roles", "authConnections", "loginRules", "logEvents"):
            expect((name,), may(f"Query.{name}", caller, scopes))
        # The device does not exist, so allowed callers get null.
        knows = may("Query.deviceCredential", caller, scopes)
        expect(("deviceCredential",), knows, is_null=knows)
        if self.data["role"]:
            expect(("role", "users"), may("Role.users", caller, scopes))
        # The user of another tenant has the same userId, so for them the request is about their own profile.
        here = caller if caller.is_in_tenant else Caller("", caller.is_user, caller.is_user)
        may_user = may("Query.user", here, scopes)
        might = may_user or (own and may("Query.user", here, scopes, is_self=True))
        expect(("user",), may_user, is_null=not may_user and might)
        may_node = may_user and caller.is_in_tenant and (not caller.is_user or caller.is_self or "read:users" in scopes)
        expect(("node",), may_node, is_null=not may_node and might)
        if self.data["user"] and caller.is_in_tenant:
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
            # A user does not see the reason of another caller's act.
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


def batches(names: list[str]) -> list[str]:
    """Returns documents with several mutations each. Each mutation has its own answer."""
    bodies = [OTHER_MUTATIONS[name].removeprefix("mutation {").rpartition("}")[0] for name in names]
    return ["mutation {" + " ".join(bodies[start : start + 15]) + "}" for start in range(0, len(bodies), 15)]


async def differences_in_other_mutations(
    tenants: Tenants, callers: tuple[Caller, ...], scope_sets: list[frozenset[str]], names: list[str] | None = None
) -> list[str]:
    """Compares mutations that do not change the profile: those in `names`, or all."""
    found: list[str] = []
    for document in batches(list(OTHER_MUTATIONS) if names is None else names):
        for caller in callers:
            for scopes in scope_sets:
                content = (await tenants.world.post(document, tenants.token(caller, scopes))).json()
                errors = {each["path"][0]: each["extensions"]["code"] for each in content.get("errors", [])}
                for name in content["data"]:
                    # Mutations that report logins name a user, but are not about the caller's profile.
                    is_self = caller.is_self if '"auth0|john"' in OTHER_MUTATIONS[name] else None
                    allowed = may(f"Mutation.{name}", caller, scopes, is_self)
                    if errors.get(name) != (None if allowed else "FORBIDDEN"):
                        found.append(f"{name}, {caller.name}, {sorted(scopes)}: {errors.get(name)}")
    return found


async def differences_in_writing(
    tenants: Tenants, callers: tuple[Caller, ...], scope_sets: list[frozenset[str]]
) -> list[str]:
    """Compares writes of the profile. A refused write must not change its version and history."""
    found: list[str] = []
    version = (await tenants.world.stored(tenants.john))["version"]
    for name, mutation in PROFILE_WRITES.items():
        for caller in callers:
            for number, scopes in enumerate(scope_sets_for(caller, scope_sets)):
                content = (
                    await tenants.world.post(mutation % f"{version}{number}", tenants.token(caller, scopes))
                ).json()
                payload, errors = content["data"][name], content.get("errors", [])
                # A caller of the other tenant writes the John of that tenant, which is not checked here.
                allowed = caller.is_in_tenant and may(f"Mutation.{name}", caller, scopes)
                stored = (await tenants.world.stored(tenants.john))["version"]
                if stored != version + allowed:
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: version {version} became {stored}")
                if (
                    caller.is_in_tenant
                    and not allowed
                    and [each["extensions"]["code"] for each in errors] != ["FORBIDDEN"]
                ):
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: {content}")
                user = (payload or {}).get("user") or {}
                if allowed and user.get("id") != encode_id("User", tenants.john.id):
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: {content}")
                # The payload shows only fields that the caller may read.
                shown = [each for each in ("name", "roles") if user.get(each) is not None] if allowed else []
                if allowed and shown != [each for each in ("name", "roles") if may(f"User.{each}", caller, scopes)]:
                    found.append(f"{name}, {caller.name}, {sorted(scopes)}: the payload showed {user}")
                version = stored
    events = await tenants.world.events(tenants.john)
    if len(events) != version:
        found.append(f"{len(events)} events for version {version}")
    return found

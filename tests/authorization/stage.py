"""Runs one sequence: sends each operation to the service and compares the answer with that of the oracle."""

import copy
import itertools
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt

from app.auth.development import AUDIENCE, ISSUER, TENANT_CLAIM, load_key
from app.domain.ids import encode_id
from app.store.database import Database
from tests.authorization.beginning import Setting, beginning, tenant_of, user_id
from tests.authorization.messages import answer_of, differences, document_of
from tests.authorization.operations import Answer, Operation
from tests.authorization.oracle import Oracle
from tests.authorization.state import ELSEWHERE, HERE, State
from tests.authorization.storage import API, SECRET, Storage, expected
from tests.authorization.table import Caller
from tests.authorization.views import profile_of

CLIENT = "web"
LONG_AGO = 3600
# Settings without limits of size: an answer may contain everything of a tenant.
UNLIMITED: dict[str, Any] = {"max_cost": 10_000_000}
MARKER = re.compile(r"k\d{5}k|k-secret-k", re.ASCII)
KEPT_FROM_ONESELF = ("app_metadata", "roles", "permissions", "blocked")


@dataclass(frozen=True)
class Step:
    caller: Caller
    operation: Operation

    def __str__(self) -> str:
        return f"{self.caller}: {self.operation}"


@dataclass
class Report:
    """The result of sequences. Each difference contains the sequence up to the step in which it occurred."""

    operations: int = 0
    refusals: int = 0
    writes: int = 0
    differences: list[str] = field(default_factory=list)


class Stage:
    """Runs one sequence on two new tenants."""

    def __init__(self, database: Database, client: httpx.AsyncClient, data_dir: Path, setting: Setting) -> None:
        number = uuid.uuid4().hex[:12]
        self._client = client
        self._data_dir = data_dir
        self._tenants = {each: f"z{number}-{each}" for each in (HERE, ELSEWHERE)}
        self._numbers = itertools.count(1)
        self._markers: dict[str, set[str]] = {HERE: set(), ELSEWHERE: set()}
        self._setting = setting
        self._state = beginning(setting, self._marker)
        self._oracle = Oracle(self._state)
        self._storage = Storage(database, data_dir, self._tenants)

    def _marker(self, tenant: str) -> str:
        marker = f"k{next(self._numbers):05d}k"
        self._markers[tenant].add(marker)
        return marker

    async def run(self, steps: Sequence[Step], report: Report) -> None:
        await self._storage.put(self._state)
        for index, step in enumerate(steps):
            found = await self._step(step, report)
            if found:
                sequence = [f"  {each}" for each in (self._setting, *steps[: index + 1])]
                report.differences.append("\n".join([*sequence, *found]))
                return

    async def _step(self, step: Step, report: Report) -> list[str]:
        caller, operation = step.caller, self._filled(step.operation, step.caller.tenant)
        before = copy.deepcopy(self._state)
        response = await self._send(caller, operation)
        given = answer_of(response.json())
        wanted = self._oracle.expect(caller, operation)
        stored = self._storage.stored(await self._storage.read())
        report.operations += 1
        report.writes += self._state != before
        report.refusals += bool(wanted.errors)
        found = differences(wanted, given)
        found += [f"database: {each}" for each in _unlike(expected(self._state), stored)]
        found += self._unexpected_markers(wanted, operation, caller, response.text)
        return found + self._changed_oneself(caller, operation, before, stored)

    def _filled(self, operation: Operation, tenant: str) -> Operation:
        """Returns the operation with unique values."""
        updates = operation.get("updates")
        arguments = dict(operation.arguments)
        if updates:
            arguments["updates"] = tuple(self._filled(each, tenant) for each in updates)
        marker, reason, agent = (self._marker(tenant) for _ in range(3))
        if updates:
            # All updates of one request have the same user agent.
            arguments["updates"] = tuple(
                Operation(each.name, each.user, each.arguments, each.marker, each.reason, agent)
                for each in arguments["updates"]
            )
        return Operation(operation.name, operation.user, tuple(arguments.items()), marker, reason, agent)

    # ---------------------------------------------------------------- sending

    async def _send(self, caller: Caller, operation: Operation) -> httpx.Response:
        headers = {"user-agent": operation.user_agent}
        if caller.subject is not None:
            headers["authorization"] = f"Bearer {self._token(caller)}"
        body = {"query": document_of(operation), "variables": self._variables(operation)}
        return await self._client.post("/graphql", json=body, headers=headers)

    def _token(self, caller: Caller) -> str:
        at = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": at,
            "exp": at + 3600,
            "scope": " ".join(sorted(caller.scopes)),
            TENANT_CLAIM: self._tenants[caller.tenant],
        }
        if caller.is_user:
            subject = user_id(caller.subject or "")
            claims |= {"sub": subject, "azp": CLIENT}
            if caller.signed_in != "unknown":
                claims["auth_time"] = at if caller.signed_in == "now" else at - LONG_AGO
        else:
            claims |= {"sub": caller.subject, "azp": str(caller.subject).partition("@")[0], "gty": "client-credentials"}
        return jwt.encode({"alg": "ES256", "kid": "development", "typ": "at+jwt"}, claims, load_key(self._data_dir))

    def _variables(self, operation: Operation) -> dict[str, Any]:
        if operation.name == "user":
            return {"by": {"userId": user_id(operation.user or "")}}
        if operation.name == "role":
            return {"id": self._state.roles[operation.get("role")].role_id}
        if operation.name == "nodes":
            return {"ids": [encode_id(kind, self._storage.id(kind, thing)) for kind, thing in operation.get("things")]}
        if operation.name in ("viewer", "users", "logEvents"):
            return {}
        if operation.name == "updateUsers":
            return {"input": {"updates": [self._update(each) for each in operation.get("updates")]}}
        return {"input": self._input(operation)}

    def _update(self, operation: Operation) -> dict[str, Any]:
        patch = {"patched": operation.marker}
        what = {
            "updateUserMetadata": {"userMetadata": patch},
            "updateAppMetadata": {"appMetadata": patch},
            "updateRootAttributes": {"rootAttributes": {"name": operation.marker}},
        }[operation.name]
        return {"userId": user_id(operation.user or ""), "update": what, "reason": operation.reason}

    def _input(self, operation: Operation) -> dict[str, Any]:
        input: dict[str, Any] = {"reason": operation.reason}
        if operation.user is not None:
            input["userId"] = user_id(operation.user)
        if operation.get("outdated"):
            input["ifVersion"] = 1_000
        match operation.name:
            case "updateUserMetadata" | "updateAppMetadata":
                input["patch"] = {"patched": operation.marker}
            case "updateRootAttributes":
                input["name"] = operation.marker
            case "assignRoles" | "unassignRoles":
                input["roleIds"] = [self._state.roles[operation.get("role")].role_id]
            case "grantPermissions":
                input["permissions"] = [{"api": API, "name": operation.marker}]
            case "unlinkDevice":
                input["deviceId"] = operation.get("device")
            case "linkIdentity":
                input["secondary"] = self._secondary(operation)
                input["metadata"] = "MERGE" if operation.get("merge") else "KEEP_PRIMARY"
            case "unlinkIdentity":
                named = "|".join(("auth0", "db", operation.get("identity")))
                input["identityId"] = encode_id("Identity", named)
        return input

    def _secondary(self, operation: Operation) -> dict[str, Any]:
        handle = operation.get("secondary")
        if not operation.get("proves"):
            return {"userId": user_id(handle)}
        return {"token": self._token(Caller(tenant_of(handle), handle, True))}

    # ---------------------------------------------------------------- checks that need no oracle

    def _unexpected_markers(self, wanted: Answer, operation: Operation, caller: Caller, text: str) -> list[str]:
        """Returns markers that are neither expected nor part of the input. No marker of the other tenant may occur."""
        seen, given = set(MARKER.findall(text)), set(MARKER.findall(repr(operation)))
        shown = set(MARKER.findall(repr(wanted.data)))
        foreign = self._markers[ELSEWHERE if caller.tenant == HERE else HERE]
        kinds = {
            "what nobody may see": seen & {SECRET},
            "another tenant": seen & foreign,
            "what is not expected": seen - given - shown,
        }
        return [f"shows {kind}: {sorted(values)}" for kind, values in kinds.items() if values]

    def _changed_oneself(
        self, caller: Caller, operation: Operation, before: State, stored: dict[str, Any]
    ) -> list[str]:
        """Returns changes that no user may make to themselves: of their access, or of the profile that the token belongs to.

        The same applies to linked accounts. Only an account that is unlinked may lose some access.
        """
        profile = profile_of(before, caller)
        if profile is None or profile.handle not in stored["users"]:
            return []
        found, users = [], stored["users"]
        for handle in before.own(profile.handle):
            for name in KEPT_FROM_ONESELF:
                is_given_back = operation.name == "unlinkIdentity" and handle == operation.get("identity")
                if users[handle][name] != getattr(before.profiles[handle], name) and not is_given_back:
                    found.append(f"a user changed {name} of their own {handle}")
        is_given_back = operation.name == "unlinkIdentity" and caller.subject == operation.get("identity")
        if (users[caller.subject]["linked_to"] or caller.subject) != profile.handle and not is_given_back:
            found.append(f"a user linked their own {profile.handle} to another profile")
        return found


def _unlike(wanted: dict[str, Any], given: dict[str, Any]) -> list[str]:
    found = []
    for name in ("users", "devices"):
        keys = sorted(wanted[name].keys() | given[name].keys())
        pairs = [(key, wanted[name].get(key), given[name].get(key)) for key in keys]
        found += [f"{name} {key}: expected {one}, not {two}" for key, one, two in pairs if one != two]
    found += [f"missing event {each}" for each in wanted["events"] if each not in given["events"]]
    return found + [f"unexpected event {each}" for each in given["events"] if each not in wanted["events"]]

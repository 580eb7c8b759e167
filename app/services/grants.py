"""Authorized applications: the login service records them. Revoking one also revokes its devices."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.commits import Changes
from app.domain.devices import RevokeDevices
from app.domain.errors import ErrorCode, Refused
from app.domain.grants import MAX_SCOPES, DeleteGrant, Grant, PutGrant
from app.domain.ids import Key, decode_id
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, REVOKE_APPLICATION, Rule
from app.domain.times import now
from app.domain.users import User
from app.policy.rules import require_for_any_profile
from app.services.login_reports import check_text
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.database import new_id
from app.store.grants import GrantStore

KIND = "AuthorizedApplication"


class Grants:
    """Use cases of grants: the scopes that a user has allowed an application to use for an audience."""

    def __init__(self, writes: Writes, grants: GrantStore) -> None:
        self._writes = writes
        self._grants = grants

    @requires(CREATE_LOGINS)
    async def record(
        self,
        principal: Principal | None,
        rule: Rule,
        target: Target,
        client_id: str,
        client_name: str | None,
        audience: str,
        scopes: Sequence[str],
    ) -> Key:
        """Records a grant and returns its `_id`. The scopes replace the scopes of an earlier grant.

        A grant that is equal to the stored grant changes nothing and has no event. Raises what `Writes.begin` and
        `Writes.commit` raise, and Refused with TOO_LARGE.
        """
        require_for_any_profile(principal, rule)
        for name, value in (("clientId", client_id), ("clientName", client_name), ("audience", audience)):
            check_text(value, name)
        if len(scopes) > MAX_SCOPES:
            raise Refused(ErrorCode.TOO_LARGE, f"scopes must have at most {MAX_SCOPES} items.", ("scopes",))
        for each in scopes:
            check_text(each, "scopes")
        opened = await self._writes.begin(principal, rule, target)
        user = opened.user
        known = await self._grants.find_of(user, client_id, audience)
        grant = Grant(
            id=known.id if known else new_id(),
            tenant=user.tenant,
            user=user.id,
            client_id=client_id,
            client_name=client_name or (known.client_name if known else None),
            audience=audience,
            scopes=sorted(set(scopes)),
            granted_at=now(),
        )
        if known is not None and replace(grant, granted_at=known.granted_at) == known:
            return known.id
        details = {"clientId": client_id, "clientName": client_name, "audience": audience, "scopes": grant.scopes}
        # The user authorized the application. The login service only reports it, so it is not the actor of the event.
        changes = Changes(LogEventType.APPLICATION_AUTHORIZED, {}, (PutGrant(grant),), details=details, by_user=True)
        await self._writes.commit(opened, lambda _: changes)
        return grant.id

    @requires(REVOKE_APPLICATION)
    async def revoke(self, principal: Principal | None, rule: Rule, target: Target, id: str) -> User:
        """Deletes a grant and revokes the devices of its application. `id` is AuthorizedApplication.id.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with NOT_FOUND.
        """
        opened = await self._writes.begin(principal, rule, target)
        kind, key = decode_id(id) or ("", "")
        grant = await self._grants.find(opened.user, key) if kind == KIND else None
        if grant is None:
            raise Refused(ErrorCode.NOT_FOUND, "The user has no authorized application with this id.", ("id",))
        # The devices must go in the same commit: with its refresh token, the application would get new tokens.
        side_effects = (DeleteGrant(grant.id), RevokeDevices(grant.client_id))
        details = {"clientId": grant.client_id, "clientName": grant.client_name, "audience": grant.audience}
        changes = Changes(LogEventType.APPLICATION_REVOKED, {}, side_effects, details=details)
        return await self._writes.commit(opened, lambda _: changes)

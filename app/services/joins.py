"""Joins: reads data of other collections for records: roles, connections, blocked IP addresses, provider tokens."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.domain.attributes.login_failures import LOGIN_FAILURE
from app.domain.filters import And, In, Range, Record
from app.domain.kinds import Join, Joined
from app.domain.logins import MAX_FAILURES
from app.domain.principals import Principal
from app.domain.rows import NOTHING_JOINED
from app.domain.rules import BLOCK_USER
from app.domain.users import PROVIDER_TOKENS
from app.policy.rules import holds
from app.store.records import Records
from app.store.snapshots import Snapshots
from app.store.token_cipher import TokenCipher


class Joins:
    """Reads each kind of joined data once for all records. It never changes a record, because requests share them."""

    def __init__(self, records: Records, snapshots: Snapshots, cipher: TokenCipher) -> None:
        self._records = records
        self._snapshots = snapshots
        self._cipher = cipher

    async def join(self, principal: Principal, joins: frozenset[Join], records: Sequence[Record]) -> Sequence[Joined]:
        """Returns the joined data of each record, in the order of the records."""
        if not joins:
            return [NOTHING_JOINED] * len(records)
        values = [await self._values(principal, each, records) for each in joins]
        return [{name: value(record) for name, value in values} for record in records]

    async def _values(
        self, principal: Principal, join: Join, records: Sequence[Record]
    ) -> tuple[str, Callable[[Record], Any]]:
        """Returns the name of the joined data, and a function that returns the data of a record.

        The functions of computed attributes use the name.
        """
        match join:
            case Join.ROLES:
                roles = await self._snapshots.roles(principal.tenant)
                return "roles", lambda user: [roles[each] for each in user.get("role_ids", ()) if each in roles]
            case Join.CONNECTION:
                connections = await self._snapshots.connections(principal.tenant)
                return "connection", lambda user: _of_primary_identity(user, connections)
            case Join.LOCKED_OUT:
                locked_out = await self._locked_out(principal, records)
                return "locked_out", lambda user: user["_id"] in locked_out
            case Join.TOKENS:
                return "identities", lambda user: [self._tokens(each) for each in user.get("identities", ())]

    async def _locked_out(self, principal: Principal, records: Sequence[Record]) -> frozenset[Any]:
        """Returns the users for whose account an IP address is blocked, among those that the caller may unblock."""
        # Other callers must not learn it, and for them no query is sent.
        asked = [each["_id"] for each in records if holds(principal, BLOCK_USER, principal.is_self(each["_id"]))]
        if not asked:
            return frozenset()
        where = And((In("user", asked), Range("count", MAX_FAILURES)))
        failures = await self._records.find(LOGIN_FAILURE, principal.tenant, where, ("user",))
        return frozenset(each["user"] for each in failures)

    def _tokens(self, identity: Record) -> Joined:
        # Only the plan of a caller who may read the tokens includes this join. No token is decrypted for other callers.
        return {name: self._cipher.decrypt(identity[name]) for name in PROVIDER_TOKENS if name in identity}


def _of_primary_identity(user: Record, connections: Mapping[str, Any]) -> Any:
    identities = user.get("identities")
    return connections.get(identities[0]["connection"]) if identities else None

"""Reads of single objects and small sets, restricted to what the caller may read. For pages, see lists.py."""

from dataclasses import replace

from app.domain.attributes.users import USER
from app.domain.filters import And, Eq, Filter
from app.domain.kinds import Kind
from app.domain.principals import Principal
from app.domain.rows import Row
from app.domain.selections import Selection
from app.domain.users import User
from app.policy.rules import authenticated, readable, require_for_any_profile
from app.policy.visibility import visible, visible_by_key
from app.services.rows import Rows, to_plan
from app.store.records import Records, project
from app.store.users import to_record

# The kind of the caller's own profile. Its `needs` identify the caller, so they are read for every selection.
CALLER = replace(USER, needs=("user_id", "blocked", "name", "linked"))


class Reads:
    """Returns rows that contain what was requested and may be read."""

    def __init__(self, records: Records, rows: Rows) -> None:
        self._records = records
        self._rows = rows

    async def get(self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection) -> Row | None:
        """Returns the object, or None when it does not exist or the caller has no right to know that it exists.

        Raises Unauthenticated, and Forbidden when this caller may read no object of the kind.
        """
        assert kind.read
        principal = require_for_any_profile(principal, kind.read, _is_own(principal, kind, where))
        shown = visible_by_key(principal, kind)
        return None if shown is None else await self._get(principal, kind, And((where, shown)), selection)

    async def get_written(
        self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection
    ) -> Row | None:
        """Returns an object that the caller has just written. The row contains only what the caller may read."""
        # The rule for reading the kind is not required: a caller who may only write learns that the write was done.
        principal = authenticated(principal)
        return await self._get(principal, kind, And((where, visible(principal, kind))), selection)

    async def to_row(self, principal: Principal | None, user: User, selection: Selection) -> Row:
        """Like `get_written`, for a profile that is in memory. It sends no database command except for joined data."""
        # The record is projected as a database read would be, so the row never contains a field that is not readable.
        principal = authenticated(principal)
        plan = self._rows.plan(principal, USER, selection)
        record = project(to_record(user), plan.paths)
        return (await self._rows.make(principal, USER, [record], plan))[0]

    async def _get(self, principal: Principal, kind: Kind, where: Filter, selection: Selection) -> Row | None:
        plan = self._rows.plan(principal, kind, selection)
        record = await self._records.find_one(kind, principal.tenant, where, plan.paths)
        return None if record is None else (await self._rows.make(principal, kind, [record], plan))[0]

    async def find(self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection) -> list[Row]:
        """Returns all matches, unordered; for lookups by id and small sets only. Raises what `get` raises."""
        assert kind.read
        principal = require_for_any_profile(principal, kind.read, _is_own(principal, kind, where))
        shown = visible_by_key(principal, kind)
        if shown is None:
            return []
        plan = self._rows.plan(principal, kind, selection)
        records = await self._records.find(kind, principal.tenant, And((where, shown)), plan.paths)
        return await self._rows.make(principal, kind, records, plan)

    async def viewer(self, principal: Principal, where: Filter, selection: Selection) -> Row | None:
        """Returns the profile that the caller's token names, or None without a profile.

        It is for identifying the caller. The right to read the profile is checked when the row is answered.
        """
        rules = readable(principal, is_self=True)
        plan = to_plan(CALLER, selection, rules)
        record = await self._records.find_one(USER, principal.tenant, where, plan.paths)
        return None if record is None else (await self._rows.make(principal, USER, [record], plan, rules))[0]


def _is_own(principal: Principal | None, kind: Kind, where: Filter) -> bool | None:
    """Returns whether the filter names the caller's own profile; None when only the database knows."""
    if principal is None or kind is not USER or not isinstance(where, Eq) or where.attribute == "keys":
        return None
    return where.matches({"_id": principal.profile, "user_id": principal.user_id})

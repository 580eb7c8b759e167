"""Reads one object, or several by id, restricted to what the caller may read."""

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
from app.store.users import to_document

# The caller's own profile: what is needed to know who calls is read whatever is asked for.
CALLER = replace(USER, needs=("user_id", "blocked", "name", "linked"))


class Reads:
    """Every answer is rows that hold what was asked for and may be read."""

    def __init__(self, records: Records, rows: Rows) -> None:
        self._records = records
        self._rows = rows

    async def get(self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection) -> Row | None:
        """None for what is not there and for what the caller may not know of: both look the same.

        Raises Forbidden when this caller may read no such object.
        """
        assert kind.read
        principal = require_for_any_profile(principal, kind.read, _is_own(principal, kind, where))
        shown = visible_by_key(principal, kind)
        return None if shown is None else await self._get(principal, kind, And((where, shown)), selection)

    async def get_written(
        self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection
    ) -> Row | None:
        """What the caller just wrote. The row gives only what they may read of it."""
        principal = authenticated(principal)
        return await self._get(principal, kind, And((where, visible(principal, kind))), selection)

    async def to_row(self, principal: Principal | None, user: User, selection: Selection) -> Row:
        """Like `get_written`, of a profile that is at hand: without a command, unless joined data needs one."""
        principal = authenticated(principal)
        plan = self._rows.plan(principal, USER, selection)
        record = project(to_document(user), plan.paths)
        return (await self._rows.make(principal, USER, [record], plan))[0]

    async def _get(self, principal: Principal, kind: Kind, where: Filter, selection: Selection) -> Row | None:
        plan = self._rows.plan(principal, kind, selection)
        record = await self._records.find_one(kind, principal.tenant, where, plan.paths)
        return None if record is None else (await self._rows.make(principal, kind, [record], plan))[0]

    async def find(self, principal: Principal | None, kind: Kind, where: Filter, selection: Selection) -> list[Row]:
        """All of them, in no order: for what is named by ids, or is few. Raises what `get` does."""
        assert kind.read
        principal = require_for_any_profile(principal, kind.read, _is_own(principal, kind, where))
        shown = visible_by_key(principal, kind)
        if shown is None:
            return []
        plan = self._rows.plan(principal, kind, selection)
        records = await self._records.find(kind, principal.tenant, And((where, shown)), plan.paths)
        return await self._rows.make(principal, kind, records, plan)

    async def viewer(self, principal: Principal, where: Filter, selection: Selection) -> Row | None:
        """The caller's own profile, by what their token says, before it is known whether they have one.

        The row is for finding out who calls; the right to read it is asked where it is answered.
        """
        rules = readable(principal, is_self=True)
        plan = to_plan(CALLER, selection, rules)
        record = await self._records.find_one(USER, principal.tenant, where, plan.paths)
        return None if record is None else (await self._rows.make(principal, USER, [record], plan, rules))[0]


def _is_own(principal: Principal | None, kind: Kind, where: Filter) -> bool | None:
    """Whether the caller's own profile is asked for; None when only the database can tell."""
    if principal is None or kind is not USER or not isinstance(where, Eq) or where.attribute == "keys":
        return None
    return where.matches({"_id": principal.profile, "user_id": principal.user_id})

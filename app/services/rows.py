"""Rows: computes the projection for a selection, and adds to each record the rules that hold for its reader."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.filters import Record
from app.domain.kinds import Join, Kind
from app.domain.principals import Principal
from app.domain.rows import Row
from app.domain.rules import ReadableRules, Rule
from app.domain.selections import Selection, SelectionTree
from app.policy.rules import readable
from app.services.joins import Joins

# Maximum number of plans for one selection. It has one plan for each set of rules that hold for its callers.
MAX_PLANS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """The stored paths and the joined data to read for a selection when certain rules hold."""

    paths: frozenset[str]
    joins: frozenset[Join]


class Rows:
    """Makes rows that contain what was requested and may be read."""

    def __init__(self, joins: Joins) -> None:
        self._joins = joins

    def plan(self, principal: Principal, kind: Kind, selection: Selection) -> Plan:
        """Returns the plan for objects of any owner."""
        # The owner is not known before the read, so the plan includes what the caller may read of their own objects and
        # of others. Each row then refuses the attributes that its own rules do not allow.
        rules: frozenset[Rule] = readable(principal, is_self=False)
        if kind.owner and principal.profile is not None:
            rules |= readable(principal, is_self=True)
        return to_plan(kind, selection, rules)

    async def make(
        self,
        principal: Principal,
        kind: Kind,
        records: Sequence[Record],
        plan: Plan,
        rules: ReadableRules | None = None,
    ) -> list[Row]:
        """Returns a row for each record. Without `rules`, the rules of each row depend on the owner of its record."""
        joined = await self._joins.join(principal, plan.joins, records)
        return [
            Row(kind, each, _readable(principal, kind, each) if rules is None else rules, beside)
            for each, beside in zip(records, joined, strict=True)
        ]


def _readable(principal: Principal, kind: Kind, record: Record) -> ReadableRules:
    is_self = kind.owner is not None and principal.is_self(record.get(kind.owner))
    return readable(principal, is_self)


def to_plan(kind: Kind, selection: Selection, rules: frozenset[Rule]) -> Plan:
    """Returns the plan for a selection when these rules hold."""
    # Plans are remembered, because clients send the same few documents again and again.
    if not isinstance(selection, SelectionTree):
        return _new_plan(kind, selection, rules)
    # They are stored at the selection, so they are forgotten together with its GraphQL document.
    if selection.plans is None:
        selection.plans = {}
    known: Plan | None = selection.plans.get((kind, rules))
    if known is None:
        if len(selection.plans) >= MAX_PLANS:
            selection.plans.clear()
        known = selection.plans[kind, rules] = _new_plan(kind, selection, rules)
    return known


def _new_plan(kind: Kind, selection: Selection, rules: frozenset[Rule]) -> Plan:
    return Plan(kind.projection(selection, rules), kind.joins(selection, rules))

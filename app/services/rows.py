"""Turns records into rows: the projection for a selection, and the rules of the reader for each record."""

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

# Of one selection: as many as there are sets of rules among its callers.
MAX_PLANS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read for a selection when some rules hold: the stored paths, and what is joined."""

    paths: frozenset[str]
    joins: frozenset[Join]


class Rows:
    """Rows hold what was asked for and may be read."""

    def __init__(self, joins: Joins) -> None:
        self._joins = joins

    def plan(self, principal: Principal, kind: Kind, selection: Selection) -> Plan:
        """For objects of any owner: what may be read of one's own and of others' is read of all."""
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
        """`rules` are those that hold for the reader. Without them the owner of each record decides which hold."""
        joined = await self._joins.join(principal, plan.joins, records)
        return [
            Row(kind, each, _readable(principal, kind, each) if rules is None else rules, beside)
            for each, beside in zip(records, joined, strict=True)
        ]


def _readable(principal: Principal, kind: Kind, record: Record) -> ReadableRules:
    is_self = kind.owner is not None and principal.is_self(record.get(kind.owner))
    return readable(principal, is_self)


def to_plan(kind: Kind, selection: Selection, rules: frozenset[Rule]) -> Plan:
    """Made once for each set of rules, because clients send the same few documents."""
    if not isinstance(selection, SelectionTree):
        return _new_plan(kind, selection, rules)
    # The plans of a selection are forgotten with the document that it is kept with.
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

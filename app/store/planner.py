"""Chooses the index of a search.

MongoDB never chooses: its trials among a dozen indexes take longer than most searches, and it would reuse the plan of a
rare value for a common value of the same shape. The planner counts each condition that an index can answer, up to a
limit. The condition with the fewest matches leads: its index is used, and the other conditions are checked for each
record that it finds. When every condition is common, the index of the list's order is used instead, because a page is
full after a few records.
"""

from asyncio import gather
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.filters import And, Eq, Exists, Filter, In, Not, Or, Range, Wildcard
from app.domain.kinds import Kind, Order
from app.domain.search_terms import PERSON_PATHS, TERMS, grams_of, successor, text_head
from app.store.queries import Query, to_query, to_residual_query

Index = list[tuple[str, int]]

# A condition with fewer matches is rare: sorting its matches costs less than reading the list in its order.
RARE = 2_000
# When every condition is common and the first attempt takes too long, conditions are counted up to this number.
COMMON = 50_000
# Conditions that are counted. The other conditions are only checked.
MAX_COUNTED = 6
# Grams of a text that are counted to find a rare one. They are spread over the text.
MAX_GRAMS = 12

_BY_TERMS: Index = [("tenant", 1), ("terms", 1), ("created_at", -1), ("_id", -1)]
_BY_GRAMS: Index = [("tenant", 1), ("grams", 1)]
BY_ROLE: Index = [("tenant", 1), ("role_ids", 1), ("created_at", -1), ("_id", -1)]
# Indexes of stored fields other than terms, by field.
_BY_FIELD: Mapping[str, Index] = {
    "user_id": [("tenant", 1), ("user_id", 1)],
    "created_at": [("tenant", 1), ("created_at", -1), ("_id", -1)],
    "updated_at": [("tenant", 1), ("updated_at", -1), ("_id", -1)],
    "last_login": [("tenant", 1), ("last_login", -1), ("_id", -1)],
    "logins_count": [("tenant", 1), ("logins_count", -1), ("_id", -1)],
    "name_folded": [("tenant", 1), ("name_folded", 1), ("_id", 1)],
    "email_folded": [("tenant", 1), ("email_folded", 1), ("_id", 1)],
}


@dataclass(frozen=True, slots=True)
class IndexedCondition:
    """A condition with the index that finds its matches. `query` has the part that the index answers.

    `is_ordered` is true when the index gives the matches by creation time. `rest` is checked for each match: None when
    the index answers the whole condition.
    """

    condition: Filter
    query: Query
    index: Index
    is_ordered: bool = False
    rest: Filter | None = None


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A query with the index that it must use. `covered` is the same query for counting, when the index alone answers
    it. `is_guess` is true when every condition is common, so that only an attempt shows how long the query takes.
    """

    query: Query
    index: Index
    covered: Query | None = None
    is_guess: bool = False


class Planner:
    """Plans searches of one kind with the counts that it gets from its collection."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    async def plan(self, kind: Kind, tenant: str, where: Filter, order: Order, limit: int | None = None) -> SearchPlan:
        """The plan for one page of the list. `limit` is the number up to which conditions are counted."""
        limit = RARE if limit is None else limit
        conditions = _flatten(where)
        found = [indexed for each in conditions if (indexed := _indexed(kind, each)) is not None][:MAX_COUNTED]
        by_creation = order.field == "created_at"
        if by_creation and len(found) == 1 and found[0].is_ordered and found[0].rest is None:
            # The only index that can lead gives the matches in the right order: there is nothing to choose.
            return self._led_by(kind, tenant, conditions, found[0])
        found, counts = await self._count(tenant, found, limit)
        if found:
            rarest = min(range(len(found)), key=counts.__getitem__)
            if counts[rarest] < limit or limit == COMMON or (by_creation and found[rarest].is_ordered):
                return self._led_by(kind, tenant, conditions, found[rarest], is_guess=counts[rarest] >= RARE)
        return SearchPlan(self._query(kind, tenant, conditions), order_index(order), is_guess=bool(found))

    async def _count(
        self, tenant: str, found: Sequence[IndexedCondition], limit: int
    ) -> tuple[list[IndexedCondition], list[int]]:
        """The conditions with their numbers of matches. For a text with grams, its rarest grams lead."""
        candidates = [each for indexed in found for each in _spread(indexed)]
        counts = await gather(*(self._count_one(tenant, each, limit) for each in candidates))
        best: dict[int, tuple[IndexedCondition, int]] = {}
        for indexed, count in zip(candidates, counts, strict=True):
            known = best.get(id(indexed.condition))
            if known is None or count < known[1]:
                best[id(indexed.condition)] = (indexed, count)
        return [indexed for indexed, _ in best.values()], [count for _, count in best.values()]

    async def _count_one(self, tenant: str, indexed: IndexedCondition, limit: int) -> int:
        query = {"tenant": tenant, **indexed.query}
        found: int = await self._collection.count_documents(query, limit=limit, hint=indexed.index)
        return found

    def _led_by(
        self, kind: Kind, tenant: str, conditions: Sequence[Filter], lead: IndexedCondition, is_guess: bool = False
    ) -> SearchPlan:
        rest = [each for each in conditions if each is not lead.condition]
        if lead.rest is not None:
            rest.append(lead.rest)
        # Profiles that are linked to another one have no terms, so a count does not need to check that.
        covered = {"tenant": tenant, **lead.query} if lead.index is _BY_TERMS and not rest else None
        return SearchPlan(self._query(kind, tenant, rest, lead.query), lead.index, covered, is_guess)

    def _query(self, kind: Kind, tenant: str, rest: Sequence[Filter], lead: Query | None = None) -> Query:
        parts = [to_query(kind, tenant, And(())), *([lead] if lead else [])]
        parts += [each for part in rest if (each := to_residual_query(kind, part))]
        return parts[0] if len(parts) == 1 else {"$and": parts}


def is_search(kind: Kind, where: Filter, order: Order) -> bool:
    """Whether the planner must choose the index: the filter has a condition of a search, or the order is unusual."""
    if TERMS not in kind.lookups:
        return False
    return order.field != "created_at" or any(_names_search(each) for each in _flatten(where))


def _names_search(where: Filter) -> bool:
    match where:
        case And() | Or():
            return any(_names_search(each) for each in where.parts)
        case Not():
            return _names_search(where.part)
        case Eq() | In() | Range() | Exists():
            return where.attribute in (TERMS, "role_ids") or where.attribute in _BY_FIELD
        case _:
            return isinstance(where, Wildcard)


def is_everything(where: Filter) -> bool:
    """Whether the filter has no condition."""
    return not _flatten(where)


def order_index(order: Order) -> Index:
    """The index that gives a list in this order."""
    return _BY_FIELD[order.field]


def _flatten(where: Filter) -> list[Filter]:
    """The conditions that must all be met."""
    return [inner for each in where.parts for inner in _flatten(each)] if isinstance(where, And) else [where]


def _indexed(kind: Kind, where: Filter) -> IndexedCondition | None:
    """The index for a condition, or None when no index makes it cheaper."""
    match where:
        case Eq(attribute="terms"):
            return IndexedCondition(where, {TERMS: where.value}, _BY_TERMS, is_ordered=True)
        case Range(attribute="terms"):
            return IndexedCondition(where, _plain(kind, where), _BY_TERMS)
        case Wildcard() if set(where.paths) <= set(PERSON_PATHS):
            grams = sorted({gram for part in where.parts for gram in grams_of(part)})
            return IndexedCondition(where, {"grams": {"$all": grams}}, _BY_GRAMS, rest=where) if grams else None
        case Wildcard(paths=(path,)):
            # The texts of a metadata path have no grams. They are one range of the terms.
            head = text_head(path)
            texts = Range(TERMS, head, successor(head), includes_maximum=False, by_element=True)
            return IndexedCondition(where, _plain(kind, texts), _BY_TERMS, rest=where)
        case Eq(attribute="role_ids") | In(attribute="role_ids"):
            return IndexedCondition(where, _plain(kind, where), BY_ROLE, is_ordered=True)
        case Eq() | Range() if where.attribute in _BY_FIELD:
            return IndexedCondition(where, _plain(kind, where), _BY_FIELD[where.attribute])
        case Or():
            return _indexed_alternatives(kind, where)
    return None


def _indexed_alternatives(kind: Kind, where: Or) -> IndexedCondition | None:
    """The index for alternatives: equalities are merged by creation time; each range is a scan."""
    if not where.parts:
        # MongoDB refuses an empty $or. As a condition beside others, this filter matches nothing.
        return None
    values = [_leading_term(each) for each in where.parts]
    if None not in values:
        is_answered = all(isinstance(each, Eq) for each in where.parts)
        return IndexedCondition(
            where, {TERMS: {"$in": values}}, _BY_TERMS, is_ordered=True, rest=None if is_answered else where
        )
    if all(isinstance(each, Eq | Range) and each.attribute == TERMS for each in where.parts):
        return IndexedCondition(where, {"$or": [_plain(kind, each) for each in where.parts]}, _BY_TERMS)
    grams = [_some_gram(each) for each in where.parts]
    if None not in grams:
        return IndexedCondition(where, {"grams": {"$in": sorted({str(each) for each in grams})}}, _BY_GRAMS, rest=where)
    return None


def _leading_term(where: Filter) -> object | None:
    """The term that every match has, or None. An exact field has a term and the comparison of the stored value."""
    match where:
        case Eq(attribute="terms"):
            return where.value
        case And():
            return next((each.value for each in where.parts if isinstance(each, Eq) and each.attribute == TERMS), None)
        case _:
            return None


def _some_gram(where: Filter) -> str | None:
    """A gram that every match has, from the longest part of the text, or None."""
    if isinstance(where, And):
        return next((gram for each in where.parts if (gram := _some_gram(each)) is not None), None)
    if not isinstance(where, Wildcard) or not set(where.paths) <= set(PERSON_PATHS):
        return None
    grams = sorted(grams_of(max(where.parts, key=len)))
    return grams[len(grams) // 2] if grams else None


def _plain(kind: Kind, where: Filter) -> Query:
    query = dict(to_query(kind, "", where))
    query.pop("tenant")
    query.pop(kind.hidden_by or "", None)
    return query


def _spread(indexed: IndexedCondition) -> Iterator[IndexedCondition]:
    """A condition with grams as several: one for each gram, because one rare gram is enough to lead."""
    if indexed.index is not _BY_GRAMS or "$all" not in indexed.query["grams"]:
        yield indexed
        return
    grams = indexed.query["grams"]["$all"]
    step = max(1, len(grams) // MAX_GRAMS)
    for gram in grams[::step][:MAX_GRAMS]:
        yield IndexedCondition(indexed.condition, {"grams": gram}, _BY_GRAMS, rest=indexed.rest)

"""Chooses the index of a search.

MongoDB never chooses: its trials among a dozen indexes take longer than most searches, and it would reuse the plan of a
rare value for a common value of the same shape. The planner counts each condition that an index can answer, up to a
limit. The condition with the fewest matches leads: its index is used, and the other conditions are checked for each
record that it finds. When every condition is common, the index of the list's order is used instead, because a page is
full after a few records.
"""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.filters import ALL, And, Eq, Exists, Filter, In, Not, Or, Range, Wildcard, conditions_of
from app.domain.kinds import Kind, Order
from app.domain.search_terms import PERSON_PATHS, TERMS, grams_of, successor, text_head
from app.store.indexes import Index, index_by
from app.store.queries import Query, to_query_with_hidden, to_search_query

# A condition with fewer matches is rare: sorting its matches costs less than reading the list in its order.
RARE = 2_000
# When every condition is common and the first attempt takes too long, conditions are counted up to this number.
COMMON = 50_000
# Conditions that are counted. The other conditions are only checked.
MAX_COUNTED = 6
# Grams of a text that are counted to find a rare one. They are spread over the text.
MAX_GRAMS = 12

_BY_TERMS = index_by("terms", "created_at-", "_id-")
_BY_GRAMS = index_by("grams")
BY_ROLE = index_by("role_ids", "created_at-", "_id-")
# Indexes of stored fields other than terms, by field.
_BY_FIELD: Mapping[str, Index] = {
    "user_id": index_by("user_id"),
    **{name: index_by(f"{name}-", "_id-") for name in ("created_at", "updated_at", "last_login", "logins_count")},
    **{name: index_by(name, "_id") for name in ("name_folded", "email_folded")},
}


@dataclass(frozen=True, slots=True)
class IndexedCondition:
    """A condition with an index that finds its matches. The index answers `lead`, which every match meets.

    `is_ordered` is true when the index gives the matches by creation time. `is_answered` is false when the condition
    must be checked for each record that meets `lead`.
    """

    condition: Filter
    lead: Filter
    index: Index
    is_ordered: bool = False
    is_answered: bool = True


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
        conditions = conditions_of(where)
        found = [each for condition in conditions if (each := _indexed(condition))][:MAX_COUNTED]
        candidates = [each for alternatives in found for each in alternatives]
        if not candidates:
            return SearchPlan(to_search_query(kind, tenant, ALL, conditions), order_index(order))
        by_creation = order.field == "created_at"
        if by_creation and len(candidates) == 1 and candidates[0].is_ordered and candidates[0].is_answered:
            # The only index that can lead gives the matches in the right order: there is nothing to choose.
            return _led_by(kind, tenant, conditions, candidates[0])
        counts = await gather(*(self._count(kind, tenant, each, limit) for each in candidates))
        rarest, count = min(zip(candidates, counts, strict=True), key=lambda each: each[1])
        if count < limit or limit == COMMON or (by_creation and rarest.is_ordered):
            return _led_by(kind, tenant, conditions, rarest, is_guess=count >= RARE)
        return SearchPlan(to_search_query(kind, tenant, ALL, conditions), order_index(order), is_guess=True)

    async def _count(self, kind: Kind, tenant: str, indexed: IndexedCondition, limit: int) -> int:
        # Profiles that are linked to another one are counted too, so that the index alone answers.
        query = to_query_with_hidden(kind, tenant, indexed.lead)
        found: int = await self._collection.count_documents(query, limit=limit, hint=indexed.index)
        return found


def _led_by(
    kind: Kind, tenant: str, conditions: Sequence[Filter], lead: IndexedCondition, is_guess: bool = False
) -> SearchPlan:
    rest = [each for each in conditions if each is not lead.condition or not lead.is_answered]
    is_covered = lead.index is _BY_TERMS and not rest
    # Profiles that are linked to another one have no terms, so a count does not need to check that.
    covered = to_query_with_hidden(kind, tenant, lead.lead) if is_covered else None
    return SearchPlan(to_search_query(kind, tenant, lead.lead, rest), lead.index, covered, is_guess)


def is_search(kind: Kind, where: Filter, order: Order) -> bool:
    """Whether the planner must choose the index: the filter has a condition of a search, or the order is unusual."""
    if TERMS not in kind.lookups:
        return False
    return order.field != "created_at" or any(_names_search(each) for each in conditions_of(where))


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


def order_index(order: Order) -> Index:
    """The index that gives a list in this order."""
    return _BY_FIELD[order.field]


def _indexed(where: Filter) -> Sequence[IndexedCondition]:
    """The indexes for a condition, of which one is enough. Empty when no index makes it cheaper."""
    match where:
        case Eq(attribute="terms"):
            return [IndexedCondition(where, where, _BY_TERMS, is_ordered=True)]
        case Range(attribute="terms"):
            return [IndexedCondition(where, where, _BY_TERMS)]
        case Wildcard() if set(where.paths) <= set(PERSON_PATHS):
            # Every match has all grams of the text, so one rare gram is enough to lead.
            grams = sorted({gram for part in where.parts for gram in grams_of(part)})
            some = grams[:: max(1, len(grams) // MAX_GRAMS)][:MAX_GRAMS]
            return [IndexedCondition(where, Eq("grams", gram), _BY_GRAMS, is_answered=False) for gram in some]
        case Wildcard(paths=(path,)):
            # The texts of a metadata path have no grams. They are one range of the terms.
            head = text_head(path)
            texts = Range(TERMS, head, successor(head), includes_maximum=False, by_element=True)
            return [IndexedCondition(where, texts, _BY_TERMS, is_answered=False)]
        case Eq(attribute="role_ids") | In(attribute="role_ids"):
            return [IndexedCondition(where, where, BY_ROLE, is_ordered=True)]
        case Eq() | Range() if where.attribute in _BY_FIELD:
            return [IndexedCondition(where, where, _BY_FIELD[where.attribute])]
        case Or(parts=parts) if parts:
            return _indexed_alternatives(where)
    return []


def _indexed_alternatives(where: Or) -> Sequence[IndexedCondition]:
    """The index for alternatives: equalities are merged by creation time; each range is a scan."""
    terms = [_leading_term(each) for each in where.parts]
    if None not in terms:
        is_answered = all(isinstance(each, Eq) for each in where.parts)
        return [IndexedCondition(where, In(TERMS, terms), _BY_TERMS, is_ordered=True, is_answered=is_answered)]
    if all(isinstance(each, Eq | Range) and each.attribute == TERMS for each in where.parts):
        return [IndexedCondition(where, where, _BY_TERMS)]
    grams = [_some_gram(each) for each in where.parts]
    if None not in grams:
        return [IndexedCondition(where, In("grams", grams), _BY_GRAMS, is_answered=False)]
    return []


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

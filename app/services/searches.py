"""Searches of users: the rights to the fields of a query, and the list that it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from app.domain.attributes.users import USER
from app.domain.filters import is_everything
from app.domain.kinds import Attribute, Order
from app.domain.paging import ListQuery
from app.domain.principals import Principal
from app.domain.rules import READ_USER, READ_USERS, Rule
from app.domain.search_fields import SearchField, SearchFieldType
from app.domain.search_terms import MAX_TERMS, fold_for_search
from app.policy.rules import authenticated, readable, require
from app.search.clauses import all_of
from app.search.language import Search, parse_query
from app.search.where import read_where
from app.store.searches import Searches
from app.store.snapshots import Snapshots

# The order of users without `orderBy`.
NEWEST_FIRST = Order("created_at", -1)
# Fields of orders that a profile can lack.
_MAY_BE_MISSING = frozenset({"last_login", "name_folded", "email_folded"})


class OrderDirection(StrEnum):
    """The direction of an order."""

    ASC = "ASC"
    DESC = "DESC"


class UserOrderField(StrEnum):
    """The orders of a list of users. The value is the name of the field in the search language."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    LAST_LOGIN = "last_login"
    LOGINS_COUNT = "logins_count"
    NAME = "name"
    EMAIL = "email"


class SearchedType(StrEnum):
    """The kind of object that a search finds."""

    USER = "USER"


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field of the search language, for completion, forms and documentation."""

    name: str
    type: SearchFieldType
    searchable: bool
    sortable: bool
    description: str
    example: str


class UserSearches:
    """Turns what a caller asks for into a list of users."""

    def __init__(self, snapshots: Snapshots, searches: Searches) -> None:
        self._snapshots = snapshots
        self._searches = searches

    async def find(
        self,
        principal: Principal | None,
        query: str | None,
        where: Mapping[str, Any] | None,
        order_by: tuple[UserOrderField, OrderDirection] | None,
    ) -> ListQuery:
        """The list of the users that `query` and `where` both find. `order_by` is a field and a direction.

        Raises Forbidden when the caller may not read a field that the search or the order uses, and SearchRefused for
        a query that cannot be searched.
        """
        principal = require(principal, READ_USERS)
        # The rights to the fields are checked before anything is searched. A negated or a sorted field would tell a
        # caller as much as a field of the answer.
        searches = await self._read(principal, query, where)
        for name in sorted(frozenset().union(*(each.fields for each in searches))):
            _require_field(principal, name)
        order = NEWEST_FIRST if order_by is None else _order(principal, *order_by)
        return ListQuery(USER, order, all_of([each.where for each in searches]))

    async def warnings(self, principal: Principal | None, query: ListQuery) -> Mapping[str, str]:
        """Returns the reasons why a search can miss users, by code. A list without a search misses no user."""
        if is_everything(query.where):
            return {}
        found: dict[str, str] = {}
        if await self._searches.lacks_old_profiles():
            found["SEARCH_INCOMPLETE"] = (
                "Profiles of an older version are not searched yet. The operator must run `profile-api migrate`."
            )
        if await self._searches.lacks_terms(authenticated(principal).tenant):
            found["SEARCH_TRUNCATED"] = (
                f"Some profiles have more than {MAX_TERMS} values in their metadata. A search can miss some of these"
                " values."
            )
        return found

    async def _read(self, principal: Principal, query: str | None, where: Mapping[str, Any] | None) -> Sequence[Search]:
        """Reads the query and the typed filter, and reads both again with the keys of the roles that they name."""

        def read(roles: Mapping[str, str]) -> list[Search]:
            found = [] if query is None else [parse_query(query, _searchable(), roles)]
            return found if where is None else [*found, read_where(where, _searchable(), roles)]

        searches = read({})
        named: frozenset[str] = frozenset().union(*(each.roles for each in searches))
        return read(await self._role_keys(principal.tenant, named)) if named else searches

    async def _role_keys(self, tenant: str, names: frozenset[str]) -> Mapping[str, str]:
        """The key of each role that is named by its role ID or, without regard to case, by its name."""
        roles = await self._snapshots.roles(tenant)
        by_id = {role["role_id"]: str(key) for key, role in roles.items()}
        by_name = {fold_for_search(role["name"]): str(key) for key, role in roles.items()}
        found = {name: by_id.get(name) or by_name.get(fold_for_search(name)) for name in names}
        return {name: key for name, key in found.items() if key is not None}


def search_fields(principal: Principal | None) -> list[DescribedField]:
    """Returns the fields by which this caller may search and sort users: none for a caller who may not list users."""
    principal = authenticated(principal)
    rules = readable(principal, is_self=False)
    if READ_USERS not in rules:
        return []
    return [
        DescribedField(
            name=each.name,
            type=each.type,
            searchable=each.searchable,
            sortable=each.order is not None,
            description=attribute.description,
            example=each.example,
        )
        for each, attribute in _fields().values()
        if _rule(attribute) in rules
    ]


@lru_cache(maxsize=1)
def _fields() -> Mapping[str, tuple[SearchField, Attribute]]:
    return USER.search_fields()


@lru_cache(maxsize=1)
def _searchable() -> Mapping[str, SearchField]:
    return {name: each for name, (each, _) in _fields().items() if each.searchable}


def _rule(attribute: Attribute) -> Rule:
    """The rule of the attribute. An attribute that is open to everyone who sees the user has the rule of users."""
    return attribute.read or READ_USER


def _require_field(principal: Principal, name: str) -> None:
    """Raises Forbidden with the scopes that would allow it."""
    require(principal, _rule(_fields()[name][1]))


def _order(principal: Principal, by: UserOrderField, direction: OrderDirection) -> Order:
    field = _fields()[by.value][0]
    assert field.order
    _require_field(principal, field.name)
    return Order(field.order, 1 if direction is OrderDirection.ASC else -1, field.order in _MAY_BE_MISSING)

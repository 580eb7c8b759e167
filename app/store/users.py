"""Finds users, and translates them to documents with the derived fields that lookups and searches need."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from app.domain.attributes.users import USER
from app.domain.filters import Filter
from app.domain.identifiers import fold, keys_of
from app.domain.logs import same
from app.domain.search_terms import SEARCH_VERSION, grams_of_document, terms_of
from app.domain.users import AttributeSource, Identity, Provenance, User
from app.store.database import Database, driver_errors
from app.store.migrations import SCHEMA_VERSION
from app.store.queries import Query, to_query, to_query_with_hidden

_FIELDS = tuple(field.name for field in fields(User) if field.name != "id")
# What `to_document` derives for search. Documents of an older version lack some of these fields.
_DERIVED = frozenset({"is_linked", "search_version", "terms", "grams", "lacks_terms", "name_folded", "email_folded"})
# Fields with these values are not stored. A reader treats an absent field in the same way.
_EMPTY: tuple[Any, ...] = (None, {}, [], ())


class UserStore:
    """Finds complete profiles, for writes. `store/commits.py` writes them."""

    def __init__(self, database: Database) -> None:
        self._users = database["users"]

    async def find(self, tenant: str, where: Filter) -> User | None:
        """Returns a matching profile that is not linked to another one, or None."""
        return await self._find(to_query(USER, tenant, where))

    async def find_with_linked(self, tenant: str, where: Filter) -> User | None:
        """Like `find`, but may also return a profile that is linked to another one."""
        return await self._find(to_query_with_hidden(USER, tenant, where))

    async def _find(self, query: Query) -> User | None:
        with driver_errors():
            document = await self._users.find_one(query)
        return None if document is None else from_document(document)


def to_document(user: User) -> dict[str, Any]:
    """The stored form of a profile, with everything that lookup and search need."""
    record = to_record(user)
    return record | derive_search_fields(record)


def derive_search_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that search needs, derived from a stored profile."""
    terms = terms_of(record)
    return _compact(
        {
            "is_linked": record.get("linked_to") is not None,
            "search_version": SEARCH_VERSION,
            "terms": list(terms.values),
            "grams": grams_of_document(record),
            "lacks_terms": None if terms.complete else True,
        }
    )


def to_record(user: User) -> dict[str, Any]:
    """The profile as a read of its attributes finds it, without what only search needs: that takes time to derive."""
    document = {name: getattr(user, name) for name in _FIELDS}
    document |= {
        "_id": user.id,
        "schema_version": SCHEMA_VERSION,
        "provenance": {name: _compact(asdict(each)) for name, each in user.provenance.items()},
        "identities": [_compact(asdict(each) | {"keys": list(each.keys)}) for each in user.identities],
        "role_ids": list(user.role_ids),
        "permissions": [dict(each) for each in user.permissions],
        "keys": keys_of(user),
        "linked": [each.origin for each in user.identities if each.origin is not None],
        "connections": sorted({each.connection for each in user.identities}),
        "name_folded": user.name and fold(user.name),
        "email_folded": user.email and fold(user.email),
        "email_domain": user.email and fold(user.email).rpartition("@")[2],
    }
    return _compact(document)


def stored_document(user: User) -> dict[str, Any]:
    """The stored form of a profile as it was read. Fields are absent that an older version did not derive, so that a
    comparison with `to_document` writes them.
    """
    document = to_document(user)
    if user.search_version != SEARCH_VERSION:
        document = {name: value for name, value in document.items() if name not in _DERIVED}
    return document


def from_document(document: Mapping[str, Any]) -> User:
    known = {"search_version": 0} | {name: document[name] for name in _FIELDS if name in document}
    known |= {
        "provenance": {name: _provenance(each) for name, each in document.get("provenance", {}).items()},
        "identities": tuple(_identity(each) for each in document.get("identities", ())),
        "role_ids": tuple(document.get("role_ids", ())),
        "permissions": tuple(document.get("permissions", ())),
    }
    return User(id=document["_id"], **known)


def _provenance(stored: Mapping[str, Any]) -> Provenance:
    return Provenance(AttributeSource(stored["source"]), stored["at"], stored.get("connection"))


def _identity(stored: Mapping[str, Any]) -> Identity:
    return Identity(**{**stored, "keys": tuple(stored.get("keys", ()))})


def _compact(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in _EMPTY}


def to_update(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an update that sets and removes only the top-level fields that differ."""
    # The field names are names of this service. A name from a caller could be a path or an operator of MongoDB.
    update = {
        "$set": {name: value for name, value in after.items() if name not in before or not same(before[name], value)},
        "$unset": {name: "" for name in before if name not in after},
    }
    return {operator: names for operator, names in update.items() if names}

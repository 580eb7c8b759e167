"""Users as documents: the one function that writes a profile, and derives what lookup and search need."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.identifiers import fold, keys_of
from app.domain.logs import LogEvent, same
from app.domain.users import AttributeSource, Beside, Identity, Provenance, User
from app.store.changes import write_beside
from app.store.connections import hold_connection
from app.store.database import Database, KeyTaken, WriteConflict, driver_errors
from app.store.logs import insert_event
from app.store.migrations import SCHEMA_VERSION

_FIELDS = tuple(field.name for field in fields(User) if field.name != "id")
# Read as absent: a document holds no field that says nothing.
_EMPTY: tuple[Any, ...] = (None, {}, [], ())


class Users:
    """Profiles of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = database["users"]

    async def find(self, where: Mapping[str, Any]) -> User | None:
        """The whole profile, for writing it; never one that is linked to another. `where` starts with the tenant."""
        with driver_errors():
            document = await self._users.find_one({**where, "linked_to": None})
        return None if document is None else from_document(document)

    async def insert(self, user: User, event: LogEvent, beside: Sequence[Beside] = ()) -> bool:
        """A new profile, its event, and what goes with it. False, and nothing written, when another writer committed
        first. KeyTaken when another profile has one of its keys. Refused with NOT_FOUND when its connection is gone.
        """
        try:
            async with self._database.transaction() as session:
                await hold_connection(self._database, session, user.tenant, user.identities[0].connection)
                await self._users.insert_one(to_document(user), session=session)
                await insert_event(self._database, session, event)
                await write_beside(self._database, session, user, beside)
        except WriteConflict:
            return False
        except DuplicateKeyError as error:
            raise _taken(error) from error
        return True

    async def replace(self, before: User, after: User, event: LogEvent, beside: Sequence[Beside] = ()) -> bool:
        """Writes what differs, its event, and what goes with it, if the profile still has `before.version`; else False
        and nothing. KeyTaken where another profile has one of its keys.

        `after.version` is the version that results.
        """
        update = to_update(to_document(before), to_document(after))
        where = {"_id": before.id, "tenant": before.tenant, "version": before.version}
        try:
            async with self._database.transaction() as session:
                # The update first: a lost race ends here, before an event is written for nothing.
                if update:
                    found = (await self._users.update_one(where, update, session=session)).matched_count
                else:
                    found = await self._users.find_one(where, {"_id": 1}, session=session)
                if not found:
                    raise WriteConflict
                await insert_event(self._database, session, event)
                await write_beside(self._database, session, after, beside)
        except WriteConflict:
            return False
        except DuplicateKeyError as error:
            raise _taken(error) from error
        return True


def _taken(error: DuplicateKeyError) -> Exception:
    """KeyTaken where it was a profile's identifier; any other is a fault of ours."""
    pattern = (error.details or {}).get("keyPattern") or {}
    return KeyTaken() if pattern.keys() & {"keys", "user_id"} else error


def to_document(user: User) -> dict[str, Any]:
    """The stored form, with the keys that find it and the folded twins that search reads."""
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


def from_document(document: Mapping[str, Any]) -> User:
    known = {name: document[name] for name in _FIELDS if name in document}
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
    """Between two documents: changed top-level fields only: no name in it came from a caller."""
    update = {
        "$set": {name: value for name, value in after.items() if name not in before or not same(before[name], value)},
        "$unset": {name: "" for name in before if name not in after},
    }
    return {operator: names for operator, names in update.items() if names}

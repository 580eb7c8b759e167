"""The indexes of all collections, and their creation. Each index that serves a query of one tenant begins with it."""

from app.store.database import Database, driver_errors, no_time_limit

_NEWEST, _OLDEST = -1, 1
Index = list[tuple[str, int]]


def index_by(*names: str) -> Index:
    """Returns the keys of an index that begins with the tenant. A name that ends with `-` is descending."""
    keys = [("tenant", 1)]
    return keys + [(name.rstrip("-"), _NEWEST if name.endswith("-") else _OLDEST) for name in names]


UNIQUE: dict[str, object] = {"unique": True}
INDEXES: dict[str, list[tuple[Index, dict[str, object]]]] = {
    "users": [
        (index_by("user_id"), UNIQUE),
        (index_by("keys"), UNIQUE),
        (index_by("created_at-", "_id-"), {}),
        (index_by("updated_at-", "_id-"), {}),
        (index_by("last_login-", "_id-"), {}),
        (index_by("logins_count-", "_id-"), {}),
        (index_by("name_folded", "_id"), {}),
        (index_by("email_folded", "_id"), {}),
        (index_by("terms", "created_at-", "_id-"), {}),
        (index_by("grams"), {}),
        (index_by("is_linked"), {}),
        # Few profiles have the field.
        (index_by("lacks_terms"), {"partialFilterExpression": {"lacks_terms": True}}),
        (index_by("role_ids", "created_at-", "_id-"), {}),
    ],
    "log_events": [
        (index_by("user", "date-", "_id-"), {}),
        (index_by("date-", "_id-"), {}),
    ],
    "log_sizes": [(index_by("user"), UNIQUE)],
    "roles": [(index_by("role_id"), UNIQUE), (index_by("name_folded"), UNIQUE), (index_by("name_folded", "_id"), {})],
    "connections": [(index_by("name"), UNIQUE)],
    "connection_guards": [(index_by("connection", "guard"), UNIQUE)],
    "devices": [
        (index_by("user", "client_id", "device_id"), UNIQUE),
        (index_by("user", "last_used_at-", "_id-"), {}),
        (index_by("token_hash"), {}),
    ],
    "login_keys": [(index_by("client", "key"), UNIQUE)],
    "login_failures": [(index_by("user", "ip"), UNIQUE)],
    "login_rules": [(index_by("name"), UNIQUE)],
    "grants": [(index_by("user", "client_id", "audience"), UNIQUE)],
    "mfa_enrollments": [(index_by("user", "enrollment_id"), UNIQUE)],
    "credentials": [(index_by("user"), UNIQUE), (index_by("hash"), {})],
    "password_tries": [(index_by("key"), UNIQUE)],
    "password_changes": [(index_by("user"), UNIQUE)],
    # These indexes have no tenant: a ticket is found by its secret alone, and a sender takes the mails of all tenants.
    # The hash is unique only where it exists, because a ticket gets it when its mail is sent.
    "tickets": [
        (index_by("user"), {}),
        ([("hash", 1)], {"unique": True, "partialFilterExpression": {"hash": {"$exists": True}}}),
        ([("earlier_hashes", 1)], {}),
    ],
    "mails": [(index_by("user"), {}), ([("due_at", 1)], {})],
    "mail_counts": [(index_by("key"), UNIQUE)],
}
# When MongoDB deletes a document, in seconds after its `recorded_at`. A TTL index has one field, so it has no tenant.
EXPIRING = {
    "login_keys": 24 * 3600,
    "login_failures": 30 * 24 * 3600,
    "password_tries": 15 * 60,
    "password_changes": 3600,
    "mails": 3 * 24 * 3600,
    "mail_counts": 3600,
}
_EXPIRY = "recorded_at_ttl"


async def ensure_unique_indexes(database: Database) -> None:
    """Creates the unique indexes that are missing."""
    # The service calls this before it answers requests: without these indexes, a write could create a duplicate.
    await _ensure(database, unique=True)


async def ensure_other_indexes(database: Database, log_retention_days: int) -> None:
    """Creates the other indexes that are missing, and sets the retention of log events, in days."""
    await _ensure(database, unique=False)
    with driver_errors():
        of_logs = dict.fromkeys(("log_events", "log_sizes"), log_retention_days * 86_400)
        for name, seconds in {**EXPIRING, **of_logs}.items():
            await _ensure_expiry(database, name, seconds)
        await database["tickets"].create_index("expires_at", expireAfterSeconds=0)


async def ensure_indexes(database: Database, log_retention_days: int) -> None:
    """Creates every index that is missing."""
    await ensure_unique_indexes(database)
    await ensure_other_indexes(database, log_retention_days)


async def _ensure(database: Database, unique: bool) -> None:
    with driver_errors(), no_time_limit():
        for collection, indexes in INDEXES.items():
            for keys, options in indexes:
                if bool(options.get("unique")) is unique:
                    await database[collection].create_index(keys, **options)


async def _ensure_expiry(database: Database, name: str, seconds: int) -> None:
    collection = database[name]
    existing = (await collection.index_information()).get(_EXPIRY)
    if existing is None:
        await collection.create_index("recorded_at", name=_EXPIRY, expireAfterSeconds=seconds)
    elif existing.get("expireAfterSeconds") != seconds:
        # MongoDB refuses to create an index again with another expiry. `collMod` changes it without a new index.
        index = {"name": _EXPIRY, "expireAfterSeconds": seconds}
        await database.database.command({"collMod": name, "index": index})

"""Inserts the demo data into a database once."""

from collections.abc import Iterator
from dataclasses import replace

from app.domain.times import now
from app.jobs.demo.john_doe import make_devices, make_enrollments, make_grants, make_history
from app.jobs.demo.tenant import make_connections, make_roles
from app.jobs.demo.users import make_generated_users, make_one_of_each_connection
from app.store.database import Database
from app.store.demo import has_demo_data, insert_demo_data


async def ensure_demo_data(database: Database, tenant: str) -> None:
    """Inserts the demo data unless it was inserted before. Later changes and deletions stay."""
    if await has_demo_data(database):
        return
    at = now()
    # All ids are made from names: two processes that do this at the same moment insert the same documents.
    users = [replace(each, tenant=tenant) for each in (*make_one_of_each_connection(at), *make_generated_users(at))]
    await insert_demo_data(
        database,
        list(make_connections(tenant)),
        list(make_roles(tenant)),
        users,
        list(make_history(users[0], at)),
        list(make_devices(users[0], at)),
        list(make_grants(users[0], at)),
        list(make_enrollments(users[0], at)),
    )


def demo_callers() -> Iterator[dict[str, str]]:
    """Yields the callers that the demo's token page offers: a user of each connection, and an internal application."""
    for user in make_one_of_each_connection(now()):
        yield {"subject": user.user_id, "name": f"{user.name} ({user.identities[0].connection})"}
    yield {"subject": "support@clients", "name": "Support, an internal application with every scope"}

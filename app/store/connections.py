"""Connections and login rules as documents."""

from typing import Any

from app.domain.connections import AuthConnection
from app.store.database import Database, driver_errors
from app.store.snapshots import to_connection


class Connections:
    """As they are now, for deciding a write; for reading there are the snapshots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, name: str) -> AuthConnection | None:
        with driver_errors():
            found = await self._database["connections"].find_one({"tenant": tenant, "name": name})
        return None if found is None else to_connection(found)

    async def save(self, connection: AuthConnection) -> Any:
        """Makes it or changes its settings. Returns its `_id`."""
        one = {"tenant": connection.tenant, "name": connection.name}
        settings = {
            "strategy": connection.strategy,
            "import_mode": connection.import_mode,
            "sync_root_attributes": str(connection.sync_root_attributes),
            "allows_sign_up": connection.allows_sign_up,
        }
        with driver_errors():
            connections = self._database["connections"]
            await connections.update_one(one, {"$set": settings}, upsert=True)
            return (await connections.find_one(one, {"_id": 1}))["_id"]

    async def enabled_rules(self, tenant: str) -> set[str]:
        with driver_errors():
            found = await self._database["login_rules"].find({"tenant": tenant, "enabled": True}).to_list(None)
        return {each["name"] for each in found}

    async def enable_rule(self, tenant: str, name: str, enabled: bool) -> None:
        with driver_errors():
            one = {"tenant": tenant, "name": name}
            await self._database["login_rules"].update_one(one, {"$set": {"enabled": enabled}}, upsert=True)

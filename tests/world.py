"""A tenant for one test: adds documents to its database, makes tokens, and sends requests to the service."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, load_key, load_secret, mint
from app.domain.connections import AuthConnectionKind as Kind
from app.domain.connections import SyncRootAttributes, kind_of
from app.domain.identifiers import fold
from app.domain.logs import LogEvent, LogEventType
from app.domain.scopes import Scope
from app.domain.times import now
from app.domain.users import Identity, User
from app.geo.locations import LocationDatabase
from app.services.callers import Callers
from app.services.events import Events
from app.services.joins import Joins
from app.services.reads import Reads
from app.services.rows import Rows
from app.services.writes import Writes
from app.store.commits import Commits
from app.store.database import Database, new_id
from app.store.logs import to_document as event_to_document
from app.store.records import Records
from app.store.snapshots import Snapshots
from app.store.token_cipher import TokenCipher
from app.store.users import UserStore, to_document

DATABASE = "Username-Password-Authentication"
ALL_SCOPES = [str(each) for each in Scope]


@dataclass
class World:
    """A tenant. `client` sends requests to the service in this process, which uses `database`."""

    tenant: str
    database: Database
    client: httpx.AsyncClient
    data_dir: Path

    async def add_connection(
        self,
        name: str = DATABASE,
        strategy: str = "auth0",
        sync: SyncRootAttributes = SyncRootAttributes.ON_EACH_LOGIN,
        import_mode: bool = False,
    ) -> None:
        document = {"name": name, "strategy": strategy, "import_mode": import_mode, "sync_root_attributes": sync}
        await self.database["connections"].insert_one({"tenant": self.tenant, **document})

    async def add_role(self, name: str, permissions: list[dict[str, str]] | None = None) -> Any:
        """Returns the role's `_id`. Its role_id is `rol_` and the name in lower case."""
        role = {"tenant": self.tenant, "role_id": f"rol_{name.lower()}", "name": name, "name_folded": fold(name)}
        result = await self.database["roles"].insert_one({**role, "permissions": permissions or []})
        return result.inserted_id

    async def add_user(self, handle: str, strategy: str = "auth0", connection: str = DATABASE, **fields: Any) -> User:
        """Adds a user with one identity, whose id in its connection is `handle`."""
        identity = Identity(
            provider=strategy,
            connection=connection,
            user_id=handle,
            is_social=kind_of(strategy) is Kind.SOCIAL,
        )
        at = now()
        user = User(
            id=new_id(),
            tenant=self.tenant,
            user_id=f"{strategy}|{handle}",
            name=handle.title(),
            email=f"{handle}@example.com",
            identities=(identity,),
            created_at=at,
            updated_at=at,
        )
        user = replace(user, **fields)
        await self.database["users"].insert_one(to_document(user))
        return user

    async def add_event(
        self, user: User | None, type_: LogEventType = LogEventType.LOGIN_SUCCEEDED, **fields: Any
    ) -> Any:
        """Adds an event about the user, or about no user, and returns its `_id`."""
        at = now()
        about = {} if user is None else {"user": user.id, "user_id": user.user_id, "user_name": user.name}
        event = LogEvent(
            **{"id": new_id(), "tenant": self.tenant, "type": type_, "date": at, "recorded_at": at, **about, **fields}
        )
        await self.database["log_events"].insert_one(event_to_document(event))
        return event.id

    async def add_device(self, user: User, client_id: str = "web", device_id: str = "d") -> None:
        device = {"client_id": client_id, "device_id": device_id, "last_used_at": now()}
        await self.database["devices"].insert_one({"tenant": self.tenant, "user": user.id, **device})

    def seal(self, text: str) -> str:
        """Returns the text encrypted as the service encrypts the tokens of identity providers."""
        return TokenCipher(load_secret(self.data_dir)).encrypt(text)

    def callers(self) -> Callers:
        """Returns the lookup of callers as another process would have it, with its own snapshots."""
        records = Records(self.database)
        snapshots = Snapshots(records)
        reads = Reads(records, Rows(Joins(records, snapshots, TokenCipher(None))))
        return Callers(reads, snapshots, UserStore(self.database))

    def writes(self) -> Writes:
        """Returns the writer of profiles as another process would have it."""
        return Writes(UserStore(self.database), Commits(self.database), self.callers(), Events(LocationDatabase(None)))

    def user_token(self, user: User | str, scopes: Any = USER_SCOPES) -> str:
        user_id = user if isinstance(user, str) else user.user_id
        return mint(self.data_dir, user_id, "web", scopes, 3600, self.tenant)

    def application_token(self, scopes: Any = APPLICATION_SCOPES) -> str:
        return mint(self.data_dir, "support@clients", "support", scopes, 3600, self.tenant)

    def token_with(self, subject: str, scopes: Any = USER_SCOPES, **claims: Any) -> str:
        """Returns a user's token with changed claims. A claim with the value `...` is left out."""
        [_, content, _] = mint(self.data_dir, subject, "web", scopes, 3600, self.tenant).split(".")
        default = json.loads(urlsafe_b64decode(content + "=="))
        changed = {name: value for name, value in {**default, **claims}.items() if value is not ...}
        return jwt.encode({"alg": "ES256", "kid": "development"}, changed, load_key(self.data_dir))

    async def post(self, query: str, token: str | None = None, **variables: Any) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """Returns `data` of the answer, which must have no errors."""
        answer = (await self.post(query, token, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def run(self, mutation: str, token: str | None = None, **input: Any) -> Any:
        """Sends a mutation, by default as an application with all scopes, and returns its payload."""
        [payload] = (await self.ask(mutation, token or self.application_token(ALL_SCOPES), input=input)).values()
        return payload

    async def stored(self, user: User) -> dict[str, Any]:
        found: dict[str, Any] = await self.database["users"].find_one({"_id": user.id})
        return found

    async def events(self, user: User) -> list[dict[str, Any]]:
        """Returns the events about a user, oldest first."""
        of_user = {"tenant": self.tenant, "user": user.id}
        found: list[dict[str, Any]] = await self.database["log_events"].find(of_user).sort("_id").to_list(None)
        return found


def codes(answer: httpx.Response) -> list[str]:
    """Returns the code of each top-level error."""
    return [each["extensions"]["code"] for each in answer.json().get("errors", [])]

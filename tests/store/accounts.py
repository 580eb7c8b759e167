"""An account with documents in every collection, for tests of which documents an operation of the store affects."""

import uuid
from collections.abc import Awaitable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from app.domain.commits import Commit, ProfileWrite, SideEffect
from app.domain.connections import AuthConnection
from app.domain.devices import Device, DeviceType
from app.domain.enrollments import Enrollment
from app.domain.grants import Grant
from app.domain.logins import IdempotencyRecord
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.mail import Mail, MailTemplate
from app.domain.roles import Role
from app.domain.tickets import Ticket, TicketPurpose
from app.domain.times import now
from app.domain.users import Identity, User
from app.store.commits import Commits
from app.store.connections import ConnectionStore
from app.store.database import Database, new_id
from app.store.errors import StoreError
from app.store.inserts import record_of
from app.store.logins import LoginStore
from app.store.logs import to_document as event_to_document
from app.store.outbox import to_document as mail_to_document
from app.store.passwords import CredentialStore
from app.store.roles import RoleStore
from app.store.tickets import to_document as ticket_to_document
from app.store.users import to_document

IP = "203.0.113.7"
RULE = "rule"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A profile with its documents. `linked` is the second account of `user`, and `owner` is the one of both that has them."""

    user: User
    linked: User
    owner: Any
    role: Role
    connection: AuthConnection
    unused: AuthConnection
    device: Device
    grant: Grant
    enrollment: Enrollment
    ticket: Ticket
    mail: Mail
    ip: str = IP
    rule: str = RULE
    key: str = "key"

    @property
    def tenant(self) -> str:
        return self.user.tenant

    def in_tenant(self, tenant: str) -> "Account":
        """Returns the same ids and names in another tenant, where none of these documents is stored."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        moved = {
            name: replace(value, tenant=tenant) if hasattr(value, "tenant") else value for name, value in fields.items()
        }
        return Account(**moved)

    def of_other_names(self) -> "Account":
        """Returns the same user with ids and names of other objects, which do not exist."""
        return replace(
            self,
            role=replace(self.role, id=new_id(), role_id="rol_other"),
            connection=replace(self.connection, id=new_id(), name="other"),
            unused=replace(self.unused, id=new_id(), name="other"),
            device=replace(self.device, id=new_id(), device_id="other", client_id="other", token_hash="1" * 64),
            grant=replace(self.grant, id=new_id(), client_id="other"),
            enrollment=replace(self.enrollment, id=new_id(), enrollment_id="other"),
            ticket=replace(self.ticket, id=new_id(), purpose=TicketPurpose.CHANGE_EMAIL),
            mail=replace(self.mail, id=new_id()),
            ip="198.51.100.7",
            rule="other",
            key="other",
        )

    def of_another_user(self) -> "Account":
        """Returns the same objects with another user of the tenant, who has none of them."""
        other = replace(self.user, id=new_id(), user_id="auth0|other", identities=self.user.identities[:1])
        mine = ("device", "grant", "enrollment", "ticket", "mail")
        moved = {name: replace(getattr(self, name), user=other.id) for name in mine}
        return replace(self, user=other, owner=other.id, **moved)


def new_event(about: User, **more: Any) -> LogEvent:
    at = now()
    given: dict[str, Any] = {"type": LogEventType.LOGIN_SUCCEEDED, "user": about.id, "user_id": about.user_id} | more
    return LogEvent(id=new_id(), tenant=about.tenant, date=at, recorded_at=at, **given)


def new_account(of_linked: bool = False) -> Account:
    """Returns an account of a new tenant. It is not stored."""
    tenant, at, handle = f"a{uuid.uuid4().hex[:12]}", now(), uuid.uuid4().hex[:8]
    role = Role(id=new_id(), tenant=tenant, role_id="rol_a", name="A", permissions=({"api": "urn:a", "name": "read"},))
    own = Identity(provider="auth0", connection="db", user_id=handle)
    second = Identity(provider="auth0", connection="db", user_id=f"{handle}-linked")
    linked = User(
        id=new_id(),
        tenant=tenant,
        user_id=f"auth0|{handle}-linked",
        email=f"{handle}-linked@example.com",
        identities=(second,),
        created_at=at,
        updated_at=at,
    )
    user = User(
        id=new_id(),
        tenant=tenant,
        user_id=f"auth0|{handle}",
        email=f"{handle}@example.com",
        name="John",
        identities=(own, replace(second, origin=linked.id, origin_user_id=linked.user_id)),
        role_ids=(role.id,),
        created_at=at,
        updated_at=at,
    )
    owner = linked.id if of_linked else user.id
    common: dict[str, Any] = {"tenant": tenant, "user": owner}
    return Account(
        user=user,
        linked=replace(linked, linked_to=user.id),
        owner=owner,
        role=role,
        connection=AuthConnection(tenant, "db", "auth0", id=new_id()),
        unused=AuthConnection(tenant, "unused", "auth0", id=new_id()),
        device=Device(
            id=new_id(),
            user_id=user.user_id,
            device_id="phone",
            type=DeviceType.REFRESH_TOKEN,
            created_at=at,
            last_used_at=at,
            client_id="app",
            token_hash="0" * 64,
            **common,
        ),
        grant=Grant(
            id=new_id(), client_id="app", client_name="App", audience="urn:a", scopes=["x"], granted_at=at, **common
        ),
        enrollment=Enrollment(
            id=new_id(),
            enrollment_id="totp",
            type="totp",
            name=None,
            status="confirmed",
            enrolled_at=at,
            last_used_at=at,
            **common,
        ),
        ticket=Ticket(
            id=new_id(),
            purpose=TicketPurpose.RESET_PASSWORD,
            email="a@example.com",
            credential_version=1,
            language="en",
            expires_at=at + timedelta(hours=1),
            hash=uuid.uuid4().hex,
            **common,
        ),
        mail=Mail(
            id=new_id(),
            email="a@example.com",
            template=MailTemplate.RESET_PASSWORD,
            language="en",
            greeting=None,
            ticket=None,
            # The mail is due in a year, so that no sender of another test claims it.
            recorded_at=at + timedelta(days=365),
            **common,
        ),
    )


async def write(
    database: Database, before: User | None, after: User | None, *side_effects: SideEffect, **options: Any
) -> bool:
    """Commits one profile with its event. `options` are other fields of ProfileWrite."""
    user = after or before
    assert user
    commit = Commit((ProfileWrite(before, after, **options),), (new_event(user),), side_effects)
    await Commits(database).execute(commit)
    return True


async def is_written(write: Awaitable[object]) -> bool:
    """Returns whether the store accepted the write."""
    try:
        await write
    except StoreError:
        return False
    return True


async def stored_account(database: Database, of_linked: bool = False) -> Account:
    account = new_account(of_linked)
    tenant, owner = account.tenant, account.owner
    beside = {"tenant": tenant, "user": owner}
    await database["users"].insert_many([to_document(account.user), to_document(account.linked)])
    await RoleStore(database).insert(account.role, new_event(account.user, user=None, user_id=None))
    nobody = new_event(account.user, user=None, user_id=None)
    for each in (account.connection, account.unused):
        await ConnectionStore(database).write(None, each, replace(nobody, id=new_id()))
    await ConnectionStore(database).write_rule(tenant, RULE, None, (True, 1), nobody)
    for collection, value in (
        ("devices", account.device),
        ("grants", account.grant),
        ("mfa_enrollments", account.enrollment),
    ):
        await database[collection].insert_one(record_of(value))
    await database["tickets"].insert_one(ticket_to_document(account.ticket))
    await database["mails"].insert_one(
        mail_to_document(account.mail) | {"due_at": account.mail.recorded_at, "tries": 0}
    )
    await database["credentials"].insert_one({**beside, "hash": "$2b$old", "version": 1})
    await database["password_tries"].insert_one(
        {"tenant": tenant, "key": account.key, "count": 1, "recorded_at": now()}
    )
    await database["password_changes"].insert_one({**beside, "count": 1, "recorded_at": now()})
    await CredentialStore(database).count_change(tenant, owner, now())
    await database["mail_counts"].insert_one({"tenant": tenant, "key": f"user:{owner}", "times": []})
    await LoginStore(database).count_failure(tenant, owner, IP, now())
    record = IdempotencyRecord(tenant, "app", account.key, "hash", owner, True, new_id(), now())
    await database["login_keys"].insert_one(asdict(record))
    # Events about the person, by the person, and with a mention of the person.
    actor, others = Actor("USER", account.user.user_id, "John"), new_id()
    changes = (FieldChange("email", "old@example.com", account.user.email),)
    events = [
        new_event(account.user, user=owner, ip=IP, reason="because", changes=changes),
        new_event(account.user, user=others, user_id="auth0|z", actor=actor, ip=IP),
        new_event(account.user, user=others, user_id="auth0|z", details={"otherUserId": account.user.user_id}),
        new_event(account.user, user=None, user_id=None, details={"identifier": "OLD@example.com"}, ip=IP),
    ]
    await database["log_events"].insert_many([event_to_document(each) for each in events])
    return account


async def contents(database: Database, tenant: str) -> dict[str, list[dict[str, Any]]]:
    """Returns every document of a tenant, by collection."""
    names = await database.database.list_collection_names()
    found = {name: await database[name].find({"tenant": tenant}).sort("_id").to_list(None) for name in names}
    return {name: documents for name, documents in found.items() if documents}

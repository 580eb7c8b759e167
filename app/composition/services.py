"""The use cases, each with the services, stores and settings that it needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.auth.development import TENANT
from app.auth.tokens import Tokens
from app.composition.defaults import is_mail_possible
from app.composition.locations import build_locations
from app.composition.login_rules import installed_rules
from app.composition.secrets import build_token_cipher
from app.domain.login_rules import LoginRule
from app.schema.context import Services
from app.services.accounts import Accounts
from app.services.actions import Actions
from app.services.attributes import RootAttributes
from app.services.blocks import Blocks
from app.services.callers import Callers
from app.services.changes import ProfileChanges
from app.services.connections import Connections as ConnectionSettings
from app.services.devices import Devices
from app.services.emails import Emails
from app.services.enrollments import Enrollments
from app.services.grants import Grants
from app.services.identifiers import Identifiers
from app.services.identities import Identities
from app.services.joins import Joins
from app.services.lists import Lists
from app.services.logins import RecordLogins
from app.services.metadata import Metadata
from app.services.password_hashes import PasswordHashes
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.reads import Reads
from app.services.roles import Roles
from app.services.rows import Rows
from app.services.tickets import Tickets
from app.services.users import UserLookup
from app.settings import Settings
from app.store.accounts import Accounts as StoredAccounts
from app.store.connections import Connections
from app.store.database import Database
from app.store.devices import Devices as StoredDevices
from app.store.enrollments import Enrollments as StoredEnrollments
from app.store.grants import Grants as StoredGrants
from app.store.identities import Identities as StoredIdentities
from app.store.logins import Logins
from app.store.outbox import Outbox
from app.store.passwords import Passwords as StoredPasswords
from app.store.records import Records
from app.store.roles import Roles as StoredRoles
from app.store.snapshots import Snapshots
from app.store.tickets import Tickets as StoredTickets
from app.store.token_cipher import TokenCipher
from app.store.users import Users


@dataclass(frozen=True, slots=True)
class Foundation:
    """What several use cases share. One object each, because some of them queue or remember."""

    settings: Settings
    database: Database
    can_mail: bool
    cipher: TokenCipher
    records: Records
    snapshots: Snapshots
    users: Users
    connections: Connections
    reads: Reads
    lists: Lists
    callers: Callers
    changes: ProfileChanges
    rules: Sequence[LoginRule]


def build_services(
    settings: Settings,
    database: Database,
    development: bool,
    tokens: Tokens,
    on_role_deleted: Callable[[], None] = lambda: None,
) -> Services:
    base = build_foundation(settings, database, development)
    changes, database = base.changes, base.database
    passwords = build_passwords(base)
    return Services(
        reads=base.reads,
        lists=base.lists,
        callers=base.callers,
        users=UserLookup(base.snapshots),
        metadata=Metadata(changes, settings.metadata_max_bytes),
        root_attributes=RootAttributes(changes, base.records),
        logins=build_logins(base),
        devices=Devices(changes, base.callers, base.users, StoredDevices(database)),
        connections=build_connections(base),
        identities=build_identities(base, tokens),
        blocks=Blocks(changes, Logins(database)),
        roles=Roles(changes, base.callers, StoredRoles(database), base.snapshots, on_role_deleted),
        accounts=build_accounts(base, passwords),
        emails=build_emails(base, passwords),
        identifiers=Identifiers(changes, base.connections),
        passwords=passwords,
        grants=Grants(changes, StoredGrants(database)),
        enrollments=Enrollments(changes, StoredEnrollments(database)),
        actions=Actions(settings.step_up_seconds, base.can_mail),
        personal_data=PersonalData(changes, base.reads, base.lists, Logins(database)),
        tickets=build_tickets(base, passwords),
    )


def build_foundation(settings: Settings, database: Database, development: bool) -> Foundation:
    database = database.limited(settings.log_max_bytes_per_user)
    records, users = Records(database), Users(database)
    snapshots, cipher = Snapshots(records), build_token_cipher(settings, development)
    rows = Rows(Joins(records, snapshots, cipher))
    reads = Reads(records, rows)
    callers = Callers(reads, snapshots)
    return Foundation(
        settings=settings,
        database=database,
        can_mail=is_mail_possible(settings, development),
        cipher=cipher,
        records=records,
        snapshots=snapshots,
        users=users,
        connections=Connections(database),
        reads=reads,
        lists=Lists(records, rows),
        callers=callers,
        changes=ProfileChanges(users, callers, max_age=settings.step_up_seconds),
        rules=installed_rules(),
    )


def build_passwords(base: Foundation) -> Passwords:
    return Passwords(
        base.changes,
        base.callers,
        base.users,
        base.connections,
        Logins(base.database),
        StoredPasswords(base.database),
        PasswordHashes(),
        frozenset(base.settings.mfa_tenants),
        (urlsplit(base.settings.public_base_url()).hostname or "", base.settings.mail_from or ""),
        base.can_mail,
    )


def build_logins(base: Foundation) -> RecordLogins:
    return RecordLogins(
        base.callers,
        base.users,
        Logins(base.database),
        base.connections,
        base.cipher,
        build_locations(base.settings),
        base.rules,
        base.settings.metadata_max_bytes,
    )


def build_connections(base: Foundation) -> ConnectionSettings:
    issuers = [(each.tenant, each.connection) for each in base.settings.issuers or []]
    return ConnectionSettings(base.callers, base.connections, base.snapshots, base.rules, issuers)


def build_identities(base: Foundation, tokens: Tokens) -> Identities:
    return Identities(
        base.changes,
        base.callers,
        StoredIdentities(base.database),
        StoredRoles(base.database),
        tokens.verify,
        base.settings.metadata_max_bytes,
    )


def build_accounts(base: Foundation, passwords: Passwords) -> Accounts:
    return Accounts(
        base.changes,
        base.callers,
        base.users,
        base.connections,
        StoredAccounts(base.database),
        Outbox(base.database),
        passwords.choose,
        base.settings.metadata_max_bytes,
        sorted({each.tenant for each in base.settings.issuers or []}) or [TENANT],
        base.can_mail,
    )


def build_emails(base: Foundation, passwords: Passwords) -> Emails:
    stored = StoredPasswords(base.database)
    return Emails(base.changes, base.users, base.connections, stored, passwords, base.can_mail)


def build_tickets(base: Foundation, passwords: Passwords) -> Tickets:
    stored, hashes = StoredTickets(base.database), StoredPasswords(base.database)
    return Tickets(base.changes, base.users, stored, hashes, passwords.choose_another)

"""Builds the services, each with the stores and settings that it needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.auth.development import TENANT
from app.auth.tokens import Tokens
from app.composition.defaults import is_mail_possible
from app.composition.locations import build_locations
from app.composition.login_rules import find_rules
from app.composition.secrets import build_token_cipher
from app.domain.login_rules import LoginRule
from app.schema.context import Services
from app.services.accounts import Accounts
from app.services.actions import Actions
from app.services.attributes import RootAttributes
from app.services.blocks import Blocks
from app.services.callers import Callers
from app.services.connections import Connections
from app.services.devices import Devices
from app.services.emails import Emails
from app.services.enrollments import Enrollments
from app.services.events import Events
from app.services.failed_logins import FailedLogins
from app.services.grants import Grants
from app.services.identifiers import Identifiers
from app.services.identities import Identities
from app.services.joins import Joins
from app.services.lists import Lists
from app.services.login_rules import LoginRules
from app.services.logins import RecordLogins
from app.services.metadata import Metadata
from app.services.new_accounts import NewAccounts
from app.services.password_hashes import PasswordHashes
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.reads import Reads
from app.services.roles import Roles
from app.services.rows import Rows
from app.services.searches import UserSearches
from app.services.sign_ups import SignUps
from app.services.tickets import Tickets
from app.services.users import UserLookup
from app.services.writes import Writes
from app.settings import Settings
from app.store.commits import Commits
from app.store.connections import ConnectionStore
from app.store.database import Database
from app.store.devices import DeviceStore
from app.store.enrollments import EnrollmentStore
from app.store.grants import GrantStore
from app.store.logins import LoginStore
from app.store.outbox import Outbox
from app.store.passwords import CredentialStore
from app.store.records import Records
from app.store.roles import RoleStore
from app.store.snapshots import Snapshots
from app.store.tickets import TicketStore
from app.store.token_cipher import TokenCipher
from app.store.users import UserStore


@dataclass(frozen=True, slots=True)
class Foundation:
    """The objects that several services share. There is one of each, because some of them have queues or caches."""

    settings: Settings
    database: Database
    can_mail: bool
    cipher: TokenCipher
    records: Records
    snapshots: Snapshots
    users: UserStore
    connections: ConnectionStore
    reads: Reads
    lists: Lists
    callers: Callers
    writes: Writes
    rules: Sequence[LoginRule]


def build_services(
    settings: Settings,
    database: Database,
    development: bool,
    tokens: Tokens,
    on_role_deleted: Callable[[], None] = lambda: None,
) -> Services:
    base = build_foundation(settings, database, development)
    writes, database, connections = base.writes, base.database, base.connections
    passwords = build_passwords(base)
    accounts = NewAccounts(connections, writes.events, passwords.choose, settings.metadata_max_bytes)
    return Services(
        reads=base.reads,
        lists=base.lists,
        callers=base.callers,
        users=UserLookup(base.snapshots),
        metadata=Metadata(writes, settings.metadata_max_bytes),
        root_attributes=RootAttributes(writes, connections),
        logins=build_logins(base),
        failed_logins=FailedLogins(writes, base.callers, base.users, LoginStore(database), connections),
        devices=Devices(writes, base.callers, base.users, DeviceStore(database)),
        connections=build_connections(base),
        identities=build_identities(base, tokens),
        blocks=Blocks(writes, LoginStore(database)),
        roles=Roles(writes, base.callers, RoleStore(database), base.snapshots, on_role_deleted),
        accounts=Accounts(writes, base.callers, accounts, base.can_mail),
        sign_ups=build_sign_ups(base, accounts),
        emails=build_emails(base, passwords),
        identifiers=Identifiers(writes, connections),
        passwords=passwords,
        grants=Grants(writes, GrantStore(database)),
        enrollments=Enrollments(writes, EnrollmentStore(database)),
        actions=Actions(settings.step_up_seconds, base.can_mail),
        personal_data=PersonalData(writes, base.reads, base.lists),
        tickets=build_tickets(base, passwords),
        searches=UserSearches(base.snapshots, base.records.searches),
    )


def build_foundation(settings: Settings, database: Database, development: bool) -> Foundation:
    # Every commit goes through this object, so that no service can write more history than the limit.
    database = database.with_log_limit(settings.log_max_bytes_per_user)
    records, users = Records(database), UserStore(database)
    snapshots, cipher = Snapshots(records), build_token_cipher(settings, development)
    rows = Rows(Joins(records, snapshots, cipher))
    reads = Reads(records, rows)
    callers, events = Callers(reads, snapshots, users), Events(build_locations(settings))
    return Foundation(
        settings=settings,
        database=database,
        can_mail=is_mail_possible(settings, development),
        cipher=cipher,
        records=records,
        snapshots=snapshots,
        users=users,
        connections=ConnectionStore(database),
        reads=reads,
        lists=Lists(records, rows),
        callers=callers,
        writes=Writes(users, Commits(database), callers, events, max_age=settings.step_up_seconds),
        rules=find_rules(),
    )


def build_passwords(base: Foundation) -> Passwords:
    return Passwords(
        base.writes,
        base.callers,
        base.users,
        base.connections,
        CredentialStore(base.database),
        PasswordHashes(),
        frozenset(base.settings.mfa_tenants),
        # Names of the product are easy to guess as passwords.
        (urlsplit(base.settings.public_base_url()).hostname or "", base.settings.mail_from or ""),
        base.can_mail,
    )


def build_logins(base: Foundation) -> RecordLogins:
    return RecordLogins(
        base.writes,
        base.callers,
        base.users,
        LoginStore(base.database),
        base.connections,
        base.cipher,
        LoginRules(base.connections, base.rules, base.settings.metadata_max_bytes),
    )


def build_connections(base: Foundation) -> Connections:
    # A connection that an issuer names must not be deleted: its tokens would no longer identify users.
    issuers = [(each.tenant, each.connection) for each in base.settings.issuers or []]
    return Connections(base.callers, base.writes.events, base.connections, base.snapshots, base.rules, issuers)


def build_identities(base: Foundation, tokens: Tokens) -> Identities:
    return Identities(
        base.writes,
        base.callers,
        base.users,
        RoleStore(base.database),
        tokens.verify,
        base.settings.metadata_max_bytes,
    )


def build_sign_ups(base: Foundation, accounts: NewAccounts) -> SignUps:
    # A request to sign up has no token that names the tenant. Only tenants of configured issuers are possible.
    tenants = sorted({each.tenant for each in base.settings.issuers or []}) or [TENANT]
    return SignUps(base.writes, base.users, Outbox(base.database), accounts, tenants, base.can_mail)


def build_emails(base: Foundation, passwords: Passwords) -> Emails:
    credentials = CredentialStore(base.database)
    return Emails(base.writes, base.users, base.connections, credentials, passwords, base.can_mail)


def build_tickets(base: Foundation, passwords: Passwords) -> Tickets:
    tickets, credentials = TicketStore(base.database), CredentialStore(base.database)
    return Tickets(base.writes, base.users, tickets, credentials, passwords.choose_another)

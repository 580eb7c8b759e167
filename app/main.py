"""The composition root: settings, store, services, schema, web."""

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLError
from starlette.types import ASGIApp

from app.auth.development import (
    APPLICATION_SCOPES,
    TENANT,
    TENANT_CLAIM,
    USER_SCOPES,
    check_development,
    development_issuer,
    is_loopback,
    load_secret,
    mint,
)
from app.auth.tokens import Tokens
from app.domain.login_rules import BUILT_IN, LoginRule
from app.geo.places import Places
from app.jobs.demo import demo_callers
from app.jobs.emails import SendMails
from app.jobs.roles import ClearRoles
from app.mail.messages import Composer
from app.mail.smtp import Server
from app.schema.context import Services
from app.schema.execution import Engine, Trust, build_schema
from app.schema.limits import Limits
from app.schema.trusted_documents import read_documents
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
from app.services.logins import RecordLogins
from app.services.metadata import Metadata
from app.services.password_hashes import PasswordHashes
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.reads import Reads
from app.services.roles import Roles
from app.services.tickets import Tickets
from app.services.users import Users as NamedUsers
from app.settings import DEMO_VARIABLE, ConfigurationError, Settings, load_settings
from app.start import Refuse, Start, end_process
from app.store.accounts import Accounts as StoredAccounts
from app.store.addresses import join_when_ready
from app.store.connections import Connections
from app.store.database import Database
from app.store.devices import Devices as StoredDevices
from app.store.documents import Documents
from app.store.emails import Outbox
from app.store.enrollments import Enrollments as StoredEnrollments
from app.store.grants import Grants as StoredGrants
from app.store.identities import Identities as StoredIdentities
from app.store.logins import Logins
from app.store.passwords import Passwords as StoredPasswords
from app.store.rates import Rates
from app.store.roles import Roles as StoredRoles
from app.store.sealing import Sealing
from app.store.snapshots import Snapshots
from app.store.tickets import Tickets as StoredTickets
from app.store.users import Users
from app.web.addresses import Addresses
from app.web.application import Parts, build_application
from app.web.development import TokenOffice
from app.web.graphql import GraphQL
from app.web.home import list_addresses
from app.web.load import Load
from app.web.logs import configure_logs
from app.web.metrics import Metrics, MetricsPage
from app.web.pages import GraphiQL
from app.web.tickets import TicketPage
from app.web.traces import traces_from_environment

WhenStopping = Callable[[Callable[[], None]], None]

_PAGE_TOKEN_SECONDS = 8 * 3600
# Outside of development, unless set. The address's counts requests, the caller's units of cost.
RATE_LIMIT = "100/second"
ADDRESS_RATE_LIMIT = "1000/second"
# What needs no token: sign-ups and tickets, from one address.
OPEN_RATE_LIMIT = "30/minute"


def create(refuse: Refuse = end_process, when_stopping: WhenStopping = lambda _: None) -> ASGIApp:
    """The application that uvicorn serves. Raises ConfigurationError for an environment that can't be served.

    `refuse` is called when the database turns out to be one that this service must not serve. `when_stopping` gets what
    must be called when the service is told to stop, before it waits for requests.
    """
    settings = load_settings()
    configure_logs(settings.log_format)
    demo = os.environ.get(DEMO_VARIABLE) in (str(os.getpid()), str(os.getppid()))
    url = settings.mongodb_url or join_when_ready(settings.data_dir)
    if url is None:
        raise ConfigurationError("No database: start with `profile-api serve`, or set PROFILE_API_MONGODB_URL.")
    return build(settings, Database.connect(url, settings.database), demo, refuse, when_stopping)


def build(
    settings: Settings,
    database: Database,
    demo: bool = False,
    refuse: Refuse = end_process,
    when_stopping: WhenStopping = lambda _: None,
) -> ASGIApp:
    """The application on a given database."""
    development = check_development(settings, demo)
    tokens = to_tokens(settings, development)
    clear_roles = ClearRoles(StoredRoles(database))
    send_mails = build_mails(settings, database, development)
    when_stopping(send_mails.stop)
    services = build_services(settings, database, development, tokens, clear_roles.wake)
    open_rates = to_rates(settings, "open", settings.open_rate_limit, OPEN_RATE_LIMIT, database, development)
    engine = build_engine(settings, database, development, services, open_rates)
    metrics = build_metrics(tokens, engine, database)
    jobs = [clear_roles.run, *mail_jobs(settings, development, send_mails)]
    start = Start(settings, database, development, demo, tokens, metrics, jobs, refuse)
    callers = list(demo_callers()) if development and demo else []
    addresses = Addresses(settings.trusted_proxies)
    graphql = GraphQL(
        engine,
        tokens,
        addresses,
        to_rates(settings, "address", settings.address_rate_limit, ADDRESS_RATE_LIMIT, database, development),
        metrics,
        traces_from_environment(),
        settings.max_body_bytes,
        start.is_prepared,
        Load(settings.max_concurrent_operations, settings.max_body_bytes),
    )
    metrics_token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    return build_application(
        Parts(
            graphql,
            MetricsPage(metrics, metrics_token),
            start.is_prepared,
            start.problem,
            start.lifespan,
            TicketPage(services.tickets, addresses, open_rates, services.passwords.min_length),
            build_graphiql(settings, development, callers),
            TokenOffice(callers, partial(mint_for_page, settings.data_dir)) if callers else None,
            settings.cors_origins,
            development,
        )
    )


def build_engine(
    settings: Settings, database: Database, development: bool, services: Services, open_rates: Rates
) -> Engine:
    """ConfigurationError where trusted documents can't be read or can't be run."""
    limits = Limits(
        body=settings.max_body_bytes,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        root_fields=settings.max_root_fields,
        cost=settings.max_cost,
        seconds=settings.time_limit_seconds,
    )
    rates = to_rates(settings, "caller", settings.rate_limit, RATE_LIMIT, database, development)
    folder = settings.trusted_documents_dir
    try:
        documents = read_documents(folder) if settings.trusted_documents != "off" else {}
        if settings.trusted_documents != "off" and not documents:
            raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: {folder} holds no .graphql file.")
        trust = Trust(settings.trusted_documents, documents)
        introspection = development if settings.introspection is None else settings.introspection
        return Engine(build_schema(), services, limits, rates, trust, open_rates, introspection)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: {folder} can't be read: {error}.") from None
    except GraphQLError as error:
        raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: a document can't be run: {error}") from None


def to_rates(
    settings: Settings, name: str, limit: str | None, default: str, database: Database, development: bool
) -> Rates:
    """No limit in development unless one is set."""
    limit = limit or ("off" if development else default)
    url = database.url if settings.rate_limit_storage == "mongodb" else None
    return Rates(name, limit, url, settings.database)


def build_graphiql(settings: Settings, development: bool, callers: Sequence[Mapping[str, str]]) -> GraphiQL | None:
    is_on = development if settings.graphiql is None else settings.graphiql
    return GraphiQL(development, callers, list_addresses(True, bool(callers))) if is_on else None


def build_metrics(tokens: Tokens, engine: Engine, database: Database) -> Metrics:
    metrics, documents, pool = Metrics(), engine.documents, database.pool
    for figure, words in (("hits", "Found remembered."), ("misses", "Not found remembered.")):
        read = {"tokens": partial(getattr, tokens, figure), "documents": partial(getattr, documents, figure)}
        metrics.watch(f"cache_{figure}", words, read)
    metrics.watch("cache_size", "Remembered now.", {"tokens": tokens.__len__, "documents": documents.__len__})
    metrics.watch(
        "database_connections",
        "Connections to MongoDB.",
        {"open": lambda: pool.open, "in_use": lambda: pool.in_use},
    )
    return metrics


def mint_for_page(data_dir: Path, subject: str) -> str:
    """A token for a visitor of GraphiQL in development, with every scope that fits its kind."""
    is_application = subject.endswith("@clients")
    client = subject.removesuffix("@clients") if is_application else "graphiql"
    scopes = APPLICATION_SCOPES if is_application else USER_SCOPES
    return mint(data_dir, subject, client, scopes, _PAGE_TOKEN_SECONDS)


def to_tokens(settings: Settings, development: bool) -> Tokens:
    if development:
        return Tokens([development_issuer(settings.data_dir)], tenant_claim=TENANT_CLAIM)
    return Tokens(settings.issuers or [])


def build_sealing(settings: Settings, development: bool) -> Sealing:
    """In development with a secret made in the data directory; elsewhere without one nothing can be sealed."""
    if settings.secret is not None:
        return Sealing(settings.secret.get_secret_value())
    return Sealing(load_secret(settings.data_dir) if development else None)


def is_mail_possible(settings: Settings, development: bool) -> bool:
    """Whether mail is sent, kept for the developer, or dropped on purpose."""
    return development or settings.smtp_url is not None or settings.mail == "drop"


def build_server(settings: Settings) -> Server | None:
    """None where mail is not sent. ConfigurationError where PROFILE_API_SMTP_URL cannot be used."""
    if settings.smtp_url is None:
        return None
    try:
        server = Server.read(settings.smtp_url.get_secret_value(), settings.smtp_allow_plain)
    except ValueError as error:
        raise ConfigurationError(f"PROFILE_API_SMTP_URL: {error}.") from None
    if settings.smtp_allow_plain and not server.is_tls and not is_loopback(server.host):
        raise ConfigurationError(
            "PROFILE_API_SMTP_ALLOW_PLAIN is for a relay on loopback, and PROFILE_API_SMTP_URL names another host:"
            " unset PROFILE_API_SMTP_ALLOW_PLAIN."
        )
    return None if settings.mail == "drop" else server


def mail_jobs(
    settings: Settings, development: bool, send_mails: SendMails
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """None without a way to send mail: what waits in the outbox is sent after a restart with PROFILE_API_SMTP_URL."""
    return [send_mails.run] if is_mail_possible(settings, development) else []


def build_mails(settings: Settings, database: Database, development: bool) -> SendMails:
    server = build_server(settings)
    address = settings.public_address()
    composer = Composer(settings.mail_from or f"no-reply@{urlsplit(address).hostname}", address)
    unsent = settings.data_dir / "mail" if development and settings.mail != "drop" else None
    return SendMails(Outbox(database), StoredTickets(database), composer, server, unsent)


def build_places(settings: Settings) -> Places:
    """ConfigurationError where the file can't be read."""
    try:
        return Places(settings.geoip_database)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"PROFILE_API_GEOIP_DATABASE can't be read: {error}") from None


def installed_rules() -> list[LoginRule]:
    """The built-in login rules, and those that installed packages offer as entry points."""
    return [*BUILT_IN, *(_load_rule(each) for each in entry_points(group="profile_api.login_rules"))]


def _load_rule(offered: EntryPoint) -> LoginRule:
    """ConfigurationError when the package that offers the rule cannot be imported, whatever it raises."""
    try:
        rule: LoginRule = offered.load()
    except Exception as error:
        source = offered.dist.name if offered.dist else offered.value
        raise ConfigurationError(
            f"The login rule {offered.name} of the package {source} cannot be loaded ({type(error).__name__}):"
            " repair or remove the package."
        ) from error
    return rule


def build_services(
    settings: Settings,
    database: Database,
    development: bool,
    tokens: Tokens,
    on_role_deleted: Callable[[], None] = lambda: None,
) -> Services:
    database = database.limited(settings.log_max_bytes_per_user)
    documents = Documents(database)
    snapshots = Snapshots(documents)
    sealing = build_sealing(settings, development)
    can_mail = is_mail_possible(settings, development)
    reads = Reads(documents, snapshots, sealing)
    users, connections = Users(database), Connections(database)
    rules, callers = installed_rules(), Callers(reads, snapshots)
    changes = ProfileChanges(users, callers, max_age=settings.step_up_seconds)
    stored_logins = Logins(database)
    stored_passwords = StoredPasswords(database)
    passwords = Passwords(
        changes,
        callers,
        users,
        connections,
        stored_logins,
        stored_passwords,
        PasswordHashes(),
        frozenset(settings.mfa_tenants),
        (urlsplit(settings.public_address()).hostname or "", settings.mail_from or ""),
        can_mail,
    )
    tenants = sorted({each.tenant for each in settings.issuers or []}) or [TENANT]
    logins = RecordLogins(
        callers,
        users,
        stored_logins,
        connections,
        sealing,
        build_places(settings),
        rules,
        settings.metadata_max_bytes,
    )
    return Services(
        reads=reads,
        callers=callers,
        users=NamedUsers(snapshots),
        metadata=Metadata(changes, settings.metadata_max_bytes),
        root_attributes=RootAttributes(changes, documents),
        logins=logins,
        devices=Devices(changes, callers, users, StoredDevices(database)),
        connections=ConnectionSettings(
            callers,
            connections,
            snapshots,
            rules,
            [(each.tenant, each.connection) for each in settings.issuers or []],
        ),
        identities=Identities(
            changes,
            callers,
            StoredIdentities(database),
            StoredRoles(database),
            tokens.verify,
            settings.metadata_max_bytes,
        ),
        blocks=Blocks(changes, stored_logins),
        roles=Roles(changes, callers, StoredRoles(database), snapshots, on_role_deleted),
        accounts=Accounts(
            changes,
            callers,
            users,
            connections,
            StoredAccounts(database),
            Outbox(database),
            passwords.choose,
            settings.metadata_max_bytes,
            tenants,
            can_mail,
        ),
        emails=Emails(changes, users, connections, stored_passwords, passwords, can_mail),
        identifiers=Identifiers(changes, connections),
        passwords=passwords,
        grants=Grants(changes, StoredGrants(database)),
        enrollments=Enrollments(changes, StoredEnrollments(database)),
        actions=Actions(settings.step_up_seconds, can_mail),
        personal_data=PersonalData(changes, reads, stored_logins),
        tickets=Tickets(changes, users, StoredTickets(database), stored_passwords, passwords.choose_another),
    )

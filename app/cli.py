"""`profile-api`: serve, token, migrate, schema."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NoReturn

import typer

from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, check_development, mint
from app.domain.errors import Unavailable
from app.jobs.demo import JOHN_DOE
from app.main import DEMO_VARIABLE
from app.schema.execution import build_schema
from app.serving import serve as run_server
from app.serving import to_config
from app.settings import ConfigurationError, Settings, load_settings
from app.start import prepare
from app.store.database import Database
from app.store.indexes import ensure_indexes
from app.store.migrations import MigrationNeeded
from app.store.migrations import migrate as run_migrations
from app.store.mongod import Mongod, MongodError, join
from app.web.logs import configure_logs
from app.web.metrics import MULTIPROCESS_VARIABLE

app = typer.Typer(help="A GraphQL API for user profiles on MongoDB.", no_args_is_help=True, add_completion=False)

_BANNER_TOKEN_SECONDS = 8 * 3600


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
    demo: Annotated[bool, typer.Option("--demo", help="With demo data and the development issuer.")] = False,
) -> None:
    """Run the service, and its own MongoDB where PROFILE_API_MONGODB_URL is not set."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    for name, value in given.items():
        # Workers read the environment anew.
        os.environ[f"PROFILE_API_{name.upper()}"] = str(value)
    settings = load_settings()
    development = check_development(settings, demo)
    if demo:
        os.environ[DEMO_VARIABLE] = str(os.getpid())
    config = to_config(settings)
    configure_logs(settings.log_format)
    socket = config.bind_socket()
    # Where any free port was asked for: links in mails name it.
    os.environ["PROFILE_API_PORT"] = str(socket.getsockname()[1])
    with _database(settings, own=True) as url, _shared_metrics(workers):
        asyncio.run(_prepared(settings, url, development, demo))
        _say(settings, development, socket.getsockname()[1])
        run_server(settings, socket, workers)


@app.command()
def token(
    user: Annotated[str | None, typer.Option(help="A user's userId; John Doe when left out.")] = None,
    client: Annotated[str | None, typer.Option(help="An application's name, for an internal tool's token.")] = None,
    scope: Annotated[str | None, typer.Option(help="Scopes, with spaces between; all that fit when left out.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant.")] = TENANT,
    expires_in: Annotated[int, typer.Option(min=1, help="Seconds.")] = 3600,
) -> None:
    """Print a token of the development issuer."""
    settings = load_settings()
    if settings.issuers is not None:
        raise ConfigurationError("PROFILE_API_ISSUERS is set: tokens come from the issuers configured there.")
    if user is not None and client is not None:
        raise ConfigurationError("Give --user or --client, not both.")
    typer.echo(_token(settings.data_dir, user, client, scope, tenant, expires_in))


@app.command()
def migrate() -> None:
    """Bring documents and indexes of an older version up."""
    settings = load_settings()
    with _database(settings, own=False) as url:
        reached = asyncio.run(_migrated(settings, url))
    typer.echo(f"Migrated to schema version {reached[-1]}." if reached else "Nothing to migrate.")


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    typer.echo(build_schema().as_str())


def main() -> None:
    """Errors of configuration are one line for the operator; all else is a fault and shows where."""
    try:
        app()
    except (ConfigurationError, MigrationNeeded, MongodError) as error:
        _fail(str(error))
    except Unavailable:
        _fail("The database of PROFILE_API_MONGODB_URL does not answer.")


def _fail(message: str) -> NoReturn:
    typer.echo(f"profile-api: {message}", err=True)
    sys.exit(1)


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Where workers put their counts together, so that any of them can tell of all."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="profile-api-metrics-") as folder:
        os.environ[MULTIPROCESS_VARIABLE] = folder
        yield


@contextmanager
def _database(settings: Settings, own: bool) -> Iterator[str]:
    """The database's URL: configured, of an embedded mongod started for this, or else of one that runs already."""
    running = settings.mongodb_url or (None if own else join(settings.data_dir))
    if running is not None:
        yield running
        return
    with Mongod(settings.data_dir, settings.mongod) as mongod:
        mongod.keep_running()
        yield mongod.url


async def _prepared(settings: Settings, url: str, development: bool, demo: bool) -> None:
    """Before the first worker: what is wrong with the database is told once, and stops the service."""
    database = Database.connect(url, settings.database)
    try:
        await prepare(settings, database, development, demo)
    except Unavailable:
        # One that is not up yet is waited for by the workers; /readyz says so.
        typer.echo("profile-api: the database does not answer yet.", err=True)
    finally:
        database.close()


async def _migrated(settings: Settings, url: str) -> list[int]:
    database = Database.connect(url, settings.database)
    try:
        reached = await run_migrations(database)
        await ensure_indexes(database, settings.log_retention_days)
    finally:
        database.close()
    return reached


def _token(
    data_dir: Path, user: str | None, client: str | None, scope: str | None, tenant: str, expires_in: int
) -> str:
    fitting = USER_SCOPES if client is None else APPLICATION_SCOPES
    scopes = fitting if scope is None else scope.split()
    if client is not None:
        return mint(data_dir, f"{client}@clients", client, scopes, expires_in, tenant)
    return mint(data_dir, user or JOHN_DOE, "profile-api-cli", scopes, expires_in, tenant)


def _say(settings: Settings, development: bool, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    page = " (GraphiQL in a browser)" if settings.graphiql else ""
    lines = [f"Profile API on http://{host}:{port}", f"  GraphQL  http://{host}:{port}/graphql{page}"]
    if development:
        minted = _token(settings.data_dir, None, None, None, TENANT, _BANNER_TOKEN_SECONDS)
        lines += [
            "",
            "DEVELOPMENT: tokens are signed by this service's own issuer. Loopback only; not for production.",
            f"A token of {JOHN_DOE}, good for 8 hours (more: profile-api token --help):",
            "",
            minted,
            "",
            "What it reads of itself:",
            f"""curl http://{host}:{port}/graphql -H 'content-type: application/json' \\""",
            """  -H "authorization: Bearer $(.venv/bin/profile-api token)" \\""",
            """  -d '{"query": "{ viewer { name userMetadata } }"}'""",
            "",
        ]
    typer.echo("\n".join(lines))
    sys.stdout.flush()

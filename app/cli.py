"""The commands of `profile-api`, which also print mistakes in the configuration and warn about unknown variables.

Each command imports its modules when it runs, so that `--help` is fast.
"""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app import stopping
from app.domain.errors import Unavailable
from app.settings import ConfigurationError, Settings, load_settings, unknown_variables

if TYPE_CHECKING:
    from pathlib import Path

# A commit can still run for this long after the time limit of its operation. `migrate` waits for it.
_COMMIT_SECONDS = 5.0

app = typer.Typer(
    help="A GraphQL API for user profiles on MongoDB.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        from importlib.metadata import version

        typer.echo(f"profile-api {version('profile-api')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Has the options that come before a command."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="IP address or host name to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. 0 selects a free port.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes that answer requests.")] = 1,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Add demo data. Without PROFILE_API_ISSUERS, use the development issuer."),
    ] = False,
) -> None:
    """Run the service. If PROFILE_API_MONGODB_URL is not set, also run a MongoDB server."""
    signal.signal(signal.SIGTERM, _stop_starting)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if host is not None and not host.strip():
        raise typer.BadParameter("must not be empty", param_hint="--host")
    # An option must not hide a mistake in the environment, such as an empty variable: workers read it too.
    settings = load_settings(**given)
    for name, value in given.items():
        # Workers are new processes. They read the options from the environment.
        os.environ[f"PROFILE_API_{name.upper()}"] = str(value)
    if unread := unknown_variables():
        typer.echo(
            f"profile-api: warning: unknown variables without effect: {', '.join(unread)}.",
            err=True,
        )
    from app.launch import run

    run(settings, workers, demo)
    stopping.finish()


def _stop_starting(*_: object) -> NoReturn:
    stopping.begin()
    sys.exit(0)


@app.command()
def token(
    user: Annotated[str | None, typer.Option(help="userId of a user. The default is John Doe.")] = None,
    client: Annotated[str | None, typer.Option(help="Name of the application that the token is for.")] = None,
    scope: Annotated[
        str | None,
        typer.Option(help="Scopes, separated by spaces. The default is all possible scopes."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant. The default is dev.")] = None,
    expires_in: Annotated[int, typer.Option(min=1, help="Seconds until the token expires.")] = 3600,
) -> None:
    """Print a token of the development issuer. The key is in the data directory of the service."""
    settings = load_settings()
    if settings.issuers is not None:
        raise ConfigurationError(
            "PROFILE_API_ISSUERS is set, so the development issuer does not exist. Use a token of a configured issuer."
        )
    if user is not None and client is not None:
        raise ConfigurationError("Give --user or --client, not both.")
    typer.echo(_mint_token(settings.data_dir, user, client, scope, tenant, expires_in))


@app.command()
def migrate() -> None:
    """Update documents and indexes of an older version, and encrypt tokens with the new PROFILE_API_SECRET."""
    settings = load_settings()
    from app.launch import reachable_database

    with reachable_database(settings) as url:
        reached = asyncio.run(_migrate_database(settings, url))
        derived = asyncio.run(_migrate_search(settings, url))
        if reached:
            typer.echo(f"Migrated to schema version {reached[-1]}.")
        if derived:
            typer.echo(f"Profiles that search can find now: {derived}.")
        if not reached and not derived:
            typer.echo("Nothing to migrate.")
        if settings.secret_previous is not None:
            renewed = asyncio.run(_renew_tokens(settings, url))
            typer.echo(
                f"Provider tokens encrypted with PROFILE_API_SECRET: {renewed}."
                " No token needs PROFILE_API_SECRET_PREVIOUS any more. Unset it, and restart the service."
            )


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.schema.build import build_schema

    typer.echo(build_schema().as_str())


def main() -> None:
    """Runs the command. A mistake of the operator is printed as one line; a defect is printed with its traceback."""
    try:
        app()
    except ConfigurationError as error:
        _fail(str(error))
    except Unavailable:
        _fail(
            "PROFILE_API_MONGODB_URL: the database does not answer. Check that it runs and that this host can reach it."
        )
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}.")


def _fail(message: str) -> NoReturn:
    typer.echo(f"profile-api: {' '.join(message.split())}", err=True)
    sys.exit(1)


async def _migrate_database(settings: Settings, url: str) -> list[int]:
    from app.store.database import Database
    from app.store.indexes import ensure_indexes
    from app.store.migrations import migrate as run_migrations
    from app.store.servers import refused_commands

    database = Database.connect(url, settings.database)
    try:
        with refused_commands(settings.database):
            reached = await run_migrations(database)
            await ensure_indexes(database, settings.log_retention_days)
    finally:
        database.close()
    return reached


async def _migrate_search(settings: Settings, url: str) -> int:
    from app.store.database import Database
    from app.store.search_migration import count_old_profiles, is_search_complete, migrate_search

    database = Database.connect(url, settings.database)
    try:
        if await is_search_complete(database):
            return 0
        with typer.progressbar(length=await count_old_profiles(database), label="Profiles for search") as bar:
            return await migrate_search(database, bar.update)
    finally:
        database.close()


async def _renew_tokens(settings: Settings, url: str) -> int:
    from app.composition.secrets import build_token_cipher
    from app.store.database import Database
    from app.store.token_rotation import renew_tokens

    database = Database.connect(url, settings.database)
    try:
        cipher = build_token_cipher(settings, development=False)
        return await renew_tokens(database, cipher, settings.time_limit_seconds + _COMMIT_SECONDS)
    finally:
        database.close()


def _mint_token(
    data_dir: "Path", user: str | None, client: str | None, scope: str | None, tenant: str | None, expires_in: int
) -> str:
    from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, check_key, mint
    from app.domain.demo import JOHN_DOE

    check_key(data_dir)
    possible = USER_SCOPES if client is None else APPLICATION_SCOPES
    scopes = possible if scope is None else scope.split()
    if client is not None:
        return mint(data_dir, f"{client}@clients", client, scopes, expires_in, tenant or TENANT)
    return mint(data_dir, user or JOHN_DOE, "profile-api-cli", scopes, expires_in, tenant or TENANT)

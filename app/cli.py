"""`profile-api`: serve, token, migrate, schema. Each command imports what it needs when it runs."""

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

# After the time limit of an operation, its commit may still be under way.
_COMMIT_SECONDS = 5.0

app = typer.Typer(
    help="A GraphQL API for user profiles on MongoDB.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"profile-api {version('profile-api')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What comes before a command."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="IP address or host name to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
    demo: Annotated[bool, typer.Option("--demo", help="With demo data and the development issuer.")] = False,
) -> None:
    """Run the service, and its own MongoDB where PROFILE_API_MONGODB_URL is not set."""
    signal.signal(signal.SIGTERM, _stop_starting)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if host is not None and not host.strip():
        raise typer.BadParameter("must not be empty", param_hint="--host")
    # The environment is checked as it is: an option does not hide a variable that is set but empty.
    settings = load_settings(**given)
    for name, value in given.items():
        # Workers read the environment again.
        os.environ[f"PROFILE_API_{name.upper()}"] = str(value)
    if unread := unknown_variables():
        typer.echo(f"profile-api: warning: nothing reads {', '.join(unread)}.", err=True)
    from app.launch import run

    run(settings, workers, demo)
    stopping.finish()


def _stop_starting(*_: object) -> NoReturn:
    stopping.begin()
    sys.exit(0)


@app.command()
def token(
    user: Annotated[str | None, typer.Option(help="A user's userId; John Doe when left out.")] = None,
    client: Annotated[str | None, typer.Option(help="An application's name, for an application's token.")] = None,
    scope: Annotated[str | None, typer.Option(help="Scopes, with spaces between; all that fit when left out.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant; dev when left out.")] = None,
    expires_in: Annotated[int, typer.Option(min=1, help="Seconds.")] = 3600,
) -> None:
    """Print a token of the development issuer, signed with the key of the service's data directory."""
    settings = load_settings()
    if settings.issuers is not None:
        raise ConfigurationError("PROFILE_API_ISSUERS is set: tokens come from the issuers configured there.")
    if user is not None and client is not None:
        raise ConfigurationError("Give --user or --client, not both.")
    typer.echo(_token(settings.data_dir, user, client, scope, tenant, expires_in))


@app.command()
def migrate() -> None:
    """Bring documents and indexes of an older version up, and end the rotation of PROFILE_API_SECRET."""
    settings = load_settings()
    from app.launch import reachable_database

    with reachable_database(settings) as url:
        reached = asyncio.run(_migrated(settings, url))
        typer.echo(f"Migrated to schema version {reached[-1]}." if reached else "Nothing to migrate.")
        if settings.secret_previous is not None:
            renewed = asyncio.run(_renewed_tokens(settings, url))
            typer.echo(
                f"Provider tokens encrypted with PROFILE_API_SECRET: {renewed}."
                " No token needs PROFILE_API_SECRET_PREVIOUS any more: unset it, and restart the service."
            )


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.schema.build import build_schema

    typer.echo(build_schema().as_str())


def main() -> None:
    """What an operator can cause is one line on standard error. Anything else is a fault and shows where it is."""
    try:
        app()
    except ConfigurationError as error:
        _fail(str(error))
    except Unavailable:
        _fail("PROFILE_API_MONGODB_URL: the database does not answer. Check that it runs and can be reached.")
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}.")


def _fail(message: str) -> NoReturn:
    typer.echo(f"profile-api: {' '.join(message.split())}", err=True)
    sys.exit(1)


async def _migrated(settings: Settings, url: str) -> list[int]:
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


async def _renewed_tokens(settings: Settings, url: str) -> int:
    from app.composition.secrets import build_token_cipher
    from app.store.database import Database
    from app.store.token_rotation import renew_tokens

    database = Database.connect(url, settings.database)
    try:
        cipher = build_token_cipher(settings, development=False)
        return await renew_tokens(database, cipher, settings.time_limit_seconds + _COMMIT_SECONDS)
    finally:
        database.close()


def _token(
    data_dir: "Path", user: str | None, client: str | None, scope: str | None, tenant: str | None, expires_in: int
) -> str:
    from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, check_key, mint
    from app.domain.demo import JOHN_DOE

    check_key(data_dir)
    fitting = USER_SCOPES if client is None else APPLICATION_SCOPES
    scopes = fitting if scope is None else scope.split()
    if client is not None:
        return mint(data_dir, f"{client}@clients", client, scopes, expires_in, tenant or TENANT)
    return mint(data_dir, user or JOHN_DOE, "profile-api-cli", scopes, expires_in, tenant or TENANT)

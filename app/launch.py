"""The start of `profile-api serve`: checks the configuration, starts the database, and prints the URLs.

All mistakes that can be found early are reported before the first worker starts and before a URL is printed.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app import stopping
from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, check_development, mint
from app.composition.defaults import is_graphiql_on
from app.data_dir import make_data_dir
from app.domain.demo import JOHN_DOE
from app.domain.errors import Unavailable
from app.domain.filters import Eq
from app.settings import DEMO_VARIABLE, ConfigurationError, Settings
from app.store.embedded.binary import check_binary, find_binary
from app.store.embedded.instance import wait_for_url
from app.store.embedded.mongod import Mongod, check_files
from app.store.servers import check_credentials, check_servers, check_url
from app.web.sockets import open_socket

# The application for which a token is printed if the demo user does not exist.
_APPLICATION = "support"
_BANNER_TOKEN_SECONDS = 8 * 3600
# The service is built once without a database, to find mistakes. Nothing is sent to this URL.
_NO_DATABASE = "mongodb://127.0.0.1/"


def run(settings: Settings, workers: int, demo: bool) -> None:
    """Serves until the process is stopped. Raises ConfigurationError when the service cannot run."""
    development = check_development(settings, demo)
    problem = _check(settings, development)
    # The socket comes before the database, so that a second start on the same port fails before it changes anything.
    socket = open_socket(settings.host, settings.port)
    port = socket.getsockname()[1]
    # Links in e-mails contain the real port, also if port 0 was given.
    os.environ["PROFILE_API_PORT"] = str(port)
    if demo:
        # The process id keeps the variable from enabling demo data in an unrelated process that inherits it.
        os.environ[DEMO_VARIABLE] = str(os.getpid())
    _check_parts(settings, development, demo)
    # A local import, because it loads the GraphQL engine, which takes a second.
    from app.serving import serve

    with database_url(settings, own=True) as url, _shared_metrics(workers):
        has_john_doe = False
        if problem is None:
            problem, has_john_doe = _prepare(settings, url, development, demo)
        if problem is not None:
            sys.stderr.write(
                f"profile-api: PROFILE_API_MONGODB_URL: {problem} yet. The service waits for the database.\n"
            )
        if demo and not development:
            sys.stderr.write(
                f"profile-api: warning: --demo adds demo data, in tenant {TENANT}, to the configured database.\n"
            )
        _print_urls(settings, development, port, has_john_doe)
        serve(settings, socket, workers)


@contextmanager
def database_url(settings: Settings, own: bool) -> Iterator[str]:
    """Yields the URL of the database: the configured one, or that of an embedded mongod.

    With `own`, always starts a mongod. Otherwise uses the mongod of a running service, and starts one only if none
    runs.
    """
    running = settings.mongodb_url or (None if own else wait_for_url(settings.data_dir))
    if running is not None:
        yield running
        return
    mongod = Mongod(settings.data_dir, settings.mongod)
    try:
        mongod.start()
        mongod.keep_running()
        yield mongod.url
    finally:
        mongod.stop(stopping.left(stopping.DATABASE_ENDS))


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """Yields the URL of a database that answers, for commands other than `serve`.

    Raises ConfigurationError otherwise.
    """
    if settings.mongodb_url is not None:
        check_url(settings.mongodb_url)
    elif not (settings.data_dir / "db").is_dir():
        # A new empty database would make the command succeed, although it did nothing for the real database.
        raise ConfigurationError(
            f"PROFILE_API_DATA_DIR: there is no database in {settings.data_dir.resolve()}."
            " Set it to the data directory of the service, or set PROFILE_API_MONGODB_URL."
        )
    with database_url(settings, own=False) as url:
        if problem := check_servers(url):
            raise ConfigurationError(
                f"PROFILE_API_MONGODB_URL: {problem}. Check that the database runs and can be reached."
            )
        yield url


def _check(settings: Settings, development: bool) -> str | None:
    """Does the checks that are fast, before the slow imports. Returns why the service must wait for its database."""
    if settings.mongodb_url is None or development:
        make_data_dir(settings.data_dir)
    if settings.mongodb_url is None:
        check_binary(find_binary(settings.mongod))
        check_files(settings.data_dir)
        return None
    check_url(settings.mongodb_url)
    problem = check_servers(settings.mongodb_url)
    if problem is None:
        check_credentials(settings.mongodb_url, settings.database)
    return problem


def _check_parts(settings: Settings, development: bool, demo: bool) -> None:
    """Builds the service once, so that mistakes in files, keys and documents are found before a worker starts."""
    from app.composition.checks import check_parts

    check_parts(settings, development)
    from app.main import build
    from app.store.database import Database
    from app.web.logs import configure_logs

    configure_logs(settings.log_format)
    database = Database.connect(settings.mongodb_url or _NO_DATABASE, settings.database)
    build(settings, database, demo)
    database.close()


def _prepare(settings: Settings, url: str, development: bool, demo: bool) -> tuple[str | None, bool]:
    """Prepares the database here, so that a wrong database is reported once and not by each worker.

    Returns why the service must wait for the database, and whether John Doe has a profile.
    """
    try:
        return None, asyncio.run(_prepare_database(settings, url, development, demo))
    except Unavailable:
        return "no primary answers", False


async def _prepare_database(settings: Settings, url: str, development: bool, demo: bool) -> bool:
    from app.preparation import prepare
    from app.store.database import Database
    from app.store.users import UserStore

    database = Database.connect(url, settings.database)
    try:
        await prepare(settings, database, development, demo)
        return await UserStore(database).find(TENANT, Eq("user_id", JOHN_DOE)) is not None
    finally:
        database.close()


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Gives workers a shared folder for their metrics, so that each worker can return the sums of all."""
    from app.web.metrics import MULTIPROCESS_VARIABLE

    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="profile-api-metrics-") as folder:
        os.environ[MULTIPROCESS_VARIABLE] = folder
        yield


def _print_urls(settings: Settings, development: bool, port: int, has_john_doe: bool) -> None:
    """Prints the URLs of the service, and in development also a token and an example request.

    The token is John Doe's or, if he has no profile, an application's.
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    page = " (GraphiQL in a browser)" if is_graphiql_on(settings, development) else ""
    lines = [f"Profile API on {url}", f"  GraphQL  {url}/graphql{page}", f"  Manual   {url}/docs"]
    if development:
        if has_john_doe:
            caller = (JOHN_DOE, "profile-api-cli", USER_SCOPES)
            command, query = "token", "{ viewer { name userMetadata } }"
        else:
            caller = (f"{_APPLICATION}@clients", _APPLICATION, APPLICATION_SCOPES)
            command, query = f"token --client {_APPLICATION}", "{ users(first: 10) { nodes { userId name } } }"
        token = mint(settings.data_dir, *caller, _BANNER_TOKEN_SECONDS, TENANT)
        program = _program(settings.data_dir)
        lines += [
            "",
            "DEVELOPMENT: the service issues its own tokens and serves this machine only. Do not use it in production.",
            f"A token of {caller[0]}, valid for 8 hours:",
            "",
            token,
            "",
            f"An example request with a new token. For other tokens see `{program} token --help`.",
            f"""curl {url}/graphql -H 'content-type: application/json' \\""",
            f"""  -H "authorization: Bearer $({program} {command})" \\""",
            f"""  -d '{{"query": "{query}"}}'""",
            "",
        ]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


def _program(data_dir: Path) -> str:
    """Returns the shell command of `profile-api` with this data directory. It works in every folder and shell."""
    started = Path(sys.argv[0])
    program = started if started.is_file() else Path(sys.executable).with_name("profile-api")
    return f"PROFILE_API_DATA_DIR={shlex.quote(str(data_dir.absolute()))} {shlex.quote(str(program.absolute()))}"

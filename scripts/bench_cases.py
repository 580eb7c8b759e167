"""The requests of scripts/bench.py, and the two applications: the service and a minimal endpoint for comparison."""

import itertools
import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from pymongo import monitoring
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.auth.development import TENANT
from app.domain.demo import JOHN_DOE
from app.main import build
from app.settings import Settings
from app.store.database import Database
from app.store.embedded.instance import find_url
from app.web.logs import configure_logs

# The fields of a profile page in GraphQL, and the same fields in MongoDB.
FIELDS = (
    "userId version name givenName familyName nickname picture email emailVerified userMetadata lastLogin loginsCount"
    " identities { provider connection isPrimary } roles { name }"
)
PATHS = (
    "user_id version name given_name family_name nickname picture email email_verified user_metadata last_login"
    " logins_count identities.provider identities.connection role_ids"
)
WRITE = "mutation($patch: JSON!) { updateUserMetadata(input: {patch: $patch}) { user { version } } }"
# A rate limit that is never reached: requests are counted, as in production, and none is refused.
RATE_LIMIT = "100000000/second"


@dataclass(frozen=True)
class Case:
    """One kind of request. `body` returns the body of the next request. The callers use `tokens` in turn.

    The benchmark ends with an error if an answer does not begin with `expected` or contains errors.
    """

    name: str
    path: str
    body: Callable[[], bytes]
    tokens: Sequence[str]
    expected: bytes

    @property
    def is_bare(self) -> bool:
        return self.path == "/profile"

    def check(self, answer: bytes) -> None:
        if not answer.startswith(self.expected) or b'"errors"' in answer:
            raise SystemExit(f"{self.name} answered {answer.decode()[:1_000]}")


def cases(john: str, users: Sequence[str], application: str) -> list[Case]:
    """Returns the cases, first the minimal endpoint. The arguments are tokens. In the case of writing, each caller is
    another user, because writes of one profile wait for each other.
    """
    viewer = f'{{"data":{{"viewer":{{"userId":"{JOHN_DOE}"'.encode()
    numbers = itertools.count()
    return [
        Case("bare find_one", "/profile", _query("{ viewer { userId } }"), [john], b'{"'),
        Case("constant", "/graphql", _query("{ caller { kind } }"), [application], b'{"data":{"caller":{"kind":'),
        Case("viewer", "/graphql", _query(f"{{ viewer {{ {FIELDS} }} }}"), [john], viewer),
        Case(
            "50 users",
            "/graphql",
            _query(f"{{ users(first: 50) {{ nodes {{ {FIELDS} }} }} }}"),
            [application],
            b'{"data":{"users":{"nodes":[{"userId":',
        ),
        Case(
            "own metadata",
            "/graphql",
            lambda: json.dumps({"query": WRITE, "variables": {"patch": {"bench": next(numbers)}}}).encode(),
            users,
            b'{"data":{"updateUserMetadata":{"user":{"version":',
        ),
    ]


def _query(text: str) -> Callable[[], bytes]:
    body = json.dumps({"query": text}).encode()
    return lambda: body


def bare_application(data_dir: Path) -> ASGIApp:
    """Returns the minimal endpoint: one find_one, and its document as JSON."""
    users = _connect(data_dir)["users"]
    projection = dict.fromkeys(PATHS.split(), 1)

    def to_json(value: object) -> str:
        return value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, datetime) else str(value)

    async def profile(request: Request) -> Response:
        found = await users.find_one({"tenant": TENANT, "user_id": JOHN_DOE}, projection)
        return Response(orjson.dumps(found, default=to_json), media_type="application/json")

    return Starlette(routes=[Route("/profile", profile, methods=["POST"])])


def service_application(data_dir: Path) -> ASGIApp:
    """Returns the service in this process, with the database that `profile-api serve` has prepared.

    Discards the log.
    """
    with redirect_stderr(Path("/dev/null").open("w")):
        configure_logs("json")
    database = _connect(data_dir)
    database.is_prepared = True
    return build(Settings(data_dir=data_dir, rate_limit=RATE_LIMIT, address_rate_limit=RATE_LIMIT), database)


def _connect(data_dir: Path) -> Database:
    url = find_url(data_dir)
    assert url, "mongod does not run"
    return Database.connect(url, "profiles")


class Commands(monitoring.CommandListener):
    """Collects the names of the commands that this process sends to MongoDB, in order."""

    _HANDSHAKE = frozenset({"hello", "isMaster", "saslStart", "saslContinue"})

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in self._HANDSHAKE:
            self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

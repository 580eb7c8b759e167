"""Attacks a service in production mode with its default rate limits, and measures `/healthz` and the memory.

Each attack sends as fast as possible for a few seconds. The service withstands an attack if every answer has an
expected status and errors with codes, if `/healthz` always answers within HEALTH_SECONDS, and if the memory does not
grow.
"""

import asyncio
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from select import select
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES
from tests.serving import Served, serve

HEALTH_SECONDS = 0.25
# Each attack runs twice. The first run fills caches and the memory of allocators. In the second run, the memory may
# grow by this number of bytes at most.
MEMORY_BYTES = 48_000_000
_PROBE_SECONDS = 0.02
# Seconds: the time limit for the head of a request, and a reserve for a slow machine.
_HEAD_SECONDS = 20.0
_ISSUER = "https://id.example.com/"
_AUDIENCE = "profiles"
_TENANT = "attacked"
_CONNECTION = "users"
_PASSWORD = "seven purple otters juggle"  # noqa: S105 - a password for this check only
_STATUSES = {200, 400, 401, 413, 429, 431, 503}
_KEY = OKPKey.generate_key("Ed25519", {"kid": "attacks"})


@dataclass
class Target:
    """The attacked service, with a token of an application and a token of a user."""

    served: Served
    application: str
    user: str
    counts: Counter[str] = field(default_factory=Counter)

    async def post(self, client: httpx.AsyncClient, query: str, token: str | None, **variables: Any) -> httpx.Response:
        return await self.send(client, json.dumps({"query": query, "variables": variables}).encode(), token)

    async def send(self, client: httpx.AsyncClient, body: bytes, token: str | None) -> httpx.Response:
        """Sends a body, and checks that the status is expected and that no error is INTERNAL."""
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        answer = await client.post("/graphql", content=body, headers=headers)
        assert answer.status_code in _STATUSES, (answer.status_code, answer.text[:300])
        for error in answer.json().get("errors", []):
            code = error["extensions"]["code"]
            assert code != "INTERNAL", answer.text[:300]
            self.counts[code] += 1
        self.counts[str(answer.status_code)] += 1
        return answer


Attack = Callable[[Target, httpx.AsyncClient, float], Awaitable[None]]


def _token(subject: str, scopes: Any, application: bool) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": subject, "iat": now, "auth_time": now}
    claims |= {"exp": now + 7200, "scope": " ".join(scopes)}
    if application:
        claims["gty"] = "client-credentials"
    return jwt.encode({"alg": "EdDSA", "kid": "attacks"}, claims, _KEY, algorithms=["EdDSA"])


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """Runs a service in production mode, with a user who has a large history."""
    issuers = [
        {"issuer": _ISSUER, "audience": _AUDIENCE, "tenant": _TENANT, "jwks": {"keys": [_KEY.as_dict(private=False)]}}
    ]
    variables = {"PROFILE_API_ISSUERS": json.dumps(issuers), "PROFILE_API_MAIL": "drop"}
    with serve(folder, log=folder / "service.log", **variables) as served:
        application = _token("attacks@clients", APPLICATION_SCOPES, application=True)
        user = asyncio.run(_fill(Target(served, application, "")))
        yield Target(served, application, _token(user, USER_SCOPES, application=False))


async def _fill(attacked: Target) -> str:
    """Creates a connection, users with roles, and a history of large changes. Returns the userId of the user."""
    async with httpx.AsyncClient(base_url=attacked.served.url, timeout=60) as client:

        async def change(query: str, **variables: Any) -> Any:
            while True:
                answer = await attacked.post(client, query, attacked.application, **variables)
                if answer.status_code != 429:
                    break
                await asyncio.sleep(float(answer.headers["retry-after"]))
            content = answer.json()
            assert "errors" not in content, content
            return content["data"]

        await change(
            'mutation { saveAuthConnection(input: {name: "users", strategy: "auth0"}) { errors { message } } }'
        )
        made = await change(
            "mutation($i: CreateUserInput!) { createUser(input: $i) { user { userId } errors { message } } }",
            i={"connection": _CONNECTION, "email": "ann@example.com", "password": _PASSWORD},
        )
        user_id: str = made["createUser"]["user"]["userId"]
        role = await change(
            "mutation($i: CreateRoleInput!) { createRole(input: $i) { role { roleId } errors { message } } }",
            i={"name": "Attacked", "permissions": [{"api": "a", "name": f"p{number}"} for number in range(500)]},
        )
        ids = [user_id]
        for number in range(100):
            other = await change(
                "mutation($i: CreateUserInput!) { createUser(input: $i) { user { userId } errors { message } } }",
                i={"connection": _CONNECTION, "email": f"user{number}@example.com"},
            )
            ids.append(other["createUser"]["user"]["userId"])
        for each in ids:
            await change(
                "mutation($i: UserRolesInput!) { assignRoles(input: $i) { errors { message } } }",
                i={"userId": each, "roleIds": [role["createRole"]["role"]["roleId"]]},
            )
        for number in range(60):
            await change(
                "mutation($i: UpdateUserMetadataInput!) { updateUserMetadata(input: $i) { errors { message } } }",
                i={"userId": user_id, "patch": {f"k{key}": f"{number}" for key in range(1_000)}},
            )
        return user_id


# ---------------------------------------------------------------- attacks


async def long_variables_without_token(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """Twenty aliases use the same variable with 17,000 updates, which is almost the maximum size of a request."""
    fields = _aliases(20, "updateUsers(input: $i) { errors { code } }")
    updates = [{"userId": "a|b", "update": {"userMetadata": {}}}] * 17_000
    body = _body(f"mutation($i: UpdateUsersInput!) {{ {fields} }}", i={"updates": updates})
    await _repeat(attacked, client, until, [(body, None), (body, attacked.user)])


async def long_lists_of_permissions(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    fields = _aliases(20, "createRole(input: $i) { errors { code } }")
    permissions = [{"api": "a", "name": f"p{n}"} for n in range(20_000)]
    body = _body(f"mutation($i: CreateRoleInput!) {{ {fields} }}", i={"name": "x", "permissions": permissions})
    await _repeat(attacked, client, until, [(body, None), (body, attacked.user), (body, attacked.application)])


async def long_lists_of_paths(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    fields = _aliases(29, "userMetadata(paths: $p)")
    body = _body(f"query($p: [String!]) {{ viewer {{ {fields} }} }}", p=["k1"] * 150_000)
    await _repeat(attacked, client, until, [(body, attacked.user)])


async def long_histories(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """A user requests all changes of all events, in all ways that have no limit."""
    changes = "nodes { changes { path before after } }"
    bodies = [
        _body(f"{{ viewer {{ {_aliases(3, f'logEvents(first: 100) {{ {changes} }}')} }} }}"),
        _body(f"{{ viewer {{ {_aliases(3, f'logEvents(first: null, last: 100) {{ {changes} }}')} }} }}"),
        _body(f"{{ viewer {{ {_aliases(8, f'logEvents {{ {changes} }}')} }} }}"),
        _body(f"{{ viewer {{ logEvents(first: 60) {{ {changes} }} }} }}"),
        _body("{ viewer { logEvents(first: 1) { nodes { changes { path before after } } } } }"),
    ]
    await _repeat(attacked, client, until, [(each, attacked.user) for each in bodies])


async def multiplied_lists(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    bodies = [
        _body("{ users { nodes { roles { users { nodes { userId name } } } } } }"),
        _body("{ users(first: 100) { nodes { roles { permissions { name } } permissions { name } } } }"),
        _body("{ users(first: 100) { nodes { raw userMetadata identities { profileData } } } }"),
        _body("{ roles { nodes { users { nodes { roles { name } } } } } }"),
    ]
    await _repeat(attacked, client, until, [(each, attacked.application) for each in bodies])


async def new_documents(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """Each document is new and has the maximum length. Comments and long strings do not count as tokens."""
    number = 0
    while time.monotonic() < until:
        number += 1
        texts = [
            f"{{ __typename }} # {number} " + "x" * 900_000,
            f"{{ __typename }} # {number} " + "x" * 60_000,
            f'{{ __type(name: "{number}{"x" * 60_000}") {{ name }} }}',
            f"{{ __typename }} {' '.join(f'# {n}' for n in range(12_000))} #{number}",
        ]
        for text in texts:
            await attacked.post(client, text, attacked.user if number % 3 == 0 else None)


async def large_writes(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """Each request changes the maximum number of bytes of one profile."""
    number = 0
    user_id = (await attacked.post(client, "{ viewer { userId } }", attacked.user)).json()
    query = "mutation($i: UpdateUsersInput!) { updateUsers(input: $i) { results { errors { code } } errors { code } } }"
    while time.monotonic() < until:
        number += 1
        updates = [
            {
                "userId": ((user_id.get("data") or {}).get("viewer") or {}).get("userId", "auth0|ann"),
                "update": {"userMetadata": {"large": f"{number}-{n}" + "x" * 9_000}},
            }
            for n in range(100)
        ]
        await attacked.post(client, query, attacked.user, i={"updates": updates})


async def password_changes(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """A user needs 20 password hashes per request, while the login service checks the password of another user."""
    passwords = f'{{newPassword: "{_PASSWORD} again", currentPassword: "wrong"}}'
    fields = _aliases(20, f"changePassword(input: {passwords}) {{ errors {{ code }} }}")
    body = _body(f"mutation {{ {fields} }}")
    verify = (
        f'mutation {{ verifyPassword(input: {{connection: "{_CONNECTION}", identifier: "user1@example.com",'
        ' password: "a wrong password", ip: "192.0.2.1"}) { valid errors { code } } }'
    )
    attack = asyncio.gather(*(_repeat(attacked, client, until, [(body, attacked.user)]) for _ in range(10)))
    slowest = 0.0
    while time.monotonic() < until:
        began = time.monotonic()
        await attacked.post(client, verify, attacked.application)
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.2)
    await attack
    print(f"    verifyPassword took at most {slowest:.2f} s")
    assert slowest < 2, "verifyPassword for another user takes too long"


async def requests_without_operation(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    bodies = [
        _body("query A { __typename } query B { __typename }"),
        json.dumps({"query": "query A { __typename }", "operationName": "B"}).encode(),
        b'{"query": "{ nope }"}',
        b'{"query": "{"}',
    ]
    before = attacked.counts["429"]
    await _repeat(attacked, client, until, [(each, attacked.user) for each in bodies])
    assert attacked.counts["429"] > before, "requests without an operation are not counted by the rate limit"


async def half_sent_requests(attacked: Target, client: httpx.AsyncClient, until: float) -> None:
    """Connections send a part of a head, a part of a body, or headers without end."""
    port = int(attacked.served.url.rpartition(":")[2])
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    for number, each in enumerate(opened):
        each.sendall(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n")
        if number % 2:
            each.sendall(b"Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n{")
    # More bytes than the limit are sent: they fill the buffers of both sockets, and the service reads some without
    # storing them.
    refused = await asyncio.to_thread(_endless_headers, port)
    assert refused < 8_000_000, f"the client could send {refused} bytes of headers"
    while time.monotonic() < until:
        await attacked.post(client, "{ viewer { userId } }", attacked.user)
        await asyncio.sleep(0.1)
    left = await asyncio.to_thread(_still_open, opened[::2], time.monotonic() + _HEAD_SECONDS)
    assert not left, f"{left} connections with a part of a head are still open"
    for each in opened:
        each.close()


def _still_open(connections: list[socket.socket], until: float) -> int:
    """Waits until the given time. Returns the number of connections that the service has not closed."""
    waiting = list(connections)
    while waiting and time.monotonic() < until:
        readable, _, _ = select(waiting, [], [], 0.5)
        waiting = [each for each in waiting if each not in readable or each.recv(4096)]
    return len(waiting)


def _endless_headers(port: int) -> int:
    """Sends headers until the service closes the connection. Returns the number of bytes that were sent."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        while sent < 60_000_000:
            try:
                connection.sendall(b"x-a: " + b"y" * 8_000 + b"\r\n")
            except OSError:
                break
            sent += 8_007
    return sent


ATTACKS: tuple[Attack, ...] = (
    long_variables_without_token,
    long_lists_of_permissions,
    long_lists_of_paths,
    long_histories,
    multiplied_lists,
    new_documents,
    large_writes,
    password_changes,
    requests_without_operation,
    half_sent_requests,
)


def _body(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def _aliases(count: int, selection: str) -> str:
    return " ".join(f"a{number}: {selection}" for number in range(count))


async def _repeat(
    attacked: Target, client: httpx.AsyncClient, until: float, requests: list[tuple[bytes, str | None]]
) -> None:
    while time.monotonic() < until:
        for body, token in requests:
            await attacked.send(client, body, token)


# ---------------------------------------------------------------- measurements


def _probe(url: str, stop: Connection) -> None:
    """Requests `/healthz` repeatedly until a message arrives in `stop`. Then sends the latencies in seconds.

    It runs in a process of its own, so that the attack in this process does not slow it down.
    """
    port, latencies = int(url.rpartition(":")[2]), []
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    while not stop.poll(_PROBE_SECONDS):
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(request)
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:100]
        latencies.append(time.perf_counter() - began)
    stop.recv()
    stop.send(latencies)


def resident(pid: int) -> int:
    """Returns the resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found.group(1)) * 1024


async def _run(attack: Attack, attacked: Target, seconds: float) -> None:
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=attacked.served.url, timeout=60, limits=limits) as client:
        await attack(attacked, client, time.monotonic() + seconds)


def check_attacks(folder: Path, seconds: float, names: Collection[str] = ()) -> None:
    """Runs all attacks, or only those with these names, each for the given seconds.

    Raises AssertionError with the names of the attacks that the service did not withstand.
    """
    failures: list[str] = []
    with target(folder) as attacked:
        for attack in ATTACKS:
            if names and attack.__name__ not in names:
                continue
            failures += _check(attack, attacked, seconds)
    assert not failures, "; ".join(failures)


def _check(attack: Attack, attacked: Target, seconds: float) -> list[str]:
    name, pid = attack.__name__, attacked.served.process.pid
    context = get_context("spawn")
    here, there = context.Pipe()
    probe = context.Process(target=_probe, args=(attacked.served.url, there))
    probe.start()
    attacked.counts.clear()
    failures: list[str] = []
    # Twice: the first run fills the caches. If the memory grows again in the second run, there is a leak.
    try:
        asyncio.run(_run(attack, attacked, seconds))
        before = resident(pid)
        asyncio.run(_run(attack, attacked, seconds))
        grown = resident(pid) - before
    except AssertionError as error:
        failures.append(f"{name}: {error}")
        grown = 0
    here.send("stop")
    latencies = here.recv()
    probe.join()
    slowest = max(latencies, default=0.0)
    print(f"  {name}: /healthz at most {slowest * 1e3:.0f} ms, memory {grown / 1e6:+.1f} MB, {dict(attacked.counts)}")
    if slowest > HEALTH_SECONDS:
        failures.append(f"{name}: /healthz took {slowest * 1e3:.0f} ms")
    if grown > MEMORY_BYTES:
        failures.append(f"{name}: memory grew by {grown / 1e6:.0f} MB")
    return failures

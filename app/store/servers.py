"""Checks, before the first worker starts, that the service can use the servers of PROFILE_API_MONGODB_URL.

No message contains a user name or a password. Messages also leave out the text of the driver's errors, because it can
repeat parts of the URL.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, Queue
from socket import gaierror, getaddrinfo
from time import monotonic
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import ConfigurationError as DriverConfigurationError
from pymongo.errors import InvalidURI, OperationFailure, ProtocolError, PyMongoError
from pymongo.monitoring import ServerHeartbeatListener
from pymongo.uri_parser import parse_uri, parse_userinfo, split_hosts, split_options

from app.settings import ConfigurationError

_ANSWER_SECONDS = 3.0
_DNS_SECONDS = 5.0
_PORT = 27017
# Error codes of MongoDB. MongoDB Atlas uses the last one for credentials that it refuses.
_UNAUTHORIZED, _AUTHENTICATION_FAILED, _ATLAS_ERROR = 13, 18, 8000
# Authentication mechanisms that need no password.
_WITHOUT_PASSWORD = ("GSSAPI", "MONGODB-AWS", "MONGODB-OIDC", "MONGODB-X509")
_DRIVER_ERRORS = (DriverConfigurationError, InvalidURI, OSError, TypeError, ValueError)

HostAndPort = tuple[str, int | None]


def check_url(url: str) -> None:
    """Raises ConfigurationError when the URL is wrong. Connects to no server; `mongodb+srv` is looked up in DNS."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("mongodb", "mongodb+srv"):
        raise _refusal("must begin with mongodb:// or mongodb+srv://")
    before, _, options = rest.partition("?")
    if "@" in options or "@" in before.partition("/")[2]:
        raise _refusal("has a user name or password that is not percent-encoded (RFC 3986)")
    _check_user(before.rpartition("@")[0] if "@" in before else None)
    _check_hosts(before.rpartition("@")[2].partition("/")[0])
    if options:
        _check_options(options)
    _check_whole(url, scheme)


def check_servers(url: str) -> str | None:
    """Returns None when a server answers, else the reason why none does yet.

    Raises ConfigurationError for a problem that waiting does not solve.
    """
    parsed = parse_uri(url, connect_timeout=_DNS_SECONDS)
    options = parsed["options"]
    answers = _ask(parsed["nodelist"], options)
    documents = [each for each in answers.values() if isinstance(each, Mapping)]
    if documents:
        for each in documents:
            _check_replica_set(each, options.get("replicaSet"))
        return None
    _check_errors(answers)
    return f"{_names(parsed['nodelist'])} does not answer{_closed(answers)}"


def check_credentials(url: str, database: str) -> None:
    """Raises ConfigurationError when the servers refuse this user. Returns without a check when no primary answers."""
    limit = int(_ANSWER_SECONDS * 1000)
    client: MongoClient[Any] = MongoClient(
        url, connectTimeoutMS=limit, serverSelectionTimeoutMS=limit, socketTimeoutMS=limit
    )
    try:
        with refused_commands(database):
            client[database]["meta"].find_one({}, {"_id": 1})
    except PyMongoError:
        return
    finally:
        client.close()


@contextmanager
def refused_commands(database: str) -> Iterator[None]:
    """Raises ConfigurationError when the server refuses a command in the block because of the user or the version."""
    try:
        yield
    except DriverConfigurationError:
        raise _refusal("names a server with a version of MongoDB that is too old: install a supported one") from None
    except OperationFailure as error:
        if error.code in (_AUTHENTICATION_FAILED, _ATLAS_ERROR):
            raise _refusal("has a user name or password that the server refuses; check authSource too") from None
        if error.code == _UNAUTHORIZED:
            raise _refusal(
                f"names a user who may not read, write and index the database {database}:"
                " use the name and the password of a user with the role readWrite"
            ) from None
        raise


def _refusal(problem: str) -> ConfigurationError:
    return ConfigurationError(f"PROFILE_API_MONGODB_URL {problem}.")


def _check_user(user: str | None) -> None:
    if user is None:
        return
    try:
        parse_userinfo(user)
    except _DRIVER_ERRORS:
        raise _refusal("has a user name or password that is not percent-encoded (RFC 3986)") from None


def _check_hosts(hosts: str) -> None:
    if not hosts:
        raise _refusal("names no host")
    try:
        found = split_hosts(hosts, _PORT)
    except _DRIVER_ERRORS:
        found = []
    for host, _ in found or [("", None)]:
        # Each part of a host name has 1 to 63 characters (RFC 1035). A path is the path of a Unix socket.
        if not host or (not host.startswith("/") and not re.fullmatch(r"[^\s.]{1,63}(\.[^\s.]{1,63})*\.?", host)):
            raise _refusal("has an invalid host or port: the form is host:27017,host:27017")


def _check_options(options: str) -> None:
    for option in re.split("[&;]", options):
        name = option.partition("=")[0]
        # Anything else may be a part of a password that contains an unescaped question mark.
        shown = f"the option {name}" if re.fullmatch("[A-Za-z0-9]{1,40}", name) else "an option"
        try:
            split_options(option)
        except OSError:
            raise _refusal(f"names in {shown} a file that cannot be read") from None
        except (InvalidURI, TypeError, ValueError):
            raise _refusal(f"has an invalid value for {shown}") from None
        except DriverConfigurationError:
            raise _refusal(f"uses {shown} that does not exist") from None


def _check_whole(url: str, scheme: str) -> None:
    try:
        parsed = parse_uri(url, connect_timeout=_DNS_SECONDS)
    except _DRIVER_ERRORS:
        if scheme == "mongodb+srv":
            raise _refusal("names a host that has no SRV record in DNS: check the name, or use mongodb://") from None
        raise _refusal("has a path or options that contradict each other") from None
    options = parsed["options"]
    if parsed["username"] and not parsed["password"] and options.get("authMechanism") not in _WITHOUT_PASSWORD:
        raise _refusal("has a user name without a password")
    if str(options.get("readPreference", "primary")).lower() != "primary":
        raise _refusal("has the option readPreference: remove it, because this service reads from the primary only")
    try:
        MongoClient(url, connect=False).close()
    except (*_DRIVER_ERRORS, PyMongoError):
        raise _refusal("has options that contradict each other") from None


class _Heartbeats(ServerHeartbeatListener):
    """Puts the answers of a server to `hello`, and its errors, into a queue."""

    def __init__(self, server: HostAndPort, answers: "Queue[tuple[HostAndPort, Any]]") -> None:
        self._server = server
        self._answers = answers

    def started(self, event: Any) -> None: ...

    def succeeded(self, event: Any) -> None:
        self._answers.put((self._server, event.reply.document))

    def failed(self, event: Any) -> None:
        self._answers.put((self._server, event.reply))


def _ask(servers: list[HostAndPort], options: Mapping[str, Any]) -> dict[HostAndPort, Any]:
    """Returns, by server, the answer to `hello`: a document or an error. Slow servers are left out."""
    # One client for each server: a client for all of them drops unsuitable servers and gives no reason.
    tls = {name: value for name, value in options.items() if name.lower().startswith(("tls", "ssl"))}
    queue: Queue[tuple[HostAndPort, Any]] = Queue()
    answers: dict[HostAndPort, Any] = {}
    clients: list[MongoClient[Any]] = []
    try:
        for server in servers:
            listener = _Heartbeats(server, queue)
            limit = int(_ANSWER_SECONDS * 1000)
            clients.append(
                MongoClient(
                    f"mongodb://{quote(_names([server]), safe='[]:')}",
                    directConnection=True,
                    event_listeners=[listener],
                    connectTimeoutMS=limit,
                    serverSelectionTimeoutMS=limit,
                    **tls,
                )
            )
        deadline = monotonic() + _ANSWER_SECONDS
        while len(answers) < len(servers) and monotonic() < deadline:
            server, answer = queue.get(timeout=max(0.01, deadline - monotonic()))
            answers.setdefault(server, answer)
    except Empty:
        pass
    finally:
        for each in clients:
            each.close()
    return answers


def _check_replica_set(hello: Mapping[str, Any], wanted: str | None) -> None:
    name = hello.get("setName")
    # A mongos of a sharded cluster has no replica set name, but it supports transactions too.
    if hello.get("msg") == "isdbgrid":
        return
    if name is None:
        remedy = (
            "run rs.initiate() in mongosh"
            if hello.get("isreplicaset")
            else ("start mongod with --replSet rs0, then run rs.initiate() in mongosh once: one member is enough")
        )
        raise _refusal(f"names a server that is not in a replica set, which transactions need: {remedy}")
    if wanted is not None and wanted != name:
        raise _refusal(f"names the replica set {wanted}, but the server is in {name}: correct the option replicaSet")


def _check_errors(answers: Mapping[HostAndPort, Any]) -> None:
    for server, error in answers.items():
        if "SSL handshake failed" in str(error) and "timed out" not in str(error):
            found = re.search(r"certificate verify failed: ([^(]+)", str(error))
            reason = found.group(1).strip() if found else "the server may not use TLS"
            raise _refusal(f"requires TLS, but TLS to {_names([server])} fails: {reason}")
        if isinstance(error, ProtocolError):
            raise _refusal(f"names {_names([server])}, which is not a MongoDB server")
    if answers and not any(_resolves(host) for host, _ in answers):
        raise _refusal(f"names {_names(list(answers))}, which cannot be resolved: check the names and DNS")


def _resolves(host: str) -> bool:
    """Whether the host name has an IP address."""
    # The driver's error does not tell a wrong name from a server that does not answer.
    try:
        return host.startswith("/") or bool(getaddrinfo(host, None))
    except (gaierror, UnicodeError):
        return False


def _closed(answers: Mapping[HostAndPort, Any]) -> str:
    """Returns a hint for the operator when a server closed the connection, else an empty text."""
    # A server that requires TLS closes the connection. So does a proxy without a server behind it.
    is_closed = any(re.search("connection closed|reset by peer", str(error)) for error in answers.values())
    return " but closes the connection: it may need the option tls=true" if is_closed else ""


def _names(servers: list[HostAndPort]) -> str:
    """Writes servers as in a URL: an IPv6 address in brackets, and a Unix socket without a port."""
    hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in servers]
    return ", ".join(host if port is None else f"{host}:{port}" for host, port in hosts)

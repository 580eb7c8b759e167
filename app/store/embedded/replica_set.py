"""Sets up the replica set of the embedded mongod, which has one member, and the database user of the service.

A start calls `is_initiated`, `is_primary` and `has_user` again and again, each until it returns true.
"""

from contextlib import suppress

from pymongo.errors import OperationFailure, PyMongoError

from app.store.embedded.binary import MongodError
from app.store.embedded.instance import USER, Instance, connect

NAME = "rs0"
_ALREADY_INITIALIZED = 23
_UNAUTHORIZED = 13


def is_initiated(instance: Instance) -> bool:
    """Initiates the replica set if necessary. Returns whether it is initiated."""
    # mongod allows this without a password to a client on loopback, as long as the database has no user.
    member = {"_id": 0, "host": _host(instance.port)}
    try:
        with connect(instance.anonymous_url) as client:
            client.admin.command("replSetInitiate", {"_id": NAME, "members": [member]})
    except OperationFailure as error:
        # A database with users refuses the command: an earlier start has initiated the replica set.
        return error.code in (_ALREADY_INITIALIZED, _UNAUTHORIZED)
    except PyMongoError:
        return False
    return True


def is_primary(instance: Instance) -> bool:
    try:
        with connect(instance.anonymous_url) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


def has_user(instance: Instance) -> bool:
    """Whether the database accepts the user of the service. Creates the user if not, and returns False that time."""
    try:
        with connect(instance.url) as client:
            return bool(client.admin.command("ping"))
    except OperationFailure:
        _create_user(instance)
    except PyMongoError:
        pass
    return False


def _create_user(instance: Instance) -> None:
    """Raises MongodError when the database already has this user with another password."""
    try:
        with connect(instance.anonymous_url) as client:
            client.admin.command("createUser", USER, pwd=instance.password, roles=["root", "__system"])
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            raise MongodError(
                "PROFILE_API_DATA_DIR: the database does not accept the password in mongod.json."
                " Restore mongod.json from a backup, or choose another directory."
            ) from None
    except PyMongoError:
        pass


def set_port(instance: Instance) -> None:
    """Writes the new port of the member into the configuration of the replica set.

    The mongod must run outside of its replica set.
    """
    # A member that does not find its own port in the configuration never becomes a primary.
    change = {"$set": {"members.0.host": _host(instance.port)}, "$inc": {"version": 1}}
    with suppress(OperationFailure), connect(instance.url) as client:
        client["local"]["system.replset"].update_one({}, change)


def _host(port: int) -> str:
    return f"127.0.0.1:{port}"

"""The replica set of the embedded mongod, which has one member, and its one user.

The functions that a start waits for return False until it may go on, and are called again.
"""

from contextlib import suppress

from pymongo.errors import OperationFailure, PyMongoError

from app.store.embedded.binary import MongodError
from app.store.embedded.instance import USER, Instance, connect

NAME = "rs0"
_ALREADY_INITIALIZED = 23
_UNAUTHORIZED = 13


def is_initiated(instance: Instance) -> bool:
    """Initiates the replica set. A server without users allows that to a client on loopback."""
    member = {"_id": 0, "host": _host(instance.port)}
    try:
        with connect(instance.anonymous_url) as client:
            client.admin.command("replSetInitiate", {"_id": NAME, "members": [member]})
    except OperationFailure as error:
        # A server with users refuses: an earlier start initiated the set.
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
    """Creates the user of the service when the database does not accept its password."""
    try:
        with connect(instance.url) as client:
            return bool(client.admin.command("ping"))
    except OperationFailure:
        _create_user(instance)
    except PyMongoError:
        pass
    return False


def _create_user(instance: Instance) -> None:
    """MongodError when the database has a user with another password."""
    try:
        with connect(instance.anonymous_url) as client:
            client.admin.command("createUser", USER, pwd=instance.password, roles=["root", "__system"])
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            raise MongodError(
                "PROFILE_API_DATA_DIR: the database has another password than mongod.json."
                " Restore mongod.json from a backup, or choose another directory."
            ) from None
    except PyMongoError:
        pass


def set_port(instance: Instance) -> None:
    """Tells the replica set the new port of its member: a member that does not find itself never starts.

    mongod runs outside of its replica set for this.
    """
    change = {"$set": {"members.0.host": _host(instance.port)}, "$inc": {"version": 1}}
    with suppress(OperationFailure), connect(instance.url) as client:
        client["local"]["system.replset"].update_one({}, change)


def _host(port: int) -> str:
    return f"127.0.0.1:{port}"

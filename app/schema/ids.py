"""Reads the global ids in arguments."""

from app.domain.attributes.nodes import NODES
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key, decode_id
from app.store.database import to_key


def read_id(id: str, path: tuple[str, ...]) -> tuple[str, Key]:
    """Returns the GraphQL type and the `_id` of a global id.

    Raises Refused with INVALID_INPUT for text that is not a global id of this API. `path` is the place in the input.
    """
    # A client can send any text. Neither an unknown type nor an impossible key may reach the database.
    kind, key = decode_id(id) or ("", "")
    stored = to_key(key)
    if kind not in NODES or stored is None:
        raise Refused(
            ErrorCode.INVALID_INPUT,
            f"{path[-1]} is not a global id of this API. Send an id that this API returned.",
            path,
        )
    return kind, stored

"""Global ids, as arguments have them."""

from app.domain.attributes.nodes import NODES
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key, decode_id
from app.store.database import to_key


def known_id(id: str, path: tuple[str, ...]) -> tuple[str, Key]:
    """(type, `_id`); Refused for what this API never gave out."""
    kind, key = decode_id(id) or ("", "")
    stored = to_key(key)
    if kind not in NODES or stored is None:
        raise Refused(ErrorCode.INVALID_INPUT, f"{path[-1]} is not a global id of this API.", path)
    return kind, stored

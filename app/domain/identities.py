"""Linking: one profile for several accounts. Nothing moves: the second account's profile waits, to be given back."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.identifiers import identifier_keys
from app.domain.logs import same
from app.domain.metadata import merge
from app.domain.quantities import quantity
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES, added, permission_key
from app.domain.sizes import size_of
from app.domain.users import Identity, User

MAX_IDENTITIES = 16
# How old the token may be that proves a second account.
PROOF_SECONDS = 300


class LinkMetadata(StrEnum):
    """What becomes of the second account's metadata."""

    KEEP_PRIMARY = "KEEP_PRIMARY"
    MERGE = "MERGE"
    PREFER_SECONDARY = "PREFER_SECONDARY"


class Access(StrEnum):
    """What a profile can take over from a linked account beside user_metadata. The values are field names of `User`."""

    APP_METADATA = "app_metadata"
    ROLES = "role_ids"
    PERMISSIONS = "permissions"


def check_link(primary: User, secondary: User) -> None:
    """Refused where these two can't be one."""
    if primary.id == secondary.id:
        raise _refused(ErrorCode.INVALID_INPUT, "That is the profile itself.")
    if secondary.linked_to is not None:
        raise _refused(ErrorCode.ALREADY_EXISTS, "That account is linked already.")
    if primary.blocked or secondary.blocked:
        raise _refused(ErrorCode.USER_BLOCKED, "A blocked user is linked with nobody.")
    if len(secondary.identities) != 1:
        raise _refused(ErrorCode.INVALID_INPUT, "That account has others linked to it: unlink them first.")
    check_room(primary)


def check_room(primary: User) -> None:
    """Refused with TOO_LARGE when no other account can be linked to this profile."""
    if len(primary.identities) >= MAX_IDENTITIES:
        raise _refused(ErrorCode.TOO_LARGE, f"A user has at most {MAX_IDENTITIES} identities.")


def link(primary: User, secondary: User, how: LinkMetadata, shared: Collection[Access]) -> tuple[User, User]:
    """Both after linking. The primary takes over what is `shared`; what it holds of the rest is noted for unlinking.

    The versions stay the same: the caller that writes the profiles counts them.
    """
    [identity] = secondary.identities
    keys = tuple(identifier_keys(secondary))
    linked = replace(identity, origin=secondary.id, origin_user_id=secondary.user_id, keys=keys)
    if how is LinkMetadata.KEEP_PRIMARY:
        shared = set(shared) - {Access.APP_METADATA}
    after = replace(
        primary,
        identities=(*primary.identities, linked),
        user_metadata=_merged(primary.user_metadata, secondary.user_metadata, how),
        **{str(each): _both(primary, secondary, how, each) for each in shared},
    )
    held = {name: value for name, value in _access_of(primary).items() if Access(name) not in shared}
    return after, replace(secondary, linked_to=primary.id, primary_access=held or None)


def _both(primary: User, secondary: User, how: LinkMetadata, access: Access) -> Any:
    """What the primary holds after it took this over."""
    match access:
        case Access.APP_METADATA:
            return _merged(primary.app_metadata, secondary.app_metadata, how)
        case Access.ROLES:
            return added(primary.role_ids, secondary.role_ids)
        case Access.PERMISSIONS:
            return added(primary.permissions, secondary.permissions, permission_key)


def check_linked(before: User, after: User, max_bytes: int) -> None:
    """Refused with TOO_LARGE for a profile that no other mutation would make so large. Linking adds up two of them."""
    for name in ("user_metadata", "app_metadata"):
        if getattr(after, name) != getattr(before, name) and size_of(getattr(after, name)) > max_bytes:
            message = (
                f"The {name} of both accounts together would take more than {quantity(max_bytes, 'byte')} as JSON."
            )
            raise Refused(ErrorCode.TOO_LARGE, message, ("metadata",))
    for what, limit, old, new in (
        ("roles", MAX_ROLES, before.role_ids, after.role_ids),
        ("permissions", MAX_PERMISSIONS, before.permissions, after.permissions),
    ):
        if len(new) > max(limit, len(old)):
            raise _refused(ErrorCode.TOO_LARGE, f"Both accounts together have more than {limit} {what}.")


def unlink(primary: User, secondary: User, identity: Identity) -> tuple[User, User]:
    """Both after unlinking. The second account does not get back what was taken from the primary since the link.

    When the primary did not take something over and nobody changed it there, the account has what it had before the
    link. So users who link and unlink their own accounts change no app_metadata, roles or permissions.
    """
    kept = tuple(each for each in primary.identities if each != identity)
    own = replace(identity, origin=None, origin_user_id=None, keys=())
    given_back = replace(
        secondary,
        linked_to=None,
        primary_access=None,
        identities=(own,),
        blocked=primary.blocked,
        **_given_back(primary, secondary),
    )
    return replace(primary, identities=kept), given_back


def _access_of(user: User) -> dict[str, Any]:
    return {
        "app_metadata": user.app_metadata,
        "role_ids": list(user.role_ids),
        "permissions": [dict(each) for each in user.permissions],
    }


def _given_back(primary: User, secondary: User) -> dict[str, Any]:
    """What the second account holds after unlinking."""
    # A part that the primary took over is not in `before`.
    before, now = secondary.primary_access or {}, _access_of(primary)
    roles, permissions, metadata = secondary.role_ids, secondary.permissions, secondary.app_metadata
    if Access.ROLES not in before or not same(before[Access.ROLES], now[Access.ROLES]):
        roles = tuple(each for each in roles if each in primary.role_ids)
    if Access.PERMISSIONS not in before or not same(before[Access.PERMISSIONS], now[Access.PERMISSIONS]):
        held = {permission_key(each) for each in primary.permissions}
        permissions = tuple(each for each in permissions if permission_key(each) in held)
    if Access.APP_METADATA in before:
        metadata = _not_taken(metadata, before[Access.APP_METADATA], primary.app_metadata)
    else:
        metadata = _still_held(metadata, primary.app_metadata)
    return {"role_ids": roles, "permissions": permissions, "app_metadata": metadata}


def _merged(primary: Mapping[str, Any], secondary: Mapping[str, Any], how: LinkMetadata) -> Mapping[str, Any]:
    match how:
        case LinkMetadata.KEEP_PRIMARY:
            return primary
        case LinkMetadata.MERGE:
            return merge(secondary, primary)
        case LinkMetadata.PREFER_SECONDARY:
            return merge(primary, secondary)


def _still_held(own: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of `own` that `held` has too, with the same value."""
    kept: dict[str, Any] = {}
    for key, value in own.items():
        other = held.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            below = _still_held(value, other)
            if below or not value:
                kept[key] = below
        elif key in held and value == other:
            kept[key] = value
    return kept


def _not_taken(own: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """`own` without the leaves that the primary held with the same value before, and holds no more."""
    kept: dict[str, Any] = {}
    for key, value in own.items():
        held = before.get(key)
        if isinstance(value, Mapping) and isinstance(held, Mapping):
            other = now.get(key)
            below = _not_taken(value, held, other if isinstance(other, Mapping) else {})
            if below or not value:
                kept[key] = below
        elif key not in before or not same(value, held) or (key in now and same(value, now[key])):
            kept[key] = value
    return kept


def _refused(code: ErrorCode, message: str) -> Refused:
    return Refused(code, message, ("secondary",))

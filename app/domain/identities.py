"""Linking of accounts, so that one profile has several identities, and unlinking.

Linking hides the profile of the second account and does not change its data, so that unlinking can restore it.
"""

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
# Maximum age of the token with which a user proves that the second account belongs to them.
PROOF_SECONDS = 300


class LinkMetadata(StrEnum):
    """How the metadata of the second account is added to the primary profile."""

    KEEP_PRIMARY = "KEEP_PRIMARY"
    MERGE = "MERGE"
    PREFER_SECONDARY = "PREFER_SECONDARY"


class Access(StrEnum):
    """Fields that a profile can take over from a linked account, besides user_metadata. The values are their names."""

    APP_METADATA = "app_metadata"
    ROLES = "role_ids"
    PERMISSIONS = "permissions"


def check_link(primary: User, secondary: User) -> None:
    """Raises Refused when these two profiles cannot be linked."""
    if primary.id == secondary.id:
        raise _refused(ErrorCode.INVALID_INPUT, "An account cannot be linked to itself.")
    if secondary.linked_to is not None:
        raise _refused(ErrorCode.ALREADY_EXISTS, "The second account is already linked to a profile.")
    # Otherwise a blocked user could avoid the block by linking the account to another profile.
    if primary.blocked or secondary.blocked:
        raise _refused(ErrorCode.USER_BLOCKED, "A blocked user cannot be linked.")
    if len(secondary.identities) != 1:
        raise _refused(ErrorCode.INVALID_INPUT, "Other accounts are linked to the second account: unlink them first.")
    check_room(primary)


def check_room(primary: User) -> None:
    """Raises Refused with TOO_LARGE when the profile already has the maximum number of identities."""
    if len(primary.identities) >= MAX_IDENTITIES:
        raise _refused(ErrorCode.TOO_LARGE, f"A user can have at most {MAX_IDENTITIES} identities.")


def link(primary: User, secondary: User, how: LinkMetadata, shared: Collection[Access]) -> tuple[User, User]:
    """Returns both profiles after linking. The primary profile also gets the fields in `shared`.

    For the other fields, the secondary profile records the present values of the primary one, for `unlink`. The
    versions stay the same; the code that writes the profiles increases them.
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
        **{str(each): _combined(primary, secondary, how, each) for each in shared},
    )
    not_shared = {name: value for name, value in _access_of(primary).items() if Access(name) not in shared}
    return after, replace(secondary, linked_to=primary.id, primary_access=not_shared or None)


def _combined(primary: User, secondary: User, how: LinkMetadata, access: Access) -> Any:
    """Returns the value of a field of the primary profile after it took over the value of the secondary one."""
    match access:
        case Access.APP_METADATA:
            return _merged(primary.app_metadata, secondary.app_metadata, how)
        case Access.ROLES:
            return added(primary.role_ids, secondary.role_ids)
        case Access.PERMISSIONS:
            return added(primary.permissions, secondary.permissions, permission_key)


def check_linked(before: User, after: User, max_bytes: int) -> None:
    """Raises Refused with TOO_LARGE when the linked profile exceeds a limit that holds for other mutations too."""
    # Two profiles within the limits can exceed them together. A profile that was too large before may stay so.
    for name in ("user_metadata", "app_metadata"):
        if getattr(after, name) != getattr(before, name) and size_of(getattr(after, name)) > max_bytes:
            message = (
                f"The {name} of both accounts together would have more than {quantity(max_bytes, 'byte')} as JSON."
            )
            raise Refused(ErrorCode.TOO_LARGE, message, ("metadata",))
    for what, limit, old, new in (
        ("roles", MAX_ROLES, before.role_ids, after.role_ids),
        ("permissions", MAX_PERMISSIONS, before.permissions, after.permissions),
    ):
        if len(new) > max(limit, len(old)):
            raise _refused(ErrorCode.TOO_LARGE, f"Both accounts together would have more than {limit} {what}.")


def unlink(primary: User, secondary: User, identity: Identity) -> tuple[User, User]:
    """Returns both profiles after unlinking.

    The second profile gets back its roles, permissions and app_metadata, without those that were removed from the
    primary profile since the link. A field that the primary profile did not take over, and that nobody changed, is the
    same as before the link.
    """
    # Users may link and unlink their own accounts. If unlinking restored what an administrator removed in the meantime,
    # a user could get it back in this way.
    remaining = tuple(each for each in primary.identities if each != identity)
    own = replace(identity, origin=None, origin_user_id=None, keys=())
    restored = replace(
        secondary,
        linked_to=None,
        primary_access=None,
        identities=(own,),
        blocked=primary.blocked,
        **_restored_access(primary, secondary),
    )
    return replace(primary, identities=remaining), restored


def _access_of(user: User) -> dict[str, Any]:
    return {
        "app_metadata": user.app_metadata,
        "role_ids": list(user.role_ids),
        "permissions": [dict(each) for each in user.permissions],
    }


def _restored_access(primary: User, secondary: User) -> dict[str, Any]:
    """Returns the roles, permissions and app_metadata of the second profile after unlinking."""
    # `before` lacks the fields that the primary profile took over. For them, and for changed ones, only what the
    # primary profile still has is restored.
    before, now = secondary.primary_access or {}, _access_of(primary)
    roles, permissions, metadata = secondary.role_ids, secondary.permissions, secondary.app_metadata
    if Access.ROLES not in before or not same(before[Access.ROLES], now[Access.ROLES]):
        roles = tuple(each for each in roles if each in primary.role_ids)
    if Access.PERMISSIONS not in before or not same(before[Access.PERMISSIONS], now[Access.PERMISSIONS]):
        remaining = {permission_key(each) for each in primary.permissions}
        permissions = tuple(each for each in permissions if permission_key(each) in remaining)
    if Access.APP_METADATA in before:
        metadata = _without_removed(metadata, before[Access.APP_METADATA], primary.app_metadata)
    else:
        metadata = _common_leaves(metadata, primary.app_metadata)
    return {"role_ids": roles, "permissions": permissions, "app_metadata": metadata}


def _merged(primary: Mapping[str, Any], secondary: Mapping[str, Any], how: LinkMetadata) -> Mapping[str, Any]:
    match how:
        case LinkMetadata.KEEP_PRIMARY:
            return primary
        case LinkMetadata.MERGE:
            return merge(secondary, primary)
        case LinkMetadata.PREFER_SECONDARY:
            return merge(primary, secondary)


def _common_leaves(own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the leaves of `own` that `other` has with the same value."""
    common: dict[str, Any] = {}
    for key, value in own.items():
        value_of_other = other.get(key)
        if isinstance(value, Mapping) and isinstance(value_of_other, Mapping):
            below = _common_leaves(value, value_of_other)
            if below or not value:
                common[key] = below
        elif key in other and value == value_of_other:
            common[key] = value
    return common


def _without_removed(own: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `own` without the leaves that the primary profile had with the same value before, and lost since."""
    remaining: dict[str, Any] = {}
    for key, value in own.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            new = now.get(key)
            below = _without_removed(value, old, new if isinstance(new, Mapping) else {})
            if below or not value:
                remaining[key] = below
        elif key not in before or not same(value, old) or (key in now and same(value, now[key])):
            remaining[key] = value
    return remaining


def _refused(code: ErrorCode, message: str) -> Refused:
    return Refused(code, message, ("secondary",))

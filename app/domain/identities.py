"""Linking: one profile for several accounts. Nothing moves: the second account's profile waits, to be given back."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.identifiers import identifier_keys
from app.domain.metadata import merge
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES, added, permission_key
from app.domain.sizes import size_of
from app.domain.users import Identity, User

MAX_IDENTITIES = 16


class LinkMetadata(StrEnum):
    """What becomes of the second account's metadata."""

    KEEP_PRIMARY = "KEEP_PRIMARY"
    MERGE = "MERGE"
    PREFER_SECONDARY = "PREFER_SECONDARY"


def check_link(primary: User, secondary: User) -> None:
    """Refused where these two can't be one."""
    if primary.id == secondary.id:
        raise _refused(ErrorCode.INVALID_INPUT, "That is the profile itself.")
    if primary.blocked or secondary.blocked:
        raise _refused(ErrorCode.USER_BLOCKED, "A blocked user is linked with nobody.")
    if len(secondary.identities) != 1:
        raise _refused(ErrorCode.INVALID_INPUT, "That account has others linked to it: unlink them first.")
    if len(primary.identities) >= MAX_IDENTITIES:
        raise _refused(ErrorCode.TOO_LARGE, f"A user has at most {MAX_IDENTITIES} identities.")


def link(primary: User, secondary: User, how: LinkMetadata, with_access: bool) -> tuple[User, User]:
    """Both after linking. `with_access`: app_metadata, roles and permissions are taken over too.

    Their versions are as they were: whoever writes them counts.
    """
    [identity] = secondary.identities
    keys = tuple(identifier_keys(secondary))
    linked = replace(identity, origin=secondary.id, origin_user_id=secondary.user_id, keys=keys)
    after = replace(
        primary,
        identities=(*primary.identities, linked),
        user_metadata=_merged(primary.user_metadata, secondary.user_metadata, how),
    )
    if with_access:
        after = replace(
            after,
            app_metadata=_merged(primary.app_metadata, secondary.app_metadata, how),
            role_ids=added(primary.role_ids, secondary.role_ids),
            permissions=added(primary.permissions, secondary.permissions, permission_key),
        )
    return after, replace(secondary, linked_to=primary.id)


def check_linked(before: User, after: User, max_bytes: int) -> None:
    """Refused with TOO_LARGE for a profile that no other mutation would make so large. Linking adds up two of them."""
    for name in ("user_metadata", "app_metadata"):
        if getattr(after, name) != getattr(before, name) and size_of(getattr(after, name)) > max_bytes:
            message = f"The {name} of both accounts together would take more than {max_bytes} bytes as JSON."
            raise Refused(ErrorCode.TOO_LARGE, message, ("metadata",))
    for what, limit, old, new in (
        ("roles", MAX_ROLES, before.role_ids, after.role_ids),
        ("permissions", MAX_PERMISSIONS, before.permissions, after.permissions),
    ):
        if len(new) > max(limit, len(old)):
            raise _refused(ErrorCode.TOO_LARGE, f"Both accounts together have more than {limit} {what}.")


def unlink(primary: User, secondary: User, identity: Identity) -> tuple[User, User]:
    """Both after unlinking. What was taken from the primary since, the second account does not get back."""
    held = {permission_key(each) for each in primary.permissions}
    kept = tuple(each for each in primary.identities if each != identity)
    own = replace(identity, origin=None, origin_user_id=None, keys=())
    given_back = replace(
        secondary,
        linked_to=None,
        identities=(own,),
        blocked=primary.blocked,
        role_ids=tuple(each for each in secondary.role_ids if each in primary.role_ids),
        permissions=tuple(each for each in secondary.permissions if permission_key(each) in held),
        app_metadata=_still_held(secondary.app_metadata, primary.app_metadata),
    )
    return replace(primary, identities=kept), given_back


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


def _refused(code: ErrorCode, message: str) -> Refused:
    return Refused(code, message, ("secondary",))

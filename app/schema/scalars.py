"""Scalars and enums. Types take the enums from here, where they have got their descriptions."""

from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from app.domain.connections import AuthConnectionKind, SyncRootAttributes
from app.domain.devices import DeviceType
from app.domain.errors import ErrorCode
from app.domain.identities import LinkMetadata
from app.domain.logs import LogEventType
from app.domain.permissions import PermissionSourceType
from app.domain.principals import ActorKind
from app.domain.refusals import RefusalCode
from app.domain.root_attributes import RootAttributeName
from app.domain.tickets import TicketPurpose
from app.domain.times import format_time, parse_time
from app.domain.users import AttributeSource
from app.policy.actions import UserActionName
from app.services.login_reports import FailureReason as LoginFailureReason

__all__ = [
    "SCALARS",
    "ActorKind",
    "AttributeSource",
    "AuthConnectionKind",
    "DateTime",
    "DeviceType",
    "ErrorCode",
    "LinkMetadata",
    "LogEventType",
    "LoginFailureReason",
    "PermissionSourceType",
    "RefusalCode",
    "RootAttributeName",
    "SyncRootAttributes",
    "TicketPurpose",
    "UserActionName",
]

DateTime = NewType("DateTime", datetime)


def _parse_time(value: Any) -> Any:
    try:
        return parse_time(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from None


SCALARS: dict[object, ScalarDefinition] = {
    **DEFAULT_SCALAR_REGISTRY,
    DateTime: strawberry.scalar(
        name="DateTime",
        description="UTC, milliseconds, Z: RFC 3339. Input may have any offset.",
        serialize=format_time,
        parse_value=_parse_time,
    ),
}

for _enum, _description in (
    (ActorKind, "What a token, or an event's author, speaks for."),
    (
        AttributeSource,
        "Who set a root attribute. DEFAULT: nobody did, and the value is null or made from other attributes.",
    ),
    (AuthConnectionKind, "Who keeps the accounts of a connection."),
    (DeviceType, "What a device's credential is."),
    (
        LinkMetadata,
        "Whose metadata a linked profile has. KEEP_PRIMARY: the profile's own alone. MERGE: both, where the profile's"
        " values win. PREFER_SECONDARY: both, where the linked account's values win.",
    ),
    (LogEventType, "What happened. More may be added."),
    (PermissionSourceType, "How a permission came."),
    (RefusalCode, "Why something cannot be done to a user. More may be added."),
    (RootAttributeName, "The attributes that a profile always has."),
    (SyncRootAttributes, "When a login takes root attributes over from the identity provider."),
    (UserActionName, "What can be done to a user. More may be added."),
    (TicketPurpose, "What redeeming a ticket does."),
):
    strawberry.enum(_enum, description=_description)
strawberry.enum(LoginFailureReason, name="LoginFailureReason", description="Why a login failed.")
strawberry.enum(ErrorCode, name="MutationErrorCode", description="What a client can act on. More may be added.")

"""The types User, Identity and RootAttribute."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry
from strawberry.scalars import JSON

from app.directives import Constraint, CostWeight, ListSize
from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.users import USER
from app.domain.filters import ALL
from app.domain.identities import MAX_IDENTITIES
from app.domain.metadata import pick
from app.domain.roles import MAX_ROLES
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.rows import Row
from app.domain.times import now
from app.policy.rules import authenticated
from app.schema.authorized import Node, row_type
from app.schema.context import Info
from app.schema.costs import JSON_DOCUMENT, WHOLE_PROFILE, costly_field, list_field
from app.schema.enums import AttributeSource, LogEventType, RefusalCode, RootAttributeName, UserActionName
from app.schema.lists import FirstOf
from app.schema.pages import After, Before, Connection, First, Last, owned_by, page_of
from app.schema.scalars import DateTime
from app.schema.types.actions import UserActionObject
from app.schema.types.devices import DeviceObject
from app.schema.types.enrollments import MfaEnrollment
from app.schema.types.grants import AuthorizedApplication
from app.schema.types.logs import LogEventObject, Since, Until
from app.schema.types.permissions import USUAL_PERMISSIONS, UserPermissionObject, permissions_of
from app.services.logs import in_period, log_events

# A role has users, and a user has roles: one of the two modules must import the other one lazily.
if TYPE_CHECKING:
    from app.schema.types.roles import RoleObject

# Without `since`, a history would begin 30 days ago and most pages need less. The contract fixes the two days.
DEFAULT_HISTORY = timedelta(days=2)

Paths = Annotated[
    list[str] | None,
    strawberry.argument(
        description="The parts of the document to return, as paths with dots: [language, address.city]. The answer has"
        " the same nesting as the document: {language: fr, address: {city: Lyon}}. A path that does not exist is left"
        " out. A path can end at an array, but does not lead into it. The default is the whole document.",
        directives=[Constraint(max_items=100)],
    ),
]

Types = Annotated[
    list[LogEventType] | None,
    strawberry.argument(
        description="Return only events of these types. The default is all types.",
        directives=[Constraint(max_items=100)],
    ),
]


@strawberry.type(
    name="RootAttribute",
    description="A root attribute with its source, and whether it can be edited. A profile page can show it as a form"
    " field.",
)
class RootAttributeObject:
    name: RootAttributeName = strawberry.field(description="Which of the five attributes.")
    value: str | None = strawberry.field(description="The value, as in the field of User. null: not set.")
    source: AttributeSource = strawberry.field(description="Who set the value.")
    connection: str | None = strawberry.field(
        description="The name of the connection that set the value. null: `source` is not IDP."
    )
    updated_at: DateTime | None = strawberry.field(description="When the value was set. null: never.")
    editable: bool = strawberry.field(
        description="Whether the connection allows `updateRootAttributes` to change the value. The caller also needs"
        " the scopes: see `User.viewerActions`."
    )
    code: RefusalCode | None = strawberry.field(
        description="Why `editable` is false, as a code for your program. null: it is true."
    )
    reason: str | None = strawberry.field(
        description="Why `editable` is false, as an English sentence for the person who uses your product. null: it is"
        " true."
    )


@row_type(IDENTITY, "An account of a user at an identity provider, such as a Google account.")
class IdentityObject:
    id: strawberry.ID
    provider: str
    connection: str
    user_id: str
    is_social: bool
    is_primary: bool
    profile_data: JSON | None = costly_field(JSON_DOCUMENT)
    access_token: str | None
    refresh_token: str | None


@row_type(
    USER,
    "The profile of a user: what identity providers reported about the user, and what your product stores about the"
    " user.",
)
class UserObject(Node):
    # Every field with a rule is nullable: a field that the caller may not read becomes null, and the rest of the
    # profile is still returned.
    id: strawberry.ID
    user_id: str
    version: int
    name: str | None
    given_name: str | None
    family_name: str | None
    nickname: str | None
    picture: str | None
    root_attributes: list[RootAttributeObject] | None = list_field(len(ROOT_ATTRIBUTES))
    email: str | None
    email_verified: bool | None
    pending_email: str | None
    username: str | None
    phone_number: str | None
    phone_verified: bool | None

    @strawberry.field(directives=[CostWeight(weight=JSON_DOCUMENT)])
    def user_metadata(root: strawberry.Parent[Any], paths: Paths = None) -> JSON | None:  # noqa: N805
        return _metadata(root, "user_metadata", paths)

    @strawberry.field(directives=[CostWeight(weight=JSON_DOCUMENT)])
    def app_metadata(root: strawberry.Parent[Any], paths: Paths = None) -> JSON | None:  # noqa: N805
        return _metadata(root, "app_metadata", paths)

    identities: list[IdentityObject] | None = list_field(MAX_IDENTITIES)

    @strawberry.field
    async def devices(
        root: strawberry.Parent[Any],  # noqa: N805
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[DeviceObject] | None:
        return cast("Connection[DeviceObject]", await page_of(info, root, "devices", first, after, last, before))

    @strawberry.field
    async def log_events(
        root: strawberry.Parent[Any],  # noqa: N805
        info: Info,
        since: Since = None,
        until: Until = None,
        types: Types = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LogEventObject] | None:
        # The default period moves with the clock, so that it must not be part of the list's identity: cursors would
        # expire.
        recent = ALL if since else in_period((until or now()) - DEFAULT_HISTORY)
        events = log_events(since, until, types, recent)
        return cast(
            "Connection[LogEventObject]", await page_of(info, root, "log_events", first, after, last, before, events)
        )

    @strawberry.field
    async def authorized_applications(
        root: strawberry.Parent[Any],  # noqa: N805
        info: Info,
    ) -> list[AuthorizedApplication] | None:
        found = await owned_by(info, root, "authorized_applications")
        return cast("list[AuthorizedApplication]", found)

    @strawberry.field
    async def mfa_enrollments(root: strawberry.Parent[Any], info: Info) -> list[MfaEnrollment] | None:  # noqa: N805
        return cast("list[MfaEnrollment]", await owned_by(info, root, "mfa_enrollments"))

    @strawberry.field(directives=[ListSize(assumed_size=len(UserActionName))])
    def viewer_actions(root: strawberry.Parent[Any], info: Info) -> list[UserActionObject] | None:  # noqa: N805
        # No database command: everything that decides about the actions was read with the row.
        principal = authenticated(info.context.principal)
        return cast("list[UserActionObject]", info.context.services.actions.of(principal, root))

    roles: list[Annotated["RoleObject", strawberry.lazy("app.schema.types.roles")]] | None = list_field(MAX_ROLES)

    @strawberry.field(directives=[ListSize(assumed_size=USUAL_PERMISSIONS)])
    def permissions(
        root: strawberry.Parent[Any],  # noqa: N805
        info: Info,
        first: FirstOf = None,
    ) -> list[UserPermissionObject] | None:
        return cast("list[UserPermissionObject]", permissions_of(info, root, first))

    blocked: bool | None
    must_change_password: bool | None
    created_at: DateTime | None
    updated_at: DateTime | None
    last_login: DateTime | None
    last_ip: str | None
    logins_count: int | None
    last_password_reset: DateTime | None
    raw: JSON | None = costly_field(WHOLE_PROFILE)


def _metadata(row: Row, name: str, paths: list[str] | None) -> JSON:
    # The database returns the whole document, also for a few paths: no text of a caller may become a path of a query.
    document = row.read(name)
    return cast("JSON", document if paths is None else pick(document, paths))

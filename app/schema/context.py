"""The context of one operation: the services, the caller, the selection and the data loaders for resolvers."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.dataloader import DataLoader

from app.domain.principals import Principal, Source
from app.domain.rates import Rate, RateCounter
from app.domain.rows import Row
from app.domain.selections import SelectionTree
from app.services.accounts import Accounts
from app.services.actions import Actions
from app.services.attributes import RootAttributes
from app.services.blocks import Blocks
from app.services.callers import Callers
from app.services.connections import Connections
from app.services.devices import Devices
from app.services.emails import Emails
from app.services.enrollments import Enrollments
from app.services.failed_logins import FailedLogins
from app.services.grants import Grants
from app.services.identifiers import Identifiers
from app.services.identities import Identities
from app.services.lists import Lists
from app.services.logins import RecordLogins
from app.services.metadata import Metadata
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.reads import Reads
from app.services.roles import Roles
from app.services.searches import UserSearches
from app.services.sign_ups import SignUps
from app.services.tickets import Tickets
from app.services.users import UserLookup


@dataclass(frozen=True, slots=True)
class Services:
    """The services that answer fields and mutations. `app.composition` builds them once for the process."""

    reads: Reads
    lists: Lists
    callers: Callers
    users: UserLookup
    metadata: Metadata
    root_attributes: RootAttributes
    logins: RecordLogins
    failed_logins: FailedLogins
    devices: Devices
    connections: Connections
    identities: Identities
    blocks: Blocks
    accounts: Accounts
    sign_ups: SignUps
    roles: Roles
    emails: Emails
    identifiers: Identifiers
    passwords: Passwords
    tickets: Tickets
    grants: Grants
    enrollments: Enrollments
    actions: Actions
    personal_data: PersonalData
    searches: UserSearches


class RunningOperation(Protocol):
    """The running operation, as far as resolvers need it.

    The engine implements this protocol: the schema must not import the engine, which is its sibling.
    """

    def selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """Returns the fields that are selected below this field, in snake_case."""
        ...

    def node_selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """Returns the fields that are selected of each row of the connection that this field returns."""
        ...

    def warn(self, code: str, message: str) -> None:
        """Adds a warning to the answer, once for each code."""
        ...

    def take_items(self, name: str, more: int, each: int) -> None:
        """Takes `more` items of `each` values from the budget of the answer. Raises GraphQLError for too many.

        A resolver calls it for a list with more items than its cost included. `name` names the list in the error.
        """
        ...


@dataclass(slots=True)
class Context:
    """The state that the resolvers of one operation share.

    `principal` is the caller; None without a token. `viewer` is the caller's own profile, with the fields that the
    operation selects of it; None for an application, and for a user without a profile. `rate` is the state of the
    caller's rate limit. `source` is the IP address and the user agent of the request. `anonymous_rates` limits
    operations that need no token, for each `client_network`.
    """

    services: Services
    run: RunningOperation
    principal: Principal | None = None
    viewer: Row | None = None
    rate: Rate | None = None
    source: Source = field(default_factory=Source)
    client_network: str | None = None
    anonymous_rates: RateCounter | None = None
    loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    def selection(self, info: "Info") -> SelectionTree:
        """Returns the fields that are selected below this field, in snake_case."""
        return self.run.selection(info._raw_info)

    def node_selection(self, info: "Info") -> SelectionTree:
        """Returns the fields that are selected of each row of the connection that this field returns."""
        return self.run.node_selection(info._raw_info)

    async def refresh_caller(self) -> None:
        """Looks up the caller again, after a write that may have changed the caller's profile. Raises UserBlocked.

        The rest of the request is answered with the rights that the caller has now.
        """
        if self.principal is not None:
            self.principal = await self.services.callers.confirm(self.principal)
            # Each data loader reads with the rights of the caller that it was made for.
            self.loaders.clear()

    async def count_anonymous(self) -> None:
        """Counts an operation that needs no token. Raises RateLimited when this network has sent too many.

        Raises UserBlocked when the request has a token of a blocked user anyway.
        """
        # Such an operation is not authorized by a rule, so that nothing else would refuse a blocked user.
        await self.refresh_caller()
        if self.anonymous_rates is not None:
            await self.anonymous_rates.hit(self.client_network or "unknown")

    def loader(self, key: Hashable, make: Callable[[], DataLoader[Any, Any]]) -> DataLoader[Any, Any]:
        """Returns the data loader with this key, which collects the reads of one field for all its parent objects."""
        if key not in self.loaders:
            self.loaders[key] = make()
        return self.loaders[key]


Info = strawberry.Info[Context, None]

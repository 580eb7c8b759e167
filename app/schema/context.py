"""The context of an operation that resolvers share: services, caller, selection, data loaders."""

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
from app.services.sign_ups import SignUps
from app.services.tickets import Tickets
from app.services.users import UserLookup


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case that the schema offers."""

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


class RunningOperation(Protocol):
    """What resolvers ask of the engine that runs their operation."""

    def selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """What is asked for below this field."""
        ...

    def node_selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """What is asked of each row of the connection that this field is."""
        ...

    def take_items(self, name: str, more: int, each: int) -> None:
        """Counts `more` items of `each` values that a list is longer than it counts as. GraphQLError for too many."""
        ...


@dataclass(slots=True)
class Context:
    """`viewer` is the caller's own profile, read while finding out who calls; None without one.

    `source` is where the request comes from. `anonymous_rates` counts operations without a token by
    `client_network`.
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
        """What is asked for below this field."""
        return self.run.selection(info._raw_info)

    def node_selection(self, info: "Info") -> SelectionTree:
        """What is asked of each row of the connection that this field is."""
        return self.run.node_selection(info._raw_info)

    async def look_again(self) -> None:
        """Finds out again who the caller is, after a write that may have changed that. UserBlocked.

        The rest of the request goes by it: rows and actions are read with the rights that the caller has now.
        """
        if self.principal is not None:
            self.principal = await self.services.callers.confirm(self.principal)
            # Each loader keeps the caller whom it was made for.
            self.loaders.clear()

    async def count_anonymous(self) -> None:
        """For what needs no token: RateLimited where too much came from this network. A token that came with it all
        the same must not be a blocked user's: UserBlocked.
        """
        await self.look_again()
        if self.anonymous_rates is not None:
            await self.anonymous_rates.hit(self.client_network or "unknown")

    def loader(self, key: Hashable, make: Callable[[], DataLoader[Any, Any]]) -> DataLoader[Any, Any]:
        """One loader for all that ask the same of different parents."""
        if key not in self.loaders:
            self.loaders[key] = make()
        return self.loaders[key]


Info = strawberry.Info[Context, None]

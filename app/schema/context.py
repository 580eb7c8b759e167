"""What one operation's resolvers share."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader

from app.domain.principals import Principal
from app.domain.rates import Rate
from app.domain.rows import Row, Tree
from app.engine.budget import Budget
from app.engine.documents import Document
from app.engine.limits import Limits
from app.engine.selection import of_nodes, tree_of
from app.services.accounts import Accounts
from app.services.actions import Actions
from app.services.attributes import RootAttributes
from app.services.blocks import Blocks
from app.services.callers import Callers
from app.services.connections import Connections
from app.services.devices import Devices
from app.services.emails import Emails
from app.services.enrollments import Enrollments
from app.services.grants import Grants
from app.services.identifiers import Identifiers
from app.services.identities import Identities
from app.services.logins import RecordLogins
from app.services.metadata import Metadata
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.reads import Reads
from app.services.roles import Roles
from app.services.tickets import Source, Tickets
from app.services.users import Users
from app.store.rates import Rates


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case that the schema offers."""

    reads: Reads
    callers: Callers
    users: Users
    metadata: Metadata
    root_attributes: RootAttributes
    logins: RecordLogins
    devices: Devices
    connections: Connections
    identities: Identities
    blocks: Blocks
    accounts: Accounts
    roles: Roles
    emails: Emails
    identifiers: Identifiers
    passwords: Passwords
    tickets: Tickets
    grants: Grants
    enrollments: Enrollments
    actions: Actions
    personal_data: PersonalData


@dataclass(slots=True)
class RootField:
    """One that ran: under which key of the answer, and in seconds of `time.perf_counter` from when until when."""

    key: str | int
    type: str
    name: str
    began: float
    ended: float = 0.0


@dataclass(slots=True)
class Context:
    """`viewer` is the caller's own profile, read while finding out who calls; None without one.

    `source` is where the request comes from. `anonymous_rates` counts operations without a token by `client_network`.
    `variables` are those of the request, as they came, over the operation's defaults; `budget` is what the answer may
    hold beyond what was counted before.
    """

    services: Services
    document: Document
    variables: Mapping[str, Any] = field(default_factory=dict)
    # Until when root fields may run, by the event loop's clock; None sets no limit.
    deadline: float | None = None
    budget: Budget = field(default_factory=lambda: Budget(Limits().values, Limits().answer))
    principal: Principal | None = None
    viewer: Row | None = None
    rate: Rate | None = None
    source: Source = field(default_factory=Source)
    client_network: str | None = None
    anonymous_rates: Rates | None = None
    root_fields: list[RootField] = field(default_factory=list)
    loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    async def look_again(self) -> None:
        """Finds out again who the caller is, after a write that may have changed that. UserBlocked.

        The rest of the request goes by it: rows and actions are read with the rights that the caller has now.
        """
        if self.principal is not None:
            self.principal = await self.services.callers.confirm(self.principal)
            # Each loader keeps the caller whom it was made for.
            self.loaders.clear()

    async def count_anonymous(self) -> None:
        """For what needs no token: RateLimited where too much came from this network. A token that came with it all the
        same must not be a blocked user's: UserBlocked.
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


def selection(info: Info) -> Tree:
    """What is asked for below this field. Found out once for each place in a document."""
    nodes, document = info._raw_info.field_nodes, info.context.document
    if len(nodes) > 1:
        return tree_of(nodes, document.fragments)
    key = id(nodes[0])
    if key not in document.trees:
        document.trees[key] = tree_of(nodes, document.fragments)
    return document.trees[key]


def node_selection(info: Info) -> Tree:
    """What is asked of each row of the connection that this field is. Found out once, likewise."""
    asked, document = selection(info), info.context.document
    # Beside the tree of the field, whose key is its positive twin.
    key = -id(info._raw_info.field_nodes[0])
    if len(info._raw_info.field_nodes) > 1:
        return of_nodes(asked)
    if key not in document.trees:
        document.trees[key] = of_nodes(asked)
    return document.trees[key]

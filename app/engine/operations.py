"""The state of a running operation, and the protocol of a schema that the engine can run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import GraphQLResolveInfo, GraphQLSchema

from app.domain.principals import Principal, Source
from app.domain.rates import Rate
from app.domain.selections import SelectionTree
from app.engine.budget import Budget
from app.engine.documents import Document
from app.engine.selection import of_nodes, tree_of


@dataclass(slots=True)
class RootField:
    """One that ran: under which key of the answer, and in seconds of `time.perf_counter` from when until when."""

    key: str | int
    type: str
    name: str
    began: float
    ended: float = 0.0


@dataclass(slots=True)
class Run:
    """What the executor and the resolvers of one operation share.

    `variables` are those of the request, as they came, over the operation's defaults. `budget` is what the answer may
    hold beyond what was counted before. `has_token`: fields that are not public may run.
    """

    document: Document
    variables: Mapping[str, Any]
    budget: Budget
    has_token: bool
    # Until when root fields may run, by the event loop's clock. None sets no limit.
    deadline: float | None = None
    root_fields: list[RootField] = field(default_factory=list)

    def selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """What is asked for below this field. Found out once for each place in a document."""
        nodes, document = info.field_nodes, self.document
        if len(nodes) > 1:
            return tree_of(nodes, document.fragments)
        key = id(nodes[0])
        if key not in document.trees:
            document.trees[key] = tree_of(nodes, document.fragments)
        return document.trees[key]

    def node_selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """What is asked of each row of the connection that this field is. Found out once, likewise."""
        asked, document = self.selection(info), self.document
        # Beside the tree of the field, whose key is its positive twin.
        key = -id(info.field_nodes[0])
        if len(info.field_nodes) > 1:
            return of_nodes(asked)
        if key not in document.trees:
            document.trees[key] = of_nodes(asked)
        return document.trees[key]

    def take_items(self, name: str, more: int, each: int) -> None:
        """Takes `more` items of `each` values from the budget, for a list that a resolver makes."""
        self.budget.take_items(name, more, each)


class ExecutableSchema(Protocol):
    """What the engine needs of a schema."""

    @property
    def graphql(self) -> GraphQLSchema: ...

    @property
    def row_types(self) -> Collection[str]:
        """The GraphQL types whose objects are rows."""
        ...

    @property
    def own_paths(self) -> Sequence[Sequence[str]]:
        """Where a query asks for the caller's own profile, in snake_case."""
        ...

    def new_context(self, run: Run, source: Source, client_network: str | None, rate: Rate | None) -> Any:
        """What the resolvers of one operation share; its `run` is `run`. `client_network` counts as one caller."""
        ...

    async def identify(self, context: Any, principal: Principal, selection: SelectionTree, is_mutation: bool) -> None:
        """Finds out who the caller is, with what the operation asks of their own profile."""
        ...

    def describe_error(self, error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
        """The message and the extensions of an error. Returns None for one that is a fault of the server."""
        ...

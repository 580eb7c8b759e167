"""The state of a running operation, and the protocol that a schema must implement for the engine."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import GraphQLResolveInfo, GraphQLSchema

from app.domain.principals import Principal, Source
from app.domain.rates import Rate
from app.domain.selections import SelectionTree
from app.engine.budget import Budget
from app.engine.documents import Document
from app.engine.selection import node_selection_of, tree_of


@dataclass(slots=True)
class RootField:
    """A root field that was run. `key` is its name in the answer. Times are seconds of `time.perf_counter`."""

    key: str | int
    type: str
    name: str
    began: float
    ended: float = 0.0


@dataclass(slots=True)
class Run:
    """The state that the executor and the resolvers of one operation share.

    `variables` are the raw variables of the request, with the defaults of the operation. `budget` limits the size of
    the answer. Without `has_token`, only public fields may run. `deadline` is a time of the event loop's clock, at
    which running root fields are stopped and after which no other may start. None sets no limit. `warnings` are
    messages by their codes.
    """

    document: Document
    variables: Mapping[str, Any]
    budget: Budget
    has_token: bool
    deadline: float | None = None
    root_fields: list[RootField] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)

    def selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """Returns the fields that are selected below this field."""
        # The tree is calculated once for each place in a document. Only a field that is merged from several places has
        # no single node, and is calculated again.
        nodes, document = info.field_nodes, self.document
        if len(nodes) > 1:
            return tree_of(nodes, document.fragments)
        key = id(nodes[0])
        if key not in document.trees:
            document.trees[key] = tree_of(nodes, document.fragments)
        return document.trees[key]

    def node_selection(self, info: GraphQLResolveInfo[Any]) -> SelectionTree:
        """Returns the fields that are selected of each row of the connection that this field returns."""
        selection, document = self.selection(info), self.document
        # The positive id is the key of the tree of the connection itself.
        key = -id(info.field_nodes[0])
        if len(info.field_nodes) > 1:
            return node_selection_of(selection)
        if key not in document.trees:
            document.trees[key] = node_selection_of(selection)
        return document.trees[key]

    def warn(self, code: str, message: str) -> None:
        """Adds a warning to `extensions.warnings` of the answer, once for each code."""
        self.warnings[code] = message

    def take_items(self, name: str, more: int, each: int) -> None:
        """Takes `more` items of `each` values from the budget, for a list that a resolver makes."""
        self.budget.take_items(name, more, each)


class ExecutableSchema(Protocol):
    """A schema that the engine can run. The engine must not import it: `main` passes the schema to the engine."""

    @property
    def graphql(self) -> GraphQLSchema:
        """The schema of graphql-core."""
        ...

    @property
    def row_types(self) -> Collection[str]:
        """The names of the GraphQL types that have rows as objects."""
        ...

    @property
    def own_paths(self) -> Sequence[Sequence[str]]:
        """The paths, in snake_case, at which a query can select the caller's own profile."""
        ...

    def new_context(self, run: Run, source: Source, client_network: str | None, rate: Rate | None) -> Any:
        """Returns the context of one operation for the resolvers. Its attribute `run` is `run`."""
        ...

    async def identify(self, context: Any, principal: Principal, selection: SelectionTree, is_mutation: bool) -> None:
        """Looks up the profile of the caller, with the fields in `selection`, and adds both to the context."""
        ...

    def describe_error(self, error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
        """Returns the message and the extensions of an error, or None for a fault of the service."""
        ...

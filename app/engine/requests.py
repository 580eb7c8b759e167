"""The input and the output of the engine: a request, and the result of its operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.principals import Source
from app.domain.rates import Rate
from app.engine.documents import Operation
from app.engine.operations import RootField


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, as GraphQL over HTTP defines it: either `query`, or `document_id` of a trusted document.

    With `read_only`, mutations are refused: HTTP GET must not change anything. `client_network` is the network that
    counts as one caller without a token.
    """

    query: str | None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    read_only: bool = False
    document_id: str | None = None
    client_network: str | None = None
    source: Source = field(default_factory=Source)


@dataclass(slots=True)
class OperationResult:
    """The answer, and facts for logs, metrics and traces.

    `executed` is false, and `data` None, when the request as a whole failed before the operation ran. `cost` is the
    cost of the operation, and `rate` the state of the caller's rate limit. `identified_in` is the seconds that the
    lookup of the caller took. `warnings` are messages by their codes. The name of `operation` is chosen by the client:
    it must not become a metrics label.
    """

    errors: list[dict[str, Any]]
    data: dict[str, Any] | None = None
    executed: bool = False
    is_mutation_by_get: bool = False
    operation: Operation | None = None
    cost: int = 0
    rate: Rate | None = None
    identified_in: float = 0.0
    root_fields: Sequence[RootField] = ()
    warnings: Mapping[str, str] = field(default_factory=dict)

    def codes(self) -> set[str]:
        """Returns the codes of all errors."""
        return {each["extensions"]["code"] for each in self.errors}

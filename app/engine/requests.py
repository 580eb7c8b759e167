"""What the engine takes and what it returns: a request, and the result of its operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.principals import Source
from app.domain.rates import Rate
from app.engine.documents import Operation
from app.engine.operations import RootField


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, as GraphQL over HTTP has it: `query`, or the id of a trusted document.

    `read_only`: no mutation may run. `source` is where it came from. `client_network` counts as one caller.
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
    """What to send. `data` is absent (None, not executed) where the request as a whole failed.

    The rest is for who watches: which `operation` ran (a caller's word), what it cost, what its root fields took, how
    long finding the caller took, and what the caller has left.
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

    def codes(self) -> set[str]:
        return {each["extensions"]["code"] for each in self.errors}

"""The cost of an operation: a sum in which the lengths of lists may depend on the variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from app.engine.errors import exceeded
from app.engine.limits import Limits
from app.engine.sizes import MANY, Size

# GraphiQL's own question costs about 60,000 as lists are counted.
INTROSPECTION_COST = 100_000


@dataclass(slots=True)
class Cost:
    """Of a selection set: `fixed`, and what costs as often as a list is long."""

    fixed: int = 0
    lists: list[tuple["int | Size", "Cost"]] = field(default_factory=list)

    def value(self, variables: Mapping[str, Any], known: dict[Any, int] | None = None) -> int:
        """In full, at most MANY. `known` is what was found out before with the same variables."""
        known = {} if known is None else known
        found = known.get(id(self))
        if found is None:
            found = self.fixed
            for size, each in self.lists:
                found += _known_size(size, variables, known) * each.value(variables, known)
            known[id(self)] = found = min(found, MANY)
        return found

    @property
    def is_constant(self) -> bool:
        return not self.lists

    def add_fixed(self, more: int) -> None:
        self.fixed = min(self.fixed + more, MANY)

    def add(self, size: int | Size, each: "Cost") -> None:
        """Adds `size` times `each`. Numbers are added at once, so that most documents need no sum when they run."""
        if isinstance(size, int) and each.is_constant:
            self.add_fixed(size * each.fixed)
        else:
            self.lists.append((size, each))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a list in the answer counts as: `size` items, each of which costs `item` besides itself."""

    size: int | Size
    item: Cost

    def length(self, variables: Mapping[str, Any]) -> int:
        return self.size if isinstance(self.size, int) else self.size.of(variables)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """What running an operation costs, by the variables that it is run with. `needs_token`: all of it does."""

    cost: Cost
    introspection: Cost
    defaults: Mapping[str, Any]
    needs_token: bool = False

    def check(self, limits: Limits, variables: Mapping[str, Any]) -> tuple[int, GraphQLError | None]:
        """The cost, and the error where it is too high, or a variable too long or too deep."""
        given = variables if self.cost.is_constant else {**self.defaults, **variables}
        try:
            cost, introspection = self.cost.value(given), self.introspection.value(given)
        except GraphQLError as error:
            return 0, error
        if cost > limits.cost:
            message = f"The operation costs {cost}, and may cost {limits.cost}: ask for shorter lists."
            return cost, exceeded(message)
        if introspection > INTROSPECTION_COST:
            return cost, exceeded("The operation asks for too much of the schema.")
        return cost + introspection // 100, None


def _known_size(size: int | Size, variables: Mapping[str, Any], known: dict[Any, int]) -> int:
    if isinstance(size, int):
        return size
    found = known.get(size)
    if found is None:
        found = known[size] = size.of(variables)
    return found

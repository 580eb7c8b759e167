"""The cost of an operation: a sum in which the lengths of lists can depend on the variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from app.engine.errors import exceeded
from app.engine.limits import Limits
from app.engine.sizes import MANY, Size

# The limit for introspection. The query that GraphiQL sends for its documentation costs about 60,000.
INTROSPECTION_COST = 100_000


@dataclass(slots=True)
class Cost:
    """The cost of a selection set: a fixed part, and parts that count as often as a list is long."""

    fixed: int = 0
    lists: list[tuple["int | Size", "Cost"]] = field(default_factory=list)

    def value(self, variables: Mapping[str, Any], memo: dict[Any, int] | None = None) -> int:
        """Returns the total, at most MANY. `memo` has the totals of parts that were calculated before."""
        # A fragment is one object, however often it is spread: the memo keeps the calculation linear.
        memo = {} if memo is None else memo
        total = memo.get(id(self))
        if total is None:
            total = self.fixed
            for size, each in self.lists:
                total += _length(size, variables, memo) * each.value(variables, memo)
            memo[id(self)] = total = min(total, MANY)
        return total

    @property
    def is_constant(self) -> bool:
        """Whether the total is the same for all variables."""
        return not self.lists

    def add_fixed(self, more: int) -> None:
        """Adds `more` to the fixed part."""
        self.fixed = min(self.fixed + more, MANY)

    def add(self, size: int | Size, each: "Cost") -> None:
        """Adds `size` times `each`."""
        # Numbers are multiplied now, so that most documents have nothing left to calculate when they run.
        if isinstance(size, int) and each.is_constant:
            self.add_fixed(size * each.fixed)
        else:
            self.lists.append((size, each))


@dataclass(frozen=True, slots=True)
class Counted:
    """A list of the answer: it counts as `size` items, and each item costs `item` in addition to the item itself."""

    size: int | Size
    item: Cost

    def length(self, variables: Mapping[str, Any]) -> int:
        """Returns the number of items that the list counts as with these variables."""
        return self.size if isinstance(self.size, int) else self.size.of(variables)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """The cost of an operation. `defaults` are the default values of its variables.

    `needs_token` is true if no root field is public.
    """

    cost: Cost
    introspection: Cost
    defaults: Mapping[str, Any]
    needs_token: bool = False

    def check(self, limits: Limits, variables: Mapping[str, Any]) -> tuple[int, GraphQLError | None]:
        """Returns the cost, and the error if the cost is too high, or if a variable is too long or too deep."""
        given = variables if self.cost.is_constant else {**self.defaults, **variables}
        try:
            cost, introspection = self.cost.value(given), self.introspection.value(given)
        except GraphQLError as error:
            return 0, error
        if cost > limits.cost:
            message = f"The operation costs {cost}, and the limit is {limits.cost}."
            return cost, exceeded(f"{message} Ask for fewer fields or shorter lists.")
        if introspection > INTROSPECTION_COST:
            return cost, exceeded("The introspection query is too large. Ask for fewer parts of the schema.")
        # Introspection reads no database, so that it counts only a hundredth towards the rate limit.
        return cost + introspection // 100, None


def _length(size: int | Size, variables: Mapping[str, Any], memo: dict[Any, int]) -> int:
    if isinstance(size, int):
        return size
    length = memo.get(size)
    if length is None:
        length = memo[size] = size.of(variables)
    return length

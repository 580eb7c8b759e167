"""Measures the cost of operations on the schema of the service."""

from typing import Any

from graphql import GraphQLError, parse

from app.engine.cost import OperationCost
from app.engine.limits import Limits
from app.engine.measuring import FieldCosts, Measure
from tests.graphql_schema import SCHEMA

COSTS = FieldCosts(SCHEMA)
# A test lowers the one limit that it is about.
UNLIMITED = Limits(depth=1_000, aliases=10**9, directives=10**9, root_fields=10**9, cost=10**9)


def measure(query: str, limits: Limits = UNLIMITED) -> OperationCost | GraphQLError:
    document = parse(query)
    return Measure(COSTS, document).check(document.definitions[0], limits)  # type: ignore[arg-type]


def cost(query: str, **variables: Any) -> int:
    measured = measure(query)
    assert isinstance(measured, OperationCost), measured
    return measured.cost.value({**measured.defaults, **variables})

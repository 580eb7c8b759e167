"""The limits of one operation: size, depth, aliases, root fields, cost and time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one operation. A fragment counts as often as it is spread.

    `body` is bytes of the HTTP request, and `tokens` are lexical tokens of the document. `depth` is levels of fields.
    `cost` is the maximum sum of the costs of all fields and arguments. A field in a list counts as often as the list
    has items. `values` is the number of values that an answer may have beyond its cost, because a list can be longer
    than it counted. `answer` is the bytes of all JSON documents in an answer. `seconds` is the time of the operation.
    """

    # The settings have the same defaults. The manual lists them.
    body: int = 1_000_000
    tokens: int = 2_000
    depth: int = 12
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    cost: int = 10_000
    values: int = 20_000
    answer: int = 10_000_000
    seconds: float = 10.0

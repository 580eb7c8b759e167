"""The limits of one operation, as values: tokens, depth, aliases, root fields, cost, time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one operation may ask for. Fragments count as often as they are spread.

    `cost` is one for each field, or what the field declares, times the sizes of the lists that it is in, and what its
    arguments cost. `values` is how many values an answer may hold beyond those that were counted, because a list is
    longer than it counts as; `answer` is how many bytes of JSON documents it may hold. `seconds` is how long an
    operation may run. `body` is bytes.
    """

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

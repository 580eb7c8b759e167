"""The error of a search, with the line, the column and a caret. The texts are in the modules that find the mistakes."""

from collections.abc import Sequence

from app.domain.errors import ErrorCode, Refused


class SearchRefused(Refused):
    """A query or a `where` that cannot be searched. For a query, `line` and `column` count from 1."""

    def __init__(
        self, message: str, path: Sequence[str] = ("query",), *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(ErrorCode.INVALID_INPUT, message, path)
        self.line = line
        self.column = column


# Characters of the query that are shown on each side of the error.
_SHOWN = 60


def refused_at(query: str, position: int, problem: str) -> SearchRefused:
    """A refusal that names the line and the column, and shows the place with a caret below it."""
    before = query[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    end = query.find("\n", position)
    whole = query[position - column + 1 : len(query) if end < 0 else end]
    start = max(0, column - 1 - _SHOWN)
    shown = whole[start : column - 1 + _SHOWN]
    caret = " " * (column - 1 - start) + "^"
    message = f"{problem} Line {line}, column {column}:\n{shown}\n{caret}"
    return SearchRefused(message, line=line, column=column)

"""The engine runs operations of any schema that has a small interface."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry

from app.directives import Public
from app.domain.principals import ActorKind, Principal
from app.domain.selections import Selection
from app.engine.execution import Engine
from app.engine.operations import Run
from app.engine.requests import Request

BOOKSELLER = Principal("books", "john", ActorKind.USER, frozenset())


class SoldOutError(Exception):
    pass


@strawberry.type
class Book:
    title: str


@strawberry.type
class Query:
    @strawberry.field(directives=[Public()])
    def shop(self) -> str:
        return "open"

    @strawberry.field
    def book(self, info: strawberry.Info) -> Book:
        info.context.asked.append(info.context.run.selection(info._raw_info))
        return Book(title="Emma")

    @strawberry.field
    def sold_out(self) -> str:
        raise SoldOutError

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("secret")


@dataclass
class Context:
    run: Run
    asked: list[Selection]


@dataclass
class BookSchema:
    graphql: Any = field(default_factory=lambda: strawberry.Schema(query=Query)._schema)
    row_types: tuple[str, ...] = ()
    own_paths: tuple[tuple[str, ...], ...] = (("book",),)
    asked: list[Selection] = field(default_factory=list)

    def new_context(self, run: Run, *_: Any) -> Context:
        return Context(run, self.asked)

    async def identify(self, context: Context, principal: Principal, selection: Selection, is_mutation: bool) -> None:
        self.asked.append(selection)

    def describe_error(self, error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
        return ("It is sold out.", {"code": "SOLD_OUT"}) if isinstance(error, SoldOutError) else None


async def test_engine_runs_a_schema_of_another_service() -> None:
    schema = BookSchema()
    result = await Engine(schema).execute(Request("{ book { title } shop }"), BOOKSELLER)
    assert (result.data, result.errors) == ({"book": {"title": "Emma"}, "shop": "open"}, [])
    # The first call identifies the caller, and the second one is that of the resolver.
    assert schema.asked == [{"title": {}}, {"title": {}}]
    assert [each.name for each in result.root_fields] == ["book", "shop"]


async def test_schema_describes_errors_that_it_knows() -> None:
    [error] = (await Engine(BookSchema()).execute(Request("{ soldOut }"), BOOKSELLER)).errors
    assert (error["message"], error["extensions"]) == ("It is sold out.", {"code": "SOLD_OUT"})


async def test_unknown_error_shows_only_a_trace_id() -> None:
    [error] = (await Engine(BookSchema()).execute(Request("{ broken }"), BOOKSELLER)).errors
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(error)


async def test_request_without_token_runs_public_fields_only() -> None:
    result = await Engine(BookSchema()).execute(Request("{ shop }"), None)
    assert result.data == {"shop": "open"}
    result = await Engine(BookSchema()).execute(Request("{ book { title } }"), None)
    assert (result.data, result.executed, len(result.errors)) == (None, False, 1)


async def test_database_gets_less_time_than_the_operation() -> None:
    seconds: list[float] = []

    class Limited:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    def limit(given: float) -> Any:
        seconds.append(given)
        return Limited()

    await Engine(BookSchema(), time_limit=limit).execute(Request("{ shop }"), None)
    assert seconds == [9.0]

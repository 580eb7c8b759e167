"""Running an operation: the schema, the caller, the answer."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    OperationType,
    Undefined,
    execute,
)
from strawberry import Schema
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig

from app.domain.principals import Principal
from app.schema.authorized import resolve
from app.schema.connections import AuthConnection
from app.schema.context import Context, Services
from app.schema.documents import Documents
from app.schema.errors import request_error, to_json
from app.schema.executor import RowExecutor, read_rows_directly
from app.schema.logs import LogEvent
from app.schema.mutation import Mutation
from app.schema.payloads import InputError, VersionConflictError
from app.schema.query import Query
from app.schema.roles import Role
from app.schema.scalars import SCALARS


class ProfileSchema(Schema):
    """Strawberry's, run on documents that were parsed and validated before."""

    async def run(self, context: Context, variables: dict[str, Any], operation_name: str | None) -> ExecutionResult:
        """Never raises: what a resolver raises becomes an error of its field."""
        assert context.document.document
        result = execute(
            self._schema,
            context.document.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=RowExecutor,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
        )
        return await result if isinstance(result, Awaitable) else result


def build_schema() -> ProfileSchema:
    schema = ProfileSchema(
        query=Query,
        mutation=Mutation,
        types=[AuthConnection, InputError, LogEvent, Role, VersionConflictError],
        config=StrawberryConfig(default_resolver=resolve, scalar_map=SCALARS),
    )
    _leave_out_null_defaults(schema)
    read_rows_directly(schema._schema)
    return schema


def _leave_out_null_defaults(schema: Schema) -> None:
    """An argument that may be left out is printed without `= null`, which would say that null means the same."""
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            arguments: list[Any] = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType):
            arguments = [each for field in type_.fields.values() for each in field.args.values()]
        else:
            continue
        for each in arguments:
            if each.default_value is None:
                each.default_value = Undefined


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, as GraphQL over HTTP has it. `read_only`: no mutation may run."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send. `data` is absent (None, not executed) where the request as a whole failed."""

    errors: list[dict[str, Any]]
    data: dict[str, Any] | None = None
    executed: bool = False
    is_mutation_by_get: bool = False

    def codes(self) -> set[str]:
        return {each["extensions"]["code"] for each in self.errors}


class Engine:
    """Executes requests for callers."""

    def __init__(self, schema: ProfileSchema, services: Services) -> None:
        self._schema = schema
        self._services = services
        self._documents = Documents(schema)

    async def execute(self, request: Request, principal: Principal | None) -> Answer:
        """Never raises for what a caller can cause. `principal` None: no token came."""
        document = self._documents.prepare(request.query)
        if document.errors:
            return Answer([to_json(each) for each in document.errors])
        operation = document.operation(request.operation_name)
        if operation is None:
            return Answer([request_error("BAD_REQUEST", "Say with operationName which operation to run.")])
        if request.read_only and operation.operation is not OperationType.QUERY:
            return Answer([request_error("BAD_REQUEST", "A mutation is sent by POST.")], is_mutation_by_get=True)
        context = Context(self._services, document)
        try:
            if principal is not None:
                selection = document.viewer_selection(operation)
                context.principal, context.viewer = await self._services.callers.identify(principal, selection)
            result = await self._schema.run(context, dict(request.variables or {}), request.operation_name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told by a code alone
            return Answer([to_json(GraphQLError("", original_error=error))])
        errors = [to_json(each) for each in result.errors or []]
        # No data at all and an error without a path: the variables were refused, nothing ran.
        executed = result.data is not None or any("path" in each for each in errors)
        return Answer(errors, result.data, executed)

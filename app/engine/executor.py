"""The executor: graphql-core's, with a faster way to read plain fields and with limits for long answers."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from graphql import ExecutionResult, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, Undefined, execute, is_leaf_type
from graphql.pyutils import gather_with_cancel
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from app.directives import is_public
from app.domain.errors import TimedOut, Unauthenticated
from app.domain.rows import Row
from app.engine.operations import RootField, Run

_JSON = "JSON"
# An operation builds its answer for so long before it lets other operations run.
_SLICE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A field without a resolver that returns a scalar or an enum. `coerce` converts the value for the answer."""

    name: str
    coerce: Callable[[Any], Any]
    is_nullable: bool
    is_json: bool


class RowExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor with three differences.

    It reads leaves without a resolver directly. It measures the time of root fields, and stops them at the deadline. It
    takes JSON documents, and the items of lists beyond their counted length, from the budget of the operation.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._run: Run = self.context_value.run
        # The time at which this operation must let others run. None: no slice has begun.
        self._slice_end: float | None = None
        # Lists of one operation that were interrupted continue one after the other, so that together they get one
        # slice.
        self._slice_lock = asyncio.Lock()

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        # Most fields of an answer are leaves. For each of them, graphql-core would make a path and an info object. That
        # takes longer than reading the value.
        leaf = parent_type.extensions.get(field_details_list[0].node.name.value)
        if type(leaf) is _Leaf:
            try:
                value = source.read(leaf.name) if type(source) is Row else getattr(source, leaf.name)
                if value is None:
                    if leaf.is_nullable:
                        return None
                else:
                    if leaf.is_json:
                        self._run.budget.take_json(value)
                    coerced = leaf.coerce(value)
                    if coerced is not None and coerced is not Undefined:
                        return coerced
            except Exception:  # noqa: BLE001, S110 - read again below, where the error gets its path
                pass
        if path.prev is not None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        name = field_details_list[0].node.name.value
        return self._execute_root_field(parent_type, name, source, field_details_list, path, position_context)

    def _execute_root_field(
        self, parent_type: Any, name: str, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        run, field = self._run, self.schema.get_field(parent_type, name)
        if field is None:
            return Undefined
        refusal: Exception | None = None
        if not run.has_token and not is_public(name, field):
            refusal = Unauthenticated()
        elif run.deadline is not None and asyncio.get_running_loop().time() > run.deadline:
            # A field that has not started has written nothing, so that it is safe to refuse it.
            refusal = TimedOut()
        if refusal is not None:
            # Before the arguments are converted, because that is work.
            self.handle_field_error(refusal, field.type, field_details_list, path)
            return None
        timed = RootField(path.key, parent_type.name, name, perf_counter())
        run.root_fields.append(timed)
        value = super().execute_field(parent_type, source, field_details_list, path, position_context)
        timed.ended = perf_counter()
        if not self.is_awaitable(value):
            return value

        async def in_time() -> Any:
            try:
                async with asyncio.timeout_at(run.deadline):
                    return await value
            except TimeoutError:
                self.handle_field_error(TimedOut(), field.type, field_details_list, path)
                return None
            finally:
                timed.ended = perf_counter()

        return in_time()

    def complete_list_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if type(result) is list:
            self._take_from_budget(result, field_details_list, info.field_name)
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def _take_from_budget(self, items: list[Any], field_details_list: Any, name: str) -> None:
        """Takes the items beyond the counted length of the list from the budget."""
        run = self._run
        found = [run.document.lists.get(id(details.node)) for details in field_details_list]
        counted = [each for each in found if each is not None]
        # The lists of a page have no entry: the arguments of the connection have limited their length.
        if len(counted) < len(found):
            return
        more = len(items) - max(each.length(run.variables) for each in counted)
        if more > 0:
            run.budget.take_items(name, more, 1 + sum(each.item.value(run.variables) for each in counted))

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        if return_type.name == _JSON:
            self._run.budget.take_json(result)
        return super().complete_leaf_value(return_type, result)

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        """Completes a list as graphql-core does, but interrupts it at the end of a time slice."""
        # Without the interruption, one answer with many items would block all other requests of this process.
        results: list[Any] = []
        waiting: list[int] = []
        rest = iter(items)

        def complete_some() -> bool:
            """Completes items until the end of the slice. Returns whether all are completed."""
            for item in rest:
                place = path.add_key(len(results), None)
                if self.complete_list_item_value(
                    item, results, item_type, field_details_list, info, place, position_context
                ):
                    waiting.append(len(results) - 1)
                if self._is_slice_over():
                    return False
            return True

        try:
            is_done = complete_some()
        except Exception:
            self.settle_in_background([results[each] for each in waiting])
            raise
        return results if is_done and not waiting else self._complete_rest(complete_some, is_done, results, waiting)

    async def _complete_rest(
        self, complete_some: Callable[[], bool], is_done: bool, results: list[Any], waiting: list[int]
    ) -> list[Any]:
        try:
            while not is_done:
                async with self._slice_lock:
                    is_done = complete_some()
                    await asyncio.sleep(0)
        except Exception:
            self.settle_in_background([results[each] for each in waiting])
            raise
        found = await gather_with_cancel(*(results[each] for each in waiting))
        for each, value in zip(waiting, found, strict=True):
            results[each] = value
        return results

    def _is_slice_over(self) -> bool:
        now = perf_counter()
        if self._slice_end is None:
            self._slice_end = now + _SLICE_SECONDS
            # The event loop calls this after all other work that is ready: then a new slice may begin.
            asyncio.get_running_loop().call_soon(self._begin_slice)
        return now > self._slice_end

    def _begin_slice(self) -> None:
        self._slice_end = None


async def run_operation(
    schema: GraphQLSchema,
    run: Run,
    context: Any,
    variables: dict[str, Any],
    operation_name: str | None,
    hide_suggestions: bool = False,
) -> ExecutionResult:
    """Runs an operation of a valid document. An exception of a resolver becomes an error of its field.

    `context.run` must be `run`.
    """
    assert run.document.document
    result = execute(
        schema,
        run.document.document,
        context_value=context,
        variable_values=variables,
        operation_name=operation_name,
        hide_suggestions=hide_suggestions,
        executor_class=RowExecutor,
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
    )
    return await result if isinstance(result, Awaitable) else result


def read_leaves_directly(schema: GraphQLSchema, row_types: Collection[str]) -> None:
    """Prepares the types of the schema for RowExecutor. Call it once, before the first operation."""
    # The types are changed in place: their extensions get the leaves by name, and plain fields of rows a short
    # resolver.
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                definition: StrawberryField | None = field.extensions.get("strawberry-definition")
                if definition is not None and definition.is_basic_field:
                    if type_.name in row_types:
                        field.resolve = _reader(definition.python_name)
                    type_.extensions.update(_leaf(name, definition.python_name, field.type))


def _leaf(name: str, python_name: str, type_: Any) -> dict[str, _Leaf]:
    is_nullable = not isinstance(type_, GraphQLNonNull)
    leaf_type = type_ if is_nullable else type_.of_type
    if not is_leaf_type(leaf_type):
        return {}
    return {name: _Leaf(python_name, leaf_type.coerce_output_value, is_nullable, leaf_type.name == _JSON)}


def _reader(name: str) -> Callable[..., Any]:
    def read(row: Any, _: Any) -> Any:
        return row.read(name)

    return read

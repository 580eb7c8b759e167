"""Runs one GraphQL request: finds the document, checks the limits, identifies the caller, and executes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any

from graphql import GraphQLError, OperationType

from app.domain.errors import RateLimited, TimedOut, Unauthenticated
from app.domain.principals import ActorKind, Principal
from app.domain.rates import Rate, RateCounter
from app.engine.budget import Budget
from app.engine.documents import Document, Documents, Operation
from app.engine.errors import request_error, to_json
from app.engine.executor import read_leaves_directly, run_operation
from app.engine.limits import Limits
from app.engine.operations import ExecutableSchema, Run
from app.engine.requests import OperationResult, Request
from app.engine.trusted_documents import Trust
from app.engine.variables import check_text

# The cost that one unit of a rate limit pays for. The most expensive operation takes 100 units.
COST_UNIT = 100
# The cost of a request that runs no operation. Parsing and measuring it is work, so that it must not be free.
REFUSED_COST = 1_000


def _no_limit(_: float) -> AbstractContextManager[None]:
    return nullcontext()


class Engine:
    """Runs the GraphQL requests of callers, within the limits."""

    def __init__(
        self,
        schema: ExecutableSchema,
        limits: Limits | None = None,
        rates: RateCounter | None = None,
        trust: Trust | None = None,
        introspection: bool = True,
        time_limit: Callable[[float], AbstractContextManager[None]] = _no_limit,
    ) -> None:
        """Raises GraphQLError when a trusted document is not valid.

        Without `rates` there is no rate limit. Without `introspection`, clients cannot read the schema, and errors
        suggest no names. `time_limit(seconds)` limits the database commands inside of the context that it returns.
        """
        self._schema = schema
        self._graphql = schema.graphql
        read_leaves_directly(self._graphql, schema.row_types)
        self._limits = limits or Limits()
        self._rates = rates
        self._introspection = introspection
        self._time_limit = time_limit
        self._mode = trust.mode if trust else "off"
        self.documents = Documents(self._graphql, self._limits, trust.documents if trust else {}, introspection)

    async def execute(self, request: Request, principal: Principal | None) -> OperationResult:
        """Returns the result, also for every failure. `principal` is None for a request without a token."""
        try:
            return await self._execute(request, principal)
        except RateLimited as error:
            return OperationResult([self._describe(error)], rate=error.rate)
        except Exception as error:  # noqa: BLE001 - the client gets a code, and the log the details
            return OperationResult([self._describe(error)])

    async def _execute(self, request: Request, principal: Principal | None) -> OperationResult:
        if self._rates is not None:
            # Before the document is parsed: parsing is work, and a caller without units left must not cause it.
            self._rates.check(_rate_key(request.client_network, principal))
        found = self._find_operation(request, principal is not None)
        if isinstance(found, OperationResult):
            return await self.refuse(found, request.client_network, principal)
        document, operation = found
        if principal is None and operation.cost.needs_token:
            # Before the variables are looked at: they may be large, and this caller cannot run the operation.
            refused = OperationResult([self._describe(Unauthenticated())])
            return await self.refuse(refused, request.client_network, principal, COST_UNIT)
        variables = dict(request.variables or {})
        cost, excess = operation.cost.check(self._limits, variables)
        result = OperationResult([], operation=operation, cost=cost)
        try:
            # An operation that exceeds a limit does not run. It counts as a refused request, not with its own cost.
            charged = cost if excess is None else REFUSED_COST
            result.rate = await self._count(request.client_network, principal, charged)
            if excess is not None:
                raise excess
            check_text(self._graphql, operation.node, variables)
            await self._run(result, request, document, principal, variables)
        except RateLimited as error:
            result.errors, result.rate = [self._describe(error)], error.rate
        except Exception as error:  # noqa: BLE001 - the client gets a code, and the log the details
            result.errors = [self._describe(error)]
        return result

    def _find_operation(self, request: Request, has_token: bool) -> tuple[Document, Operation] | OperationResult:
        """Returns the document and the operation to run, or a result with the reason why there is none."""
        document = self._document(request, has_token)
        if isinstance(document, OperationResult):
            return document
        operation = document.operation(request.operation_name)
        if operation is None:
            message = "operationName must be the name of an operation of the document."
            return OperationResult([request_error("BAD_REQUEST", message)])
        if request.read_only and operation.type is not OperationType.QUERY:
            return OperationResult([request_error("BAD_REQUEST", "Send mutations by POST.")], is_mutation_by_get=True)
        return document, operation

    def _document(self, request: Request, has_token: bool) -> Document | OperationResult:
        """Returns the document to run, or a result with the reason why there is none."""
        if request.document_id is not None:
            trusted = self.documents.trusted(request.document_id) if self._mode != "off" else None
            if trusted is None:
                return OperationResult(
                    [request_error("PERSISTED_DOCUMENT_NOT_FOUND", "This service has no document with this id.")]
                )
            return trusted
        if self._mode == "require":
            message = "This service runs only trusted documents. Send a documentId."
            return OperationResult([request_error("PERSISTED_DOCUMENT_REQUIRED", message)])
        document = self.documents.prepare(request.query or "", has_token)
        return OperationResult([self._describe(each) for each in document.errors]) if document.errors else document

    async def refuse(
        self, result: OperationResult, ip: str | None, principal: Principal | None, cost: int = REFUSED_COST
    ) -> OperationResult:
        """Counts a request that runs no operation, and sets `result.rate`. Raises RateLimited."""
        result.rate = await self._count(ip, principal, cost)
        return result

    async def _count(self, ip: str | None, principal: Principal | None, cost: int) -> Rate | None:
        """Takes the units for this cost, rounded up, at least one. Raises RateLimited when too few are left."""
        if self._rates is None:
            return None
        return await self._rates.hit(_rate_key(ip, principal), -(-cost // COST_UNIT) or 1)

    async def _run(
        self,
        result: OperationResult,
        request: Request,
        document: Document,
        principal: Principal | None,
        variables: dict[str, Any],
    ) -> None:
        assert result.operation
        operation, seconds = result.operation, self._limits.seconds
        budget = Budget(self._limits.values, self._limits.answer)
        run = Run(document, {**operation.cost.defaults, **variables}, budget, principal is not None)
        context = self._schema.new_context(run, request.source, request.client_network, result.rate)
        try:
            # The time limit of the database is a little shorter than that of the operation. So the database stops
            # first, and does no work after the answer was sent.
            with self._time_limit(max(seconds / 2, seconds - 1)):
                run.deadline = asyncio.get_running_loop().time() + seconds
                if principal is not None:
                    async with asyncio.timeout_at(run.deadline):
                        await self._identify(result, context, document, principal)
                # There is no time limit around this call. Each root field ends in time by itself, so that the answer
                # still has the results of the other root fields, which may have written something.
                answer = await run_operation(
                    self._graphql, run, context, variables, operation.name, not self._introspection
                )
        except TimeoutError:
            raise TimedOut from None
        result.root_fields, result.warnings = run.root_fields, run.warnings
        result.errors = [self._describe(each) for each in answer.errors or []]
        result.data = answer.data
        # Without data, and without an error that has a path, the variables were refused and nothing ran.
        result.executed = answer.data is not None or any("path" in each for each in result.errors)

    async def _identify(self, result: OperationResult, context: Any, document: Document, principal: Principal) -> None:
        assert result.operation
        began = perf_counter()
        selection = document.selection_at(result.operation.node, self._schema.own_paths)
        is_mutation = result.operation.type is OperationType.MUTATION
        await self._schema.identify(context, principal, selection, is_mutation)
        if principal.kind is ActorKind.USER:
            result.identified_in = perf_counter() - began

    def _describe(self, error: Exception) -> dict[str, Any]:
        known = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
        return to_json(known, self._schema.describe_error)


def _rate_key(ip: str | None, principal: Principal | None) -> str:
    """Returns the name under which the rate limit counts: the caller, or without a token the network."""
    if principal is None:
        return f"ip:{ip}"
    return f"{principal.tenant}/{principal.connection}/{principal.subject}"

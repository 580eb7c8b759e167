"""One GraphQL request from text to result: finds the document, checks the limits, identifies the caller, executes."""

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

# What one unit of a rate limit pays for; the most that one operation may cost takes a hundred.
COST_UNIT = 100
# Finding out that a document can't be run is work too.
REFUSED_COST = 1_000


def _no_limit(_: float) -> AbstractContextManager[None]:
    return nullcontext()


class Engine:
    """Executes requests for callers."""

    def __init__(
        self,
        schema: ExecutableSchema,
        limits: Limits | None = None,
        rates: RateCounter | None = None,
        trust: Trust | None = None,
        introspection: bool = True,
        time_limit: Callable[[float], AbstractContextManager[None]] = _no_limit,
    ) -> None:
        """GraphQLError where a trusted document can't be run. Without `rates` nobody is counted.

        Without `introspection` clients learn no names of the schema that they do not know. `time_limit` limits how many
        seconds the database may take for what is asked of it inside.
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
        """Never raises for what a caller can cause. `principal` None: no token came."""
        try:
            return await self._execute(request, principal)
        except RateLimited as error:
            return OperationResult([self._describe(error)], rate=error.rate)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told by a code alone
            return OperationResult([self._describe(error)])

    async def _execute(self, request: Request, principal: Principal | None) -> OperationResult:
        if self._rates is not None:
            # Parsing a document is work: not for a caller that has nothing left.
            self._rates.check(_counted_as(request.client_network, principal))
        found = self._find(request, principal is not None)
        if isinstance(found, OperationResult):
            return await self.refuse(found, request.client_network, principal)
        document, operation = found
        if principal is None and operation.cost.needs_token:
            # Before anything is done for the operation: its variables may be large.
            refused = OperationResult([self._describe(Unauthenticated())])
            return await self.refuse(refused, request.client_network, principal, COST_UNIT)
        variables = dict(request.variables or {})
        cost, excess = operation.cost.check(self._limits, variables)
        result = OperationResult([], operation=operation, cost=cost)
        try:
            # What is refused does not run, whatever it would have cost.
            charged = cost if excess is None else REFUSED_COST
            result.rate = await self._count(request.client_network, principal, charged)
            if excess is not None:
                raise excess
            check_text(self._graphql, operation.node, variables)
            await self._run(result, request, document, principal, variables)
        except RateLimited as error:
            result.errors, result.rate = [self._describe(error)], error.rate
        except Exception as error:  # noqa: BLE001 - likewise
            result.errors = [self._describe(error)]
        return result

    def _find(self, request: Request, has_token: bool) -> tuple[Document, Operation] | OperationResult:
        """The operation to run, or why there is none."""
        document = self._document(request, has_token)
        if isinstance(document, OperationResult):
            return document
        operation = document.operation(request.operation_name)
        if operation is None:
            return OperationResult([request_error("BAD_REQUEST", "Say with operationName which operation to run.")])
        if request.read_only and operation.type is not OperationType.QUERY:
            return OperationResult(
                [request_error("BAD_REQUEST", "A mutation is sent by POST.")], is_mutation_by_get=True
            )
        return document, operation

    def _document(self, request: Request, has_token: bool) -> Document | OperationResult:
        """The document to run, or why there is none."""
        if request.document_id is not None:
            trusted = self.documents.trusted(request.document_id) if self._mode != "off" else None
            if trusted is None:
                return OperationResult(
                    [request_error("PERSISTED_DOCUMENT_NOT_FOUND", "There is no document with this id.")]
                )
            return trusted
        if self._mode == "require":
            message = "Only trusted documents are run here: send a documentId."
            return OperationResult([request_error("PERSISTED_DOCUMENT_REQUIRED", message)])
        document = self.documents.prepare(request.query or "", has_token)
        return OperationResult([self._describe(each) for each in document.errors]) if document.errors else document

    async def refuse(
        self, result: OperationResult, ip: str | None, principal: Principal | None, cost: int = REFUSED_COST
    ) -> OperationResult:
        """Counts a request that runs no operation, and says in `result` what is left. Raises RateLimited."""
        result.rate = await self._count(ip, principal, cost)
        return result

    async def _count(self, ip: str | None, principal: Principal | None, cost: int) -> Rate | None:
        """Raises RateLimited when the caller has nothing left. One is counted for each COST_UNIT begun."""
        if self._rates is None:
            return None
        return await self._rates.hit(_counted_as(ip, principal), -(-cost // COST_UNIT) or 1)

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
            # The database gives up first, so that it does no work that nobody waits for and its error is the answer.
            with self._time_limit(max(seconds / 2, seconds - 1)):
                run.deadline = asyncio.get_running_loop().time() + seconds
                if principal is not None:
                    async with asyncio.timeout_at(run.deadline):
                        await self._identify(result, context, document, principal)
                # Each root field ends in time: what the others did, and may have written, is still answered.
                answer = await run_operation(
                    self._graphql, run, context, variables, operation.name, not self._introspection
                )
        except TimeoutError:
            raise TimedOut from None
        result.root_fields = run.root_fields
        result.errors = [self._describe(each) for each in answer.errors or []]
        result.data = answer.data
        # No data at all and an error without a path: the variables were refused, nothing ran.
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


def _counted_as(ip: str | None, principal: Principal | None) -> str:
    """Who is counted: a principal, or an IP address."""
    if principal is None:
        return f"ip:{ip}"
    return f"{principal.tenant}/{principal.connection}/{principal.subject}"

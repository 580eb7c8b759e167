"""Running an operation: the caller, the limits, the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry import Schema

from app.domain.errors import RateLimited, TimedOut, Unauthenticated
from app.domain.principals import ActorKind, Principal
from app.domain.rates import Rate
from app.engine.budget import Budget
from app.engine.documents import Document, Documents, Operation
from app.engine.executor import read_leaves_directly, run_operation
from app.engine.limits import Limits
from app.engine.trusted_documents import Trust
from app.engine.variables import check_text
from app.schema.context import Context, RootField, Services
from app.schema.errors import request_error, to_json
from app.services.tickets import Source
from app.store.database import time_limit
from app.store.rates import Rates

# What one unit of a rate limit pays for; the most that one operation may cost takes a hundred.
COST_UNIT = 100
# Finding out that a document can't be run is work too.
REFUSED_COST = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, as GraphQL over HTTP has it: `query`, or the id of a trusted document.

    `read_only`: no mutation may run. `source` is where it came from; `client_network` counts as one caller.
    """

    query: str | None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    read_only: bool = False
    document_id: str | None = None
    client_network: str | None = None
    source: Source = field(default_factory=Source)


@dataclass(slots=True)
class Answer:
    """What to send. `data` is absent (None, not executed) where the request as a whole failed.

    The rest is for who watches: which `operation` ran (a caller's word), what it cost, what its root fields took, how
    long finding the caller took, and what the caller has left.
    """

    errors: list[dict[str, Any]]
    data: dict[str, Any] | None = None
    executed: bool = False
    is_mutation_by_get: bool = False
    operation: Operation | None = None
    cost: int = 0
    rate: Rate | None = None
    identified_in: float = 0.0
    root_fields: Sequence[RootField] = ()

    def codes(self) -> set[str]:
        return {each["extensions"]["code"] for each in self.errors}


class Engine:
    """Executes requests for callers."""

    def __init__(
        self,
        schema: Schema,
        services: Services,
        limits: Limits | None = None,
        rates: Rates | None = None,
        trust: Trust | None = None,
        anonymous_rates: Rates | None = None,
        introspection: bool = True,
    ) -> None:
        """GraphQLError where a trusted document can't be run. Without `rates` nobody is counted. `anonymous_rates`
        counts operations without a token. Without `introspection` clients learn no names of the schema that they do
        not know.
        """
        self._schema = schema._schema
        read_leaves_directly(self._schema)
        self._services = services
        self._limits = limits or Limits()
        self._rates = rates
        self._anonymous_rates = anonymous_rates
        self._introspection = introspection
        self._mode = trust.mode if trust else "off"
        self.documents = Documents(schema, self._limits, trust.documents if trust else {}, introspection)

    async def execute(self, request: Request, principal: Principal | None) -> Answer:
        """Never raises for what a caller can cause. `principal` None: no token came."""
        try:
            return await self._execute(request, principal)
        except RateLimited as error:
            return Answer([to_json(GraphQLError("", original_error=error))], rate=error.rate)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told by a code alone
            return Answer([to_json(GraphQLError("", original_error=error))])

    async def _execute(self, request: Request, principal: Principal | None) -> Answer:
        if self._rates is not None:
            # Parsing a document is work: not for a caller that has nothing left.
            self._rates.check(_counted_as(request.client_network, principal))
        found = self._find(request, principal is not None)
        if isinstance(found, Answer):
            return await self.refuse(found, request.client_network, principal)
        document, operation = found
        if principal is None and operation.cost.needs_token:
            # Before anything is done for the operation: its variables may be large.
            answer = Answer([to_json(GraphQLError("", original_error=Unauthenticated()))])
            return await self.refuse(answer, request.client_network, principal, COST_UNIT)
        variables = dict(request.variables or {})
        cost, excess = operation.cost.check(self._limits, variables)
        answer = Answer([], operation=operation, cost=cost)
        try:
            # What is refused does not run, whatever it would have cost.
            charged = cost if excess is None else REFUSED_COST
            answer.rate = await self._count(request.client_network, principal, charged)
            if excess is not None:
                raise excess
            check_text(self._schema, operation.node, variables)
            await self._run(answer, self._context(request, document, operation, answer.rate), principal, variables)
        except GraphQLError as error:
            answer.errors = [to_json(error)]
        except RateLimited as error:
            answer.errors, answer.rate = [to_json(GraphQLError("", original_error=error))], error.rate
        except Exception as error:  # noqa: BLE001 - likewise
            answer.errors = [to_json(GraphQLError("", original_error=error))]
        return answer

    def _context(self, request: Request, document: Document, operation: Operation, rate: Rate | None) -> Context:
        return Context(
            self._services,
            document,
            {**operation.cost.defaults, **(request.variables or {})},
            budget=Budget(self._limits.values, self._limits.answer),
            rate=rate,
            source=request.source,
            client_network=request.client_network,
            anonymous_rates=self._anonymous_rates,
        )

    def _find(self, request: Request, has_token: bool) -> tuple[Document, Operation] | Answer:
        """The operation to run, or why there is none."""
        document = self._document(request, has_token)
        if isinstance(document, Answer):
            return document
        operation = document.operation(request.operation_name)
        if operation is None:
            return Answer([request_error("BAD_REQUEST", "Say with operationName which operation to run.")])
        if request.read_only and operation.type is not OperationType.QUERY:
            return Answer([request_error("BAD_REQUEST", "A mutation is sent by POST.")], is_mutation_by_get=True)
        return document, operation

    def _document(self, request: Request, has_token: bool) -> Document | Answer:
        """The document to run, or why there is none."""
        if request.document_id is not None:
            trusted = self.documents.trusted(request.document_id) if self._mode != "off" else None
            if trusted is None:
                return Answer([request_error("PERSISTED_DOCUMENT_NOT_FOUND", "There is no document with this id.")])
            return trusted
        if self._mode == "require":
            message = "Only trusted documents are run here: send a documentId."
            return Answer([request_error("PERSISTED_DOCUMENT_REQUIRED", message)])
        document = self.documents.prepare(request.query or "", has_token)
        return Answer([to_json(each) for each in document.errors]) if document.errors else document

    async def refuse(
        self, answer: Answer, client_network: str | None, principal: Principal | None, cost: int = REFUSED_COST
    ) -> Answer:
        """Counts a request that runs no operation, and says in `answer` what is left. Raises RateLimited."""
        answer.rate = await self._count(client_network, principal, cost)
        return answer

    async def _count(self, client_network: str | None, principal: Principal | None, cost: int) -> Rate | None:
        """Raises RateLimited when the caller has nothing left. One is counted for each COST_UNIT begun."""
        if self._rates is None:
            return None
        return await self._rates.hit(_counted_as(client_network, principal), -(-cost // COST_UNIT) or 1)

    async def _run(
        self, answer: Answer, context: Context, principal: Principal | None, variables: dict[str, Any]
    ) -> None:
        assert answer.operation
        seconds = self._limits.seconds
        try:
            # The database gives up first, so that it does no work that nobody waits for and its error is the answer.
            with time_limit(max(seconds / 2, seconds - 1)):
                context.deadline = asyncio.get_running_loop().time() + seconds
                if principal is not None:
                    async with asyncio.timeout_at(context.deadline):
                        await self._identify(answer, context, principal)
                # Each root field ends in time: what the others did, and may have written, is still answered.
                result = await run_operation(
                    self._schema, context, variables, answer.operation.name, not self._introspection
                )
        except TimeoutError:
            raise TimedOut from None
        answer.root_fields = context.root_fields
        answer.errors = [to_json(each) for each in result.errors or []]
        answer.data = result.data
        # No data at all and an error without a path: the variables were refused, nothing ran.
        answer.executed = result.data is not None or any("path" in each for each in answer.errors)

    async def _identify(self, answer: Answer, context: Context, principal: Principal) -> None:
        assert answer.operation
        began = perf_counter()
        selection = context.document.viewer_selection(answer.operation.node)
        context.principal, context.viewer = await self._services.callers.identify(principal, selection)
        if principal.kind is ActorKind.USER:
            answer.identified_in = perf_counter() - began


def _counted_as(client_network: str | None, principal: Principal | None) -> str:
    """Who is counted: a principal, or the network of the client."""
    if principal is None:
        return f"ip:{client_network}"
    return f"{principal.tenant}/{principal.connection}/{principal.subject}"

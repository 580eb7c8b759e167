"""Makes mutations from use cases: prints the rule, builds the payload, and turns refusals into errors."""

from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Annotated, Any

import strawberry

from app.domain.errors import Refused
from app.schema.authorized import authorized
from app.schema.context import Context, Info
from app.schema.payloads import Payload
from app.services.use_cases import rule_of

Write = Callable[[Context, Any], Awaitable[Any]]
INPUT = strawberry.argument(description="The values of the mutation. The input type describes each field.")


def mutation(
    payload: type[Payload], description: str, use_case: Callable[..., Any] | None = None, *directives: object
) -> Callable[[Write], Any]:
    """Makes a field of Mutation from a function that takes the context and the input, and that runs the use case.

    A refusal becomes an error in the payload. `use_case` is the method that the function calls: its rule is printed.
    `use_case` is None for a mutation that needs no token.
    """

    def wrap(write: Write) -> Any:
        async def resolve(info: Info, input: Any) -> Any:
            # Only refusals of the input go into the payload. Missing scopes, limits and faults stay top-level errors,
            # which a client can handle in one place for all mutations.
            try:
                written = await write(info.context, input)
            except Refused as refusal:
                return await payload.after(info, refusal)
            return await payload.of(info, written)

        input_type = signature(write).parameters["input"].annotation
        resolve.__name__ = write.__name__
        # Strawberry reads the types of the field here. The function itself is the same for all mutations.
        # The payload is nullable: a top-level error of one mutation must not remove the results of the others.
        argument = Annotated[input_type, INPUT]  # type: ignore[valid-type]
        resolve.__annotations__ = {"info": Info, "input": argument, "return": payload | None}
        rules = [] if use_case is None else [authorized(rule_of(use_case))]
        return strawberry.mutation(resolver=resolve, description=description, directives=[*rules, *directives])

    return wrap

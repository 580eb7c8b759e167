"""How a use case becomes a mutation: its rule as a directive, its payload, and its errors."""

from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any

import strawberry

from app.domain.errors import Refused
from app.schema.authorized import authorized
from app.schema.context import Context, Info
from app.schema.payloads import Payload
from app.services.use_cases import rule_of

Write = Callable[[Context, Any], Awaitable[Any]]


def mutation(
    payload: type[Payload], description: str, use_case: Callable[..., Any] | None = None, *directives: object
) -> Callable[[Write], Any]:
    """A field of Mutation from a function of the context and the input, which runs the use case.

    A refusal becomes an error in the payload. `use_case` is the method that the function calls, whose rule is printed.
    It is None for what needs no token.
    """

    def wrap(write: Write) -> Any:
        async def resolve(info: Info, input: Any) -> Any:
            try:
                written = await write(info.context, input)
            except Refused as refusal:
                return await payload.after(info, refusal)
            return await payload.of(info, written)

        input_type = signature(write).parameters["input"].annotation
        resolve.__name__ = write.__name__
        resolve.__annotations__ = {"info": Info, "input": input_type, "return": payload | None}
        rules = [] if use_case is None else [authorized(rule_of(use_case))]
        return strawberry.mutation(resolver=resolve, description=description, directives=[*rules, *directives])

    return wrap

"""The mutation saveLoginRule."""

import strawberry

from app.schema.context import Context
from app.schema.inputs import WriteInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type
from app.schema.types.login_rules import LoginRuleObject
from app.services.connections import Connections


@write_input("The login rule to switch on or off.")
class SaveLoginRuleInput(WriteInput):
    name: str = strawberry.field(description="The `LoginRule.name`.")
    enabled: bool = strawberry.field(description="Whether the rule runs for this tenant.")


@payload_type("The result of `saveLoginRule`.")
class LoginRulePayload(Payload):
    # Without `kind`: the use case returns the login rule itself, because it is not a record that could be read again.
    has_current = True
    login_rule: LoginRuleObject | None = strawberry.field(
        default=None,
        description="The login rule after the change. After VERSION_CONFLICT: the current login rule. null after any"
        " other error.",
    )


@mutation(LoginRulePayload, "Switches a login rule on or off for this tenant.", Connections.enable_rule)
async def save_login_rule(context: Context, input: SaveLoginRuleInput) -> object:
    connections = context.services.connections
    return await connections.enable_rule(context.principal, input.name, input.enabled, input.condition())

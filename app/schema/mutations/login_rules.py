"""Switching login rules on and off."""

from app.schema.context import Context
from app.schema.inputs import WriteInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type
from app.schema.types.login_rules import LoginRuleObject
from app.services.connections import Connections


@write_input("Whether a login rule runs.")
class SaveLoginRuleInput(WriteInput):
    name: str
    enabled: bool


@payload_type("The rule after the write. null when there is an error, except for VERSION_CONFLICT.")
class LoginRulePayload(Payload):
    has_current = True
    login_rule: LoginRuleObject | None = None


@mutation(LoginRulePayload, "Switches a login rule on or off.", Connections.enable_rule)
async def save_login_rule(context: Context, input: SaveLoginRuleInput) -> object:
    connections = context.services.connections
    return await connections.enable_rule(context.principal, input.name, input.enabled, input.condition())

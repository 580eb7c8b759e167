"""The type LoginRule."""

import strawberry


# Not a row: a login rule is installed Python code. Only `enabled` and `version` are stored.
@strawberry.type(
    name="LoginRule",
    description="A small function that runs in each login, before the profile is written. The operator installs rules,"
    " and `saveLoginRule` switches them on and off for a tenant.",
)
class LoginRuleObject:
    name: str = strawberry.field(description="The unique name, such as move-user-metadata-to-root-attributes.")
    title: str = strawberry.field(description="What the rule does, in words for people.")
    enabled: bool = strawberry.field(description="Whether the rule runs for this tenant.")
    version: int = strawberry.field(
        description="1 until `enabled` is changed for the first time, and 1 more after each change. Send it as"
        " `ifVersion`, so that you do not overwrite a change of somebody else."
    )

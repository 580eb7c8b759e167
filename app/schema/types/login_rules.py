"""Login rules."""

import strawberry


@strawberry.type(
    name="LoginRule", description="A small function that is run in each login, before the profile is written."
)
class LoginRuleObject:
    name: str
    title: str
    enabled: bool = strawberry.field(description="Whether it runs for this tenant.")
    version: int = strawberry.field(
        description="1 until it is changed for the first time, one more after each change. Give it back as `ifVersion`"
        " to refuse a lost update."
    )

"""The callers of the matrix, the sets of scopes that they try, and the tenants that they call."""

from dataclasses import dataclass

from app.domain.scopes import Scope
from app.domain.users import User
from tests.schema.matrix.table import TABLE, alternatives
from tests.world import World


@dataclass(frozen=True)
class Caller:
    name: str
    is_user: bool = False
    is_self: bool = False
    is_in_tenant: bool = True


SELF, OTHER, APPLICATION = (
    Caller("self", is_user=True, is_self=True),
    Caller("other", is_user=True),
    Caller("application"),
)
FOREIGN_USER = Caller("user of another tenant", is_user=True, is_in_tenant=False)
FOREIGN_APPLICATION = Caller("application of another tenant", is_in_tenant=False)
CALLERS = (SELF, OTHER, APPLICATION, FOREIGN_USER, FOREIGN_APPLICATION)

# Scopes that allow to read the profile that a field belongs to.
PARENT_SCOPES: list[frozenset[str]] = [frozenset(), frozenset({"read:users"}), frozenset({"read:current_user"})]
# Each scope alone and with PARENT_SCOPES, the combinations that the table contains, none, and all.
SCOPE_SETS = sorted(
    {parent | {str(scope)} for scope in Scope for parent in PARENT_SCOPES}
    | {frozenset(), frozenset(map(str, Scope)), frozenset({"read:roles", "read:users"})},
    key=sorted,
)
# The payload of a write shows its fields to callers with read:users. read:current_user makes no difference.
WRITING_SETS = [each for each in SCOPE_SETS if "read:current_user" not in each or len(each) == 1]


def scope_sets_for(caller: Caller, scope_sets: list[frozenset[str]]) -> list[frozenset[str]]:
    """Returns the sets that the caller tries. Callers of another tenant try no combinations, which make no difference there."""
    if caller.is_in_tenant:
        return scope_sets
    return [each for each in scope_sets if len(each) < 2 or len(each) == len(Scope)]


def may(field: str, caller: Caller, scopes: frozenset[str], is_self: bool | None = None) -> bool:
    """Returns whether the table allows the field to the caller. `is_self` replaces `caller.is_self`."""
    general, own = (alternatives(each) for each in TABLE[field])
    is_self = caller.is_self if is_self is None else is_self
    if is_self and own == []:
        return False
    allowed = (general or []) + ((own or []) if is_self else [])
    return any(set(each) <= scopes for each in allowed)


@dataclass
class Tenants:
    """A tenant with John and Jane, and another tenant, which has its own John. All operations are about the first John."""

    world: World
    foreign: World
    john: User
    jane: User

    def token(self, caller: Caller, scopes: frozenset[str]) -> str:
        world = self.world if caller.is_in_tenant else self.foreign
        if not caller.is_user:
            return world.application_token(sorted(scopes))
        return world.user_token(self.jane if caller is OTHER else self.john, sorted(scopes))

"""The callers of the policy tests: a user with a profile and a linked account, and an application."""

from app.domain.ids import Key
from app.domain.principals import ActorKind, Principal

# `_id`s of profiles. LINKED is a second account of the user whose profile is OWN.
OWN, LINKED, OTHER = Key("own"), Key("linked"), Key("other")


def user(*scopes: str, auth_time: float | None = None) -> Principal:
    return Principal(
        "t", "auth0|john", ActorKind.USER, frozenset(scopes), profile=OWN, linked=(LINKED,), auth_time=auth_time
    )


def user_without_profile(*scopes: str) -> Principal:
    """A user whose token is valid but who has no profile yet."""
    return Principal("t", "auth0|new", ActorKind.USER, frozenset(scopes))


def application(*scopes: str) -> Principal:
    return Principal("t", "support@clients", ActorKind.APPLICATION, frozenset(scopes))

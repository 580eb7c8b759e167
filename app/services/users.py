"""Lookup of a user by `user_id`, identity, e-mail address, username or phone number."""

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import And, Eq, Filter
from app.domain.identifiers import NAMED_BY_IDENTIFIER, email_key, fold, subject_key
from app.domain.principals import Principal
from app.policy.rules import authenticated
from app.store.snapshots import Snapshots


class UserLookup:
    """What `UserBy` comes to as a filter."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def by_identity(
        self, principal: Principal | None, provider: str, user_id: str, connection: str | None
    ) -> Filter:
        """A social provider's account is known by provider and id; any other's by its connection too.

        Without one, all connections of the provider are looked in. Refused where there is more than one.
        """
        tenant = authenticated(principal).tenant
        if connection is not None or kind_of(provider) is AuthConnectionKind.SOCIAL:
            return Eq("keys", subject_key(provider, connection or "", user_id))
        known = await self._snapshots.connections(tenant)
        names = [name for name, each in known.items() if each.strategy == provider]
        if len(names) > 1:
            message = f"There are several connections of {provider}: say which."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("by", "identity", "connection"))
        return Eq("keys", subject_key(provider, names[0] if names else "", user_id))

    async def by_email(self, principal: Principal | None, email: str, connection: str) -> Filter:
        """Without regard to case. Where accounts are a provider's, an address names none of them: it is looked for."""
        known = (await self._snapshots.connections(authenticated(principal).tenant)).get(connection)
        if known is None or known.kind in NAMED_BY_IDENTIFIER:
            return Eq("keys", email_key(connection, email))
        return And((Eq("email_folded", fold(email)), Eq("identities.0.connection", connection)))

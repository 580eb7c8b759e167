"""Lookup of a user by `user_id`, identity, e-mail address, username or phone number."""

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import And, Eq, Filter
from app.domain.identifiers import KINDS_WITH_IDENTIFIERS, email_key, fold, subject_key
from app.domain.principals import Principal
from app.policy.rules import authenticated
from app.store.snapshots import Snapshots


class UserLookup:
    """Turns each kind of `UserBy` that needs the connections of the tenant into a filter."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def by_identity(
        self, principal: Principal | None, provider: str, user_id: str, connection: str | None
    ) -> Filter:
        """Returns the filter for an identity. `connection` may be None for a provider with one connection.

        Raises Unauthenticated, and Refused with INVALID_INPUT when the provider has several connections and none is
        given.
        """
        tenant = authenticated(principal).tenant
        # The id of a social account is unique at its provider, in whichever connection the user signed in.
        if connection is not None or kind_of(provider) is AuthConnectionKind.SOCIAL:
            return Eq("keys", subject_key(provider, connection or "", user_id))
        known = await self._snapshots.connections(tenant)
        names = [name for name, each in known.items() if each.strategy == provider]
        if len(names) > 1:
            message = f"{provider} has several connections. Set connection to one of them."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("by", "identity", "connection"))
        return Eq("keys", subject_key(provider, names[0] if names else "", user_id))

    async def by_email(self, principal: Principal | None, email: str, connection: str) -> Filter:
        """Returns the filter for an e-mail address in a connection. Upper and lower case are equal.

        Raises Unauthenticated.
        """
        known = (await self._snapshots.connections(authenticated(principal).tenant)).get(connection)
        if known is None or known.kind in KINDS_WITH_IDENTIFIERS:
            return Eq("keys", email_key(connection, email))
        # Accounts of an external provider have no unique e-mail address, so several profiles can match.
        return And((Eq("email_folded", fold(email)), Eq("identities.0.connection", connection)))

"""Profiles and events that are not stored yet."""

from dataclasses import replace
from typing import Any

from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.times import now
from app.domain.users import AttributeSource, Identity, Provenance, User
from app.store.database import new_id

NOW = now()


def new_user(handle: str = "john", tenant: str = "t", **fields: Any) -> User:
    identity = Identity(provider="auth0", connection="db", user_id=handle, profile_data='{"a.b":1}')
    user = User(
        id=new_id(),
        tenant=tenant,
        user_id=f"auth0|{handle}",
        name="Jöhn STRASSE",
        email=f"{handle}@Example.COM",
        provenance={"name": Provenance(AttributeSource.IDP, NOW, "db")},
        user_metadata={"a": {"b": [1, None, {"c": True}]}},
        identities=(identity,),
        role_ids=(new_id(),),
        permissions=({"api": "urn:a", "name": "read"},),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(user, **fields)


def event_with_changes(user: User) -> LogEvent:
    """An event with two changes."""
    return LogEvent(
        id=new_id(),
        tenant=user.tenant,
        type=LogEventType.USER_METADATA_UPDATED,
        date=NOW,
        recorded_at=NOW,
        user=user.id,
        actor=Actor("APPLICATION", "support"),
        changes=(FieldChange("user_metadata.a", None, False), FieldChange("name", "x", None)),
    )

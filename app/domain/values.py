"""How a stored document becomes what is answered, where that is more than a field of it."""

import json
from collections.abc import Mapping
from typing import Any

from app.domain.connections import why_not_editable
from app.domain.ids import encode_id
from app.domain.locations import Location
from app.domain.logs import Actor, LogEventType
from app.domain.principals import ActorKind
from app.domain.refusals import Refusal
from app.domain.root_attributes import ROOT_ATTRIBUTES, RootAttribute, RootAttributeName
from app.domain.rows import Row
from app.domain.rules import READ_OTHERS_ACTS
from app.domain.secret_names import without_secrets
from app.domain.users import AttributeSource


def root_attributes(row: Row) -> list[RootAttribute]:
    """Value, provenance and editability of each of the five."""
    refusal = why_not_editable(row.document.get("$connection"))
    return [_root_attribute(row.document, name, refusal) for name in ROOT_ATTRIBUTES]


def _root_attribute(document: Mapping[str, Any], name: str, refusal: Refusal | None) -> RootAttribute:
    provenance = document.get("provenance", {}).get(name, {})
    return RootAttribute(
        name=RootAttributeName(name),
        value=document.get(name),
        source=AttributeSource(provenance.get("source", AttributeSource.DEFAULT)),
        connection=provenance.get("connection"),
        updated_at=provenance.get("at"),
        editable=refusal is None,
        code=refusal.code if refusal else None,
        reason=refusal.reason if refusal else None,
    )


def profile_data(row: Row) -> Any:
    """What the provider sent, without what is not for readers."""
    text = row.document.get("profile_data")
    return None if text is None else without_secrets(json.loads(text))


def identity_id(row: Row) -> str:
    """An identity has no document of its own: what names it is its id."""
    document = row.document
    return encode_id("Identity", "|".join((document["provider"], document["connection"], document["user_id"])))


def is_hidden(row: Row) -> bool:
    """Whether an event is somebody else's act, shown to the user whom it was done to. The service is nobody else."""
    by = row.document.get("actor")
    return by is not None and by["kind"] != ActorKind.SYSTEM and READ_OTHERS_ACTS not in row.readable


def actor(row: Row) -> Actor | None:
    """Without the name where that is not for this reader."""
    stored = row.document.get("actor")
    if stored is None:
        return None
    return Actor(stored["kind"], stored["id"], None if is_hidden(row) else stored.get("name"))


def location(row: Row, name: str) -> Location | None:
    """A place as it was when it was stored."""
    stored = row.document.get(name)
    return None if stored is None else Location(**stored)


def event_type(row: Row) -> LogEventType:
    return LogEventType(row.document["type"])

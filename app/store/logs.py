"""Log events as documents."""

from dataclasses import asdict, fields
from typing import Any

from app.domain.attributes import root_of
from app.domain.logs import FieldChange, LogEvent

_FIELDS = tuple(field.name for field in fields(LogEvent) if field.name != "id")


def to_document(event: LogEvent) -> dict[str, Any]:
    """`roots` are the attributes that changed, by which a list is narrowed to what its reader may see."""
    document = {name: getattr(event, name) for name in _FIELDS}
    document |= {
        "_id": event.id,
        "actor": event.actor and asdict(event.actor),
        "changes": [_change(each) for each in event.changes],
        "roots": sorted({root_of(each.path) for each in event.changes}),
    }
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def _change(change: FieldChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(change).items() if value is not None}

"""The registry of the kinds whose objects have a global id. A relation refers to a kind by its name."""

from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.devices import DEVICE
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.attributes.grants import GRANT
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.kinds import Relation
from app.domain.paging import ListQuery

NODES = {kind.name: kind for kind in (USER, ROLE, CONNECTION, DEVICE, LOG_EVENT, GRANT, ENROLLMENT)}


def list_query(relation: Relation) -> ListQuery:
    """Returns the list of all objects of a relation. `ListQuery.of` narrows it to the objects of one owner."""
    return ListQuery(NODES[relation.of], relation.order, owner=relation.owner)

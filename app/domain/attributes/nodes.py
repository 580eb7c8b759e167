"""The registry of kinds: those whose objects have a global id of their own. Relations name them."""

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
    """All objects of the relation's kind in its order. `ListQuery.of` narrows it to those of one object."""
    return ListQuery(NODES[relation.of], relation.order, owner=relation.owner)

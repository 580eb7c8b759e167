"""The kinds whose objects have a global id of their own."""

from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.devices import DEVICE
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.attributes.grants import GRANT
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER

NODES = {kind.name: kind for kind in (USER, ROLE, CONNECTION, DEVICE, LOG_EVENT, GRANT, ENROLLMENT)}

"""What can be read: the queries of every noun."""

import strawberry

from app.schema.queries.callers import CallerQueries
from app.schema.queries.connections import ConnectionQueries
from app.schema.queries.devices import DeviceQueries
from app.schema.queries.login_rules import LoginRuleQueries
from app.schema.queries.logs import LogQueries
from app.schema.queries.nodes import NodeQueries
from app.schema.queries.rates import RateQueries
from app.schema.queries.roles import RoleQueries
from app.schema.queries.users import UserQueries


@strawberry.type(description="What can be read. A field that is refused is null, and says so in `errors`.")
class Query(
    LoginRuleQueries,
    CallerQueries,
    UserQueries,
    NodeQueries,
    RoleQueries,
    ConnectionQueries,
    LogQueries,
    DeviceQueries,
    RateQueries,
):
    pass

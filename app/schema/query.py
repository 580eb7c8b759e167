"""The type Query: combines the queries of all nouns."""

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


# All fields of Query are nullable: an error in one field must not remove the data of the others. The fields are printed
# in the order of the base classes.
@strawberry.type(
    description="All reads. Begin with `viewer`, the profile of the caller, or with `user` and `users`. A field that"
    " the caller may not read is null, with an error in the top-level `errors`. The other fields still have their"
    " values."
)
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

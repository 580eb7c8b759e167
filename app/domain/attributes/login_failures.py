"""The counters of failed logins. They exist for filters only: no GraphQL type contains them."""

from app.domain.kinds import Kind

LOGIN_FAILURE = Kind("LoginFailure", "login_failures", lookups=("user", "count"))

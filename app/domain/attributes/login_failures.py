"""The counters of failed logins, for filters only: no GraphQL type shows them."""

from app.domain.kinds import Kind

LOGIN_FAILURE = Kind("LoginFailure", "login_failures", lookups=("user", "count"))

"""Failed logins of a user from an IP address, counted. No type of the schema shows them."""

from app.domain.kinds import Kind

LOGIN_FAILURE = Kind("LoginFailure", "login_failures", lookups=("user", "count"))
